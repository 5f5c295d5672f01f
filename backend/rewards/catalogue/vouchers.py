"""Voucher codes: reserved or taken from the pool by one redemption, sealed for their owner, shown to them once."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from backend import clock, identity, strict_json
from backend.lists import insert_rows
from backend.rewards.catalogue.models import FREE, RESERVED, TAKEN, WITHDRAWN, CodeBatch, Voucher, VoucherCode
from backend.rewards.errors import CodeAlreadyShown, NoSuchVoucher, SoldOut
from backend.vault import Sealer, Vault

#: For how long the repeat of the request that showed a code shows it again.
REPEAT_LIFE = timedelta(hours=72)
_POOL_CONTEXT = b"voucher code"


@dataclass(frozen=True, slots=True)
class ShownCode:
    """A voucher code in the clear, on its way to its owner and nowhere else. `pin` is the card's password, if any."""

    code: str
    pin: str | None
    expires_on: date

    def __repr__(self) -> str:
        return "ShownCode(…)"  # what is printed or logged by accident shows nothing


def pool_context(reward: str) -> bytes:
    """What a code of the pool is bound to while the house keeps it."""
    return _POOL_CONTEXT + b":" + reward.encode()


def voucher_context(redemption_id: UUID) -> bytes:
    """What a member's code is bound to."""
    return _POOL_CONTEXT + b":" + redemption_id.bytes


_code = VoucherCode.__table__.c
_SOONEST = (
    select(_code.id, _code.sealed_code, _code.expires_on)
    .where(_code.reward == bindparam("reward"), _code.state == FREE, _code.expires_on >= bindparam("usable_until"))
    .order_by(_code.expires_on, _code.id)
    .limit(1)
)
_WAITED_FOR, _UNLOCKED = _SOONEST.with_for_update(), _SOONEST.with_for_update(skip_locked=True)
_RESERVE = (
    update(cast("Any", VoucherCode.__table__))
    .values(state=RESERVED, redemption_id=bindparam("redemption"))
    .where(_code.id == bindparam("code"))
)
_TAKE = (
    update(cast("Any", VoucherCode.__table__))
    .values(state=TAKEN, sealed_code=None, redemption_id=bindparam("redemption"))
    .where(_code.id == bindparam("code"))
)


def take_code(
    tx: Session,
    vault: Vault,
    *,
    reward: str,
    holder_id: UUID,
    redemption_id: UUID,
    usable_until: date,
    sealer: Sealer | None = None,
) -> None:
    """Give this redemption the code that is reserved for it, or a free one that can be used on `usable_until` at least.

    Those that lapse first go first. A redemption has one code, however often it asks. `sealer`: its holder's, where the
    redemption was begun in this transaction and so asks for the first time. Raises SoldOut, SessionEnded.
    """
    code: Any = None
    if sealer is None:
        if tx.get(Voucher, (holder_id, redemption_id), populate_existing=True) is not None:
            return
        sealer = identity.person_sealer(tx, vault, holder_id)
        code = _reserved_code(tx, redemption_id)
        if code is not None and _unowned_state(tx, code) == WITHDRAWN:
            release_code(tx, redemption_id)
            code = None
    code = code or _free_code(tx, reward, usable_until)
    plain = vault.house.open(code.sealed_code or b"", pool_context(reward))
    sealed = sealer.seal(plain, voucher_context(redemption_id))
    tx.execute(_TAKE, {"code": code.id, "redemption": redemption_id})
    row = {
        "holder_id": holder_id,
        "redemption_id": redemption_id,
        "code_id": code.id,
        "sealed_code": sealed,
        "expires_on": code.expires_on,
        "showings": 0,
        "showings_allowed": 1,
    }
    insert_rows(tx, Voucher, [row])


def _free_code(tx: Session, reward: str, usable_until: date) -> Any:
    """A free code, locked. At the end of the pool those that others hold are waited for: one may become free again."""
    asked = {"reward": reward, "usable_until": usable_until}
    found = tx.execute(_UNLOCKED, asked).one_or_none() or tx.execute(_WAITED_FOR, asked).one_or_none()
    if found is None:
        raise SoldOut(reward=reward)
    return found


def reserve_code(tx: Session, *, reward: str, redemption_id: UUID, usable_until: date) -> None:
    """Keep a free code for a redemption that a person looks at first; `take_code` gives it that one. Raises SoldOut."""
    code = _free_code(tx, reward, usable_until)
    tx.execute(_RESERVE, {"code": code.id, "redemption": redemption_id})


def release_code(tx: Session, redemption_id: UUID) -> None:
    """Let go of the code that is reserved for a redemption, which is held; nothing happens where none is."""
    code = _reserved_code(tx, redemption_id)
    if code is not None:
        code.state, code.redemption_id = _unowned_state(tx, code), None
        tx.flush()


def _reserved_code(tx: Session, redemption_id: UUID) -> VoucherCode | None:
    query = select(VoucherCode.id).where(VoucherCode.redemption_id == redemption_id, VoucherCode.state == RESERVED)
    code_id = tx.scalar(query)
    return None if code_id is None else _locked_code(tx, code_id)


def _locked_code(tx: Session, code_id: UUID) -> VoucherCode:
    """A code, locked behind its batch, which is not withdrawn meanwhile."""
    code = tx.get_one(VoucherCode, code_id)
    tx.get_one(CodeBatch, code.batch_id, with_for_update={"read": True}, populate_existing=True)
    return tx.get_one(VoucherCode, code_id, with_for_update=True, populate_existing=True)


def _unowned_state(tx: Session, code: VoucherCode) -> str:
    """What a code is that nobody has: of a batch that was withdrawn, nothing is given out any more."""
    return FREE if tx.get_one(CodeBatch, code.batch_id).withdrawn_at is None else WITHDRAWN


def put_code_back(tx: Session, vault: Vault, *, reward: str, holder_id: UUID, redemption_id: UUID) -> bool:
    """Make the code of a redemption that is refunded free again. False when its owner has seen it, or there is none."""
    held = tx.get(Voucher, (holder_id, redemption_id), with_for_update=True, populate_existing=True)
    if held is None or held.showings:
        return False
    plain = identity.person_sealer(tx, vault, holder_id).open(held.sealed_code, voucher_context(redemption_id))
    code = _locked_code(tx, held.code_id)
    code.state, code.redemption_id = _unowned_state(tx, code), None
    code.sealed_code = vault.house.seal(plain, pool_context(reward))
    tx.delete(held)
    tx.flush()
    return True


def reveal(tx: Session, vault: Vault, *, holder_id: UUID, redemption_id: UUID, key: str, now: datetime) -> ShownCode:
    """Show a code to its owner, once. The repeat of the request with the same `key` shows the same for a while.

    Raises NoSuchVoucher, CodeAlreadyShown, SessionEnded.
    """
    held = tx.get(Voucher, (holder_id, redemption_id), with_for_update=True, populate_existing=True)
    if held is None:
        raise NoSuchVoucher
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    repeated = held.shown_for == digest and held.shown_at is not None and now < held.shown_at + REPEAT_LIFE
    if not repeated:
        if held.showings >= held.showings_allowed:
            raise CodeAlreadyShown(shown_at=clock.iso(held.shown_at) if held.shown_at else None)
        held.showings, held.shown_for, held.shown_at = held.showings + 1, digest, now
        tx.flush()
    sealer = identity.person_sealer(tx, vault, holder_id)
    said: Mapping[str, Any] = strict_json.loads_object(sealer.open(held.sealed_code, voucher_context(redemption_id)))
    return ShownCode(said["code"], said.get("pin"), held.expires_on)
