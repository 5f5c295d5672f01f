"""Redemptions as their member reads them: plain JSON, every state and reason in words."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.bilingual import halves
from backend.errors import NotFound
from backend.rewards.catalogue.models import Reward, Voucher
from backend.rewards.orders import preparing, recipients
from backend.rewards.orders.models import Handover, ProviderOrder
from backend.rewards.redemptions.models import Redemption, RedemptionStep
from backend.rewards.redemptions.policy import (
    CONFIRMED,
    REQUESTED,
    SENTENCES,
    WHY,
    WITHDRAWAL_SENTENCES,
    may_cancel,
)
from backend.vault import Vault


def _own(other: type[ProviderOrder] | type[Handover]) -> ColumnElement[bool]:
    return and_(other.holder_id == Redemption.holder_id, other.redemption_id == Redemption.id)


_WAITS = and_(Handover.redemption_id.is_not(None), Handover.carried_out_at.is_(None))
_QUERY = (
    select(*Redemption.__table__.c, Reward.kind, Reward.title_zh, Reward.title_en)
    .add_columns(ProviderOrder.status, ProviderOrder.withdrawal, _WAITS.label("waits"))
    .join(Reward, Reward.code == Redemption.reward)
    .outerjoin(ProviderOrder, _own(ProviderOrder))
    .outerjoin(Handover, _own(Handover))
)


def told(
    row: Mapping[str, Any],
    kind: str,
    titles: Mapping[str, str],
    *,
    waits: bool = False,
    status: str | None = None,
    withdrawal: str | None = None,
) -> dict[str, Any]:
    """A redemption and how far it is; with what `policy.may_cancel` wants to know of what is being done for it."""
    asked = withdrawal if row["state"] in (REQUESTED, CONFIRMED) else None
    return {
        "id": str(row["id"]),
        "account_id": str(row["holder_id"]),
        "programme": row["programme"],
        "reward": row["reward"],
        "kind": kind,
        "title": dict(titles),
        "points": row["points"],
        "state": row["state"],
        "sentence": halves(WITHDRAWAL_SENTENCES[asked] if asked else SENTENCES[row["state"]]),
        "why": reason(row["why"]),
        "created_at": clock.iso(row["created_at"]),
        "changed_at": clock.iso(row["changed_at"]),
        "ends_at": clock.iso(row["ends_at"]) if row["ends_at"] else None,
        "may_cancel": may_cancel(row["state"], waits=waits, status=status, withdrawal=withdrawal),
        "withdrawal": asked,
    }


def reason(code: str | None) -> dict[str, str] | None:
    """Why, as a code and in words."""
    return None if code is None else {"code": code, **halves(WHY[code])}


def one(tx: Session, holder_id: UUID, redemption_id: UUID) -> dict[str, Any] | None:
    """A redemption of this account; None where there is none."""
    mine = (Redemption.holder_id == holder_id, Redemption.id == redemption_id)
    row = tx.execute(_QUERY.where(*mine)).one_or_none()
    return None if row is None else _told(row._mapping)


def several(
    tx: Session, holder_id: UUID, *, programme: str | None, before: UUID | None, limit: int
) -> Sequence[dict[str, Any]]:
    """The redemptions of an account, newest first."""
    query = _QUERY.where(Redemption.holder_id == holder_id)
    if programme is not None:
        query = query.where(Redemption.programme == programme)
    if before is not None:
        query = query.where(Redemption.id < before)
    return [_told(row._mapping) for row in tx.execute(query.order_by(Redemption.id.desc()).limit(limit))]


def holder_of(tx: Session, redemption_id: UUID) -> UUID:
    """Whose redemption it is. Raises NotFound."""
    found = tx.scalar(select(Redemption.holder_id).where(Redemption.id == redemption_id))
    if found is None:
        raise NotFound
    return found


def in_full(tx: Session, vault: Vault | None, holder_id: UUID, redemption_id: UUID) -> dict[str, Any] | None:
    """A redemption with its history, its voucher (never the code), its order and for whom it is (masked).

    Without the vault, as operators read it, nobody is named.
    """
    found = one(tx, holder_id, redemption_id)
    if found is None:
        return None
    mine = (RedemptionStep.holder_id == holder_id, RedemptionStep.redemption_id == redemption_id)
    history = tx.scalars(select(RedemptionStep).where(*mine).order_by(RedemptionStep.position))
    voucher = tx.get(Voucher, (holder_id, redemption_id), populate_existing=True)
    order = preparing.order_of(tx, holder_id, redemption_id)
    return found | {
        "steps": [_step(row) for row in history],
        "voucher": None if voucher is None else _voucher(voucher),
        "order": None if order is None else {"provider": order.provider, "status": order.status},
        "recipient": _recipient(recipients.masked(tx, vault, holder_id, redemption_id) if vault else None),
    }


def _told(row: Mapping[Any, Any]) -> dict[str, Any]:
    done = {name: row[name] for name in ("waits", "status", "withdrawal")}
    return told(row, row["kind"], {"zh": row["title_zh"], "en": row["title_en"]}, **done)


def _step(row: RedemptionStep) -> dict[str, Any]:
    return {
        "state": row.state,
        "at": clock.iso(row.at),
        "actor": row.actor,
        "sentence": halves(SENTENCES[row.state]),
        "why": reason(row.why),
        "told": row.told,
    }


def _voucher(row: Voucher) -> dict[str, Any]:
    shown_at = clock.iso(row.shown_at) if row.shown_at else None
    return {
        "expires_on": row.expires_on.isoformat(),
        "may_be_shown": row.showings < row.showings_allowed,
        "shown_at": shown_at,
    }


def _recipient(shown: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if shown is None:
        return None
    instants = {name: shown[name] and clock.iso(shown[name]) for name in ("agreed_at", "deleted_at")}
    return {**shown, **instants}
