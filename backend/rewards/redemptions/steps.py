"""The steps of a redemption: each is taken once, moves the points as it must, and stays told.

Whoever changes a redemption holds its row first; points come after it, the stock of its reward last.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import points
from backend.lists import insert_rows, insert_together
from backend.rewards.catalogue import stock, vouchers
from backend.rewards.catalogue.models import POOL, Reward
from backend.rewards.redemptions.errors import RedemptionChanged
from backend.rewards.redemptions.models import Redemption, RedemptionStep
from backend.rewards.redemptions.policy import (
    CANCELLED,
    CONFIRMED,
    EXPIRED,
    HOUSE,
    KEPT_STATES,
    REFUNDED,
    STEPS,
)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a step is taken, by whom, and what an operator says to the member about it."""

    code: str | None = None
    actor: str = HOUSE
    operator_id: UUID | None = None
    told: str | None = None


def begin(tx: Session, row: dict[str, Any], why: Why) -> None:
    """Write a new redemption down with its first step."""
    step = _step(row["holder_id"], row["id"], 1, row["state"], why, row["created_at"])
    insert_together(tx, (Redemption, row), (RedemptionStep, step))


def hold(tx: Session, holder_id: UUID, redemption_id: UUID) -> Redemption | None:
    """A redemption, locked until commit and read anew."""
    query = select(Redemption).where(Redemption.holder_id == holder_id, Redemption.id == redemption_id)
    found = tx.scalar(query.with_for_update().execution_options(populate_existing=True))
    if found is not None:
        tx.expunge(found)
    return found


def move(
    tx: Session, held: Redemption, state: str, why: Why, *, now: datetime, ends_at: datetime | None = None
) -> None:
    """Take a held redemption a step further, with its points. Raises RedemptionChanged for a step there is not."""
    if state not in STEPS[held.state]:
        raise RedemptionChanged(state=held.state)
    before, held.state, held.why, held.changed_at, held.ends_at = held.state, state, why.code, now, ends_at
    mine = (Redemption.holder_id == held.holder_id, Redemption.id == held.id)
    changes = {"state": state, "why": why.code, "changed_at": now, "ends_at": ends_at}
    tx.execute(update(Redemption).where(*mine).values(changes).execution_options(synchronize_session=False))
    steps = select(func.max(RedemptionStep.position)).where(
        RedemptionStep.holder_id == held.holder_id, RedemptionStep.redemption_id == held.id
    )
    step = _step(held.holder_id, held.id, int(tx.scalar(steps) or 0) + 1, state, why, now)
    insert_rows(tx, RedemptionStep, [step])
    _move_points(tx, held, before, now)


def put_back(tx: Session, held: Redemption) -> None:
    """Put back the piece that a redemption took, or the code it reserved, and did not use. Comes once, after its last
    step."""
    stock_kind = tx.scalars(select(Reward.stock_kind).where(Reward.code == held.reward)).one()
    stock.put_back(tx, held.reward, stock_kind)
    if stock_kind == POOL:
        vouchers.release_code(tx, held.id)


def _move_points(tx: Session, held: Redemption, before: str, now: datetime) -> None:
    use: dict[str, Any] = {"holder_id": held.holder_id, "use_id": held.id, "now": now}
    if before in KEPT_STATES and held.state == CONFIRMED:
        points.confirm(tx, **use)
    elif held.state in (CANCELLED, EXPIRED):
        points.release(tx, **use, reason=held.why or held.state)
        put_back(tx, held)
    elif held.state == REFUNDED:
        points.refund(tx, **use, reason=held.why or held.state)


def _step(holder_id: UUID, redemption_id: UUID, position: int, state: str, why: Why, now: datetime) -> dict[str, Any]:
    return {
        "holder_id": holder_id,
        "redemption_id": redemption_id,
        "position": position,
        "state": state,
        "why": why.code,
        "actor": why.actor,
        "operator_id": why.operator_id,
        "told": why.told,
        "at": now,
    }
