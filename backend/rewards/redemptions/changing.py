"""What happens to a redemption afterwards: reviewed, refunded by an operator, run out."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Uuid, delete, literal, select, tuple_
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, operator_log
from backend.database import Instant, retried, transaction
from backend.errors import NotFound
from backend.identity import FINANCE, REVIEWER, OperatorView, SessionEnded
from backend.rewards.catalogue import offers, vouchers
from backend.rewards.catalogue.models import RewardTerms
from backend.rewards.catalogue.offers import Offer
from backend.rewards.orders import handovers, preparing, recipients
from backend.rewards.redemptions import limits, steps, telling
from backend.rewards.redemptions.errors import RedemptionChanged
from backend.rewards.redemptions.models import Redemption, RedemptionDevice
from backend.rewards.redemptions.policy import (
    CANCELLED,
    CONFIRMED,
    EXPIRED,
    HELD,
    OPERATOR,
    REFUNDED,
    RESERVED,
    REVIEW,
)
from backend.rewards.redemptions.steps import Why
from backend.rewards.redemptions.taking import fulfil, order
from backend.vault import Vault

#: A device that nothing was redeemed from for so long is not remembered.
_DEVICE_KEPT = timedelta(days=1)
_BATCH = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class InReview:
    """A redemption that waits for an operator."""

    id: UUID
    holder_id: UUID
    programme: str
    reward: str
    points: int
    why: str
    created_at: datetime
    ends_at: datetime


def in_review(tx: Session, *, limit: int = 100) -> Sequence[InReview]:
    """What waits for an operator, what ends first first."""
    query = select(Redemption).where(Redemption.state == REVIEW).order_by(Redemption.ends_at, Redemption.id)
    names = ("id", "holder_id", "programme", "reward", "points", "why", "created_at", "ends_at")
    return [InReview(*(getattr(row, name) for name in names)) for row in tx.scalars(query.limit(limit))]


def approve(
    tx: Session, vault: Vault, redemption_id: UUID, *, operator: OperatorView, reason: str, now: datetime
) -> UUID | None:
    """An operator lets a redemption go on: inside it is delivered at once, outside it is ordered.

    Returns the holder where it has an order that can be sent now. Raises OperatorNotAllowed, NotFound,
    RedemptionChanged, and what keeps the provider from delivering (SoldOut).
    """
    operator.require(REVIEWER)
    held = _by_id(tx, redemption_id)
    if held.state != REVIEW or held.ends_at is None or held.ends_at <= now:
        raise RedemptionChanged(state=held.state)
    offer = _offer(tx, held)
    why = Why("REVIEW_APPROVED", OPERATOR, operator.id)
    outside = offer.provider is not None
    if outside:
        hours = limits.limits_on(tx, held.programme, clock.day_of(now)).reserved_hours
        steps.move(tx, held, RESERVED, why, now=now, ends_at=now + timedelta(hours=hours))
        order(tx, held.holder_id, held.id, offer, now=now)
    else:
        steps.move(tx, held, CONFIRMED, why, now=now)
        fulfil(tx, vault, held.holder_id, held.id, offer, now=now)
    _log(tx, operator, "approved", held, REVIEW, reason, now)
    return held.holder_id if outside else None


def refuse(
    tx: Session, redemption_id: UUID, *, operator: OperatorView, reason: str, told: str | None = None, now: datetime
) -> None:
    """An operator ends a redemption in review; the points come back. `told` is said to the member.

    Raises OperatorNotAllowed, NotFound, RedemptionChanged.
    """
    operator.require(REVIEWER)
    held = _by_id(tx, redemption_id)
    if held.state != REVIEW:
        raise RedemptionChanged(state=held.state)
    steps.move(tx, held, CANCELLED, Why("REVIEW_REFUSED", OPERATOR, operator.id, told), now=now)
    recipients.delete(tx, held.holder_id, held.id, recipients.NOT_NEEDED, now=now)
    _log(tx, operator, "refused", held, REVIEW, reason, now)


def refund(
    tx: Session, vault: Vault, redemption_id: UUID, *, operator: OperatorView, reason: str, told: str, now: datetime
) -> None:
    """Give the points of what was confirmed and failed afterwards back; `told` is said to the member.

    A code that was shown is gone for good; a piece does not go back into the stock by itself. Raises
    OperatorNotAllowed, NotFound, RedemptionChanged.
    """
    operator.require(FINANCE)
    held = _by_id(tx, redemption_id)
    if held.state != CONFIRMED:
        raise RedemptionChanged(state=held.state)
    steps.move(tx, held, REFUNDED, Why("OPERATOR_REFUNDED", OPERATOR, operator.id, told), now=now)
    recipients.delete(tx, held.holder_id, held.id, recipients.NOT_NEEDED, now=now)
    handovers.call_off(tx, held.holder_id, held.id)
    with suppress(SessionEnded):  # the code of a member who was forgotten can be read by nobody
        vouchers.put_code_back(tx, vault, reward=held.reward, holder_id=held.holder_id, redemption_id=held.id)
    _log(tx, operator, "refunded", held, CONFIRMED, reason, now, told=told)


def expire(sessions: sessionmaker[Session], now: datetime) -> int:
    """End reviews and reservations whose time is over; what is being sent at this moment is left alone.

    Each ends in a transaction of its own: one stock row holds up no other member's points, and one in trouble no other.
    Returns how many ended.
    """
    ended, after = 0, (datetime.min.replace(tzinfo=UTC), UUID(int=0))
    while page := _over(sessions, after, now):
        for ends_at, holder_id, redemption_id in page:
            after = ends_at, redemption_id
            end = partial(_expire, holder_id=holder_id, redemption_id=redemption_id, now=now)
            try:
                ended += retried(sessions, end)
            except Exception as error:
                log.error("expiring_failed", redemption=str(redemption_id), exc_info=error)
    return ended


def _over(sessions: sessionmaker[Session], after: tuple[datetime, UUID], now: datetime) -> Sequence[Any]:
    """Some of those whose time is over: when it was, whose and which."""
    query = select(Redemption.ends_at, Redemption.holder_id, Redemption.id)
    query = query.where(Redemption.state.in_(HELD), Redemption.ends_at <= now)
    place = tuple_(literal(after[0], Instant()), literal(after[1], Uuid()))
    query = query.where(tuple_(Redemption.ends_at, Redemption.id) > place)
    with transaction(sessions) as tx:
        return tx.execute(query.order_by(Redemption.ends_at, Redemption.id).limit(_BATCH)).all()


def _expire(tx: Session, *, holder_id: UUID, redemption_id: UUID, now: datetime) -> bool:
    held = _held(tx, holder_id, redemption_id)
    over = held.state in HELD and held.ends_at is not None and held.ends_at <= now
    if not over or not preparing.drop(tx, holder_id, redemption_id, now=now):
        return False
    why = "REVIEW_EXPIRED" if held.state == REVIEW else "RESERVATION_EXPIRED"
    steps.move(tx, held, EXPIRED, Why(why), now=now)
    recipients.delete(tx, holder_id, redemption_id, recipients.NOT_NEEDED, now=now)
    return True


def forget_devices(tx: Session, *, now: datetime) -> int:
    """Remove devices nothing was redeemed from lately; what they are counted by stands in the redemptions."""
    old = select(RedemptionDevice.device_index).where(RedemptionDevice.used_at <= now - _DEVICE_KEPT)
    old = old.order_by(RedemptionDevice.used_at).limit(_BATCH * 10).with_for_update(skip_locked=True)
    gone = delete(RedemptionDevice).where(RedemptionDevice.device_index.in_(old))
    return len(list(tx.scalars(gone.returning(RedemptionDevice.device_index))))


def _held(tx: Session, holder_id: UUID, redemption_id: UUID) -> Redemption:
    held = steps.hold(tx, holder_id, redemption_id)
    if held is None:
        raise NotFound
    return held


def _by_id(tx: Session, redemption_id: UUID) -> Redemption:
    return _held(tx, telling.holder_of(tx, redemption_id), redemption_id)


def _offer(tx: Session, held: Redemption) -> Offer:
    """What was redeemed, under the terms it was redeemed under."""
    terms = tx.get_one(RewardTerms, (held.reward, held.terms_version))
    return offers.offer_of(offers.require_reward(tx, held.reward), terms)


def _log(
    tx: Session,
    operator: OperatorView,
    verb: str,
    held: Redemption,
    state: str,
    reason: str,
    now: datetime,
    **said: Any,
) -> None:
    operator_log.write(
        tx,
        operator_id=operator.id,
        action=f"redemption.{verb}",
        subject=f"redemption {held.id}",
        reason=reason,
        before={"state": state},
        after={"state": held.state, "points": held.points, **said},
        now=now,
    )
