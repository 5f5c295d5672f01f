"""For whom an order is: where goods go, or what a platform calls the member.

It is sealed under the member's own key, goes to the provider of that reward alone, is shown to the member with the
middle left out, and is deleted when it is not needed any more. That it was deleted, and why, stays.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from backend import identity
from backend.errors import Refusal
from backend.holdings import Held, held_rows
from backend.lists import insert_rows
from backend.rewards.errors import InvalidRecipient
from backend.rewards.interfaces import Address, Recipient, Reference
from backend.rewards.orders.models import ADDRESS, REFERENCE, Handover, OrderRecipient, ProviderOrder
from backend.vault import Sealer, Unreadable, Vault

#: An address is deleted when the provider says "delivered", at the latest so long after "shipped" …
KEPT_AFTER_SHIPPING = timedelta(days=30)
#: … and where a provider never says how far it is, so long after it took the order on.
KEPT_AT_MOST = timedelta(days=180)
#: While nobody knows what became of an order its address is kept for so long after it was sent. It is never sent again:
#: the order stays open without it, is asked about, and can be settled by operators.
KEPT_WHILE_UNKNOWN = timedelta(days=30)
#: Why it was deleted.
DELIVERED, NOT_NEEDED, RUN_OUT, FORGOTTEN = "delivered", "order_ended", "time_over", "member_forgotten"

_BATCH = 200
_LENGTHS = {"name": (1, 40), "region": (2, 60), "street": (4, 120), "member": (1, 64)}
_PHONE = re.compile(r"(?:\+86)?(?:1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})")
_REFERENCE = re.compile(r"[0-9A-Za-z@._+-]{1,64}")
_DIGIT = re.compile("[0-9]")


def recipient_of(given: Mapping[str, Any]) -> Recipient:
    """What a member wrote, checked strictly: `name, phone, region, street`, or `member`. Raises InvalidRecipient."""
    fields = ("member",) if "member" in given else ("name", "phone", "region", "street")
    wrong = sorted(set(given) ^ set(fields)) or [name for name in fields if not _right(name, given[name])]
    if wrong:
        raise InvalidRecipient(fields=wrong)
    if "member" in given:
        return Reference(given["member"])
    return Address(**{name: given[name] for name in fields})


def keep(
    tx: Session,
    vault: Vault,
    holder_id: UUID,
    redemption_id: UUID,
    provider: str,
    recipient: Recipient,
    *,
    now: datetime,
) -> None:
    """Seal it for an order, with the record that the member agreed now that this provider learns it."""
    sealer = identity.person_sealer(tx, vault, holder_id)
    plain = json.dumps(asdict(recipient), ensure_ascii=False).encode()
    row = {
        "holder_id": holder_id,
        "redemption_id": redemption_id,
        "provider": provider,
        "kind": ADDRESS if isinstance(recipient, Address) else REFERENCE,
        "sealed": sealer.seal(plain, _context(redemption_id)),
        "agreed_at": now,
    }
    insert_rows(tx, OrderRecipient, [row])


def needed(tx: Session, vault: Vault, holder_id: UUID, redemption_id: UUID) -> Recipient | None:
    """For whom an order is; None where nobody has to be named. Unreadable once it was deleted, or they forgotten."""
    row = tx.get(OrderRecipient, (holder_id, redemption_id), populate_existing=True)
    if row is None:
        return None
    try:
        return _opened(identity.person_sealer(tx, vault, holder_id), row)
    except Refusal as refusal:
        raise Unreadable("the member was forgotten") from refusal


def masked(tx: Session, vault: Vault, holder_id: UUID, redemption_id: UUID) -> dict[str, Any] | None:
    """What the member sees of it: the provider who learns it, when they agreed, its fields with the middle left out."""
    row = tx.get(OrderRecipient, (holder_id, redemption_id), populate_existing=True)
    if row is None:
        return None
    shown: dict[str, Any] = {"provider": row.provider, "kind": row.kind, "agreed_at": row.agreed_at}
    shown |= {"deleted_at": row.deleted_at, "deleted_because": row.deleted_because}
    if row.sealed is not None:
        plain = asdict(_opened(identity.person_sealer(tx, vault, holder_id), row))
        shown |= {name: _masked(name, text) for name, text in plain.items()}
    return shown


def delete(tx: Session, holder_id: UUID, redemption_id: UUID, because: str, *, now: datetime) -> None:
    """Delete it for good; that it was there, and why it is not any more, stays."""
    row = tx.get(OrderRecipient, (holder_id, redemption_id), with_for_update=True, populate_existing=True)
    if row is not None and row.sealed is not None:
        row.sealed, row.deleted_at, row.deleted_because = None, now, because
        tx.flush()


def delete_recipients(tx: Session, *, now: datetime) -> int:
    """Delete what was kept long enough although nobody said that it arrived: one step of a job."""
    long_enough = or_(
        ProviderOrder.shipped_at <= now - KEPT_AFTER_SHIPPING,
        ProviderOrder.finished_at <= now - KEPT_AT_MOST,
        and_(ProviderOrder.finished_at.is_(None), ProviderOrder.placed_at <= now - KEPT_WHILE_UNKNOWN),
    )
    ordered = select(ProviderOrder.redemption_id).where(*_same(ProviderOrder), long_enough)
    listed = select(Handover.redemption_id).where(*_same(Handover), Handover.recorded_at <= now - KEPT_AT_MOST)
    query = select(OrderRecipient).where(OrderRecipient.sealed.is_not(None), or_(ordered.exists(), listed.exists()))
    query = query.order_by(OrderRecipient.holder_id, OrderRecipient.redemption_id).limit(_BATCH)
    rows = tx.scalars(query.with_for_update(skip_locked=True)).all()
    for row in rows:
        row.sealed, row.deleted_at, row.deleted_because = None, now, RUN_OUT
    return len(rows)


def _same(other: type[ProviderOrder] | type[Handover]) -> tuple[ColumnElement[bool], ...]:
    return other.holder_id == OrderRecipient.holder_id, other.redemption_id == OrderRecipient.redemption_id


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """A member is forgotten: nothing of theirs is kept, whatever is still on its way."""
    query = select(OrderRecipient).where(OrderRecipient.holder_id == holder_id, OrderRecipient.sealed.is_not(None))
    for row in tx.scalars(query.order_by(OrderRecipient.redemption_id).with_for_update()):
        row.sealed, row.deleted_at, row.deleted_because = None, now, FORGOTTEN
    tx.flush()


def held_recipients(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    """Every row about this holder, as it is handed out: in clear while it exists."""
    sealer = identity.person_sealer(tx, vault, holder_id)
    query = select(OrderRecipient).where(OrderRecipient.holder_id == holder_id)
    rows = {str(row.redemption_id): row for row in tx.scalars(query)}
    for shown in held_rows(tx, OrderRecipient, holder_id, without=("sealed",)):
        row = rows[shown["redemption_id"]]
        yield shown | ({} if row.sealed is None else asdict(_opened(sealer, row)))


def _opened(sealer: Sealer, row: OrderRecipient) -> Recipient:
    if row.sealed is None:
        raise Unreadable("the recipient was deleted")
    plain = json.loads(sealer.open(row.sealed, _context(row.redemption_id)))
    return Address(**plain) if row.kind == ADDRESS else Reference(**plain)


def _context(redemption_id: UUID) -> bytes:
    return b"reward recipient:" + redemption_id.bytes


def _right(name: str, text: object) -> bool:
    """Whether a field can be what it says it is: one line, no blanks around it, nothing invisible in it."""
    if not isinstance(text, str) or text != unicodedata.normalize("NFC", text).strip():
        return False
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text):
        return False
    if name == "phone":
        return _PHONE.fullmatch(text) is not None
    if name == "member" and not _REFERENCE.fullmatch(text):
        return False
    if name == "name" and _DIGIT.search(text):
        return False
    least, most = _LENGTHS[name]
    return least <= len(text) <= most and any(character.isalnum() for character in text)


def _masked(name: str, text: str) -> str:
    """Enough of a field for its owner to recognise it."""
    if name == "region":
        return text
    if name == "phone":
        return f"{text[:3]}****{text[-4:]}"
    if name == "street":
        return f"{text[:2]}****"
    return text[:1] + "*" * max(1, min(len(text), 4) - 1)
