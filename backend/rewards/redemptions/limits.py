"""The limits of a programme: versions that follow one another, changed by two operators; and what they count."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, literal_column, or_, select
from sqlalchemy.orm import Session

from backend import clock, identity, two_operators
from backend.approvals import Approval
from backend.identity import FINANCE, OperatorView
from backend.lists import insert_rows, upsert_rows
from backend.rewards.catalogue.terms import Limit
from backend.rewards.redemptions.errors import InvalidLimits, LimitReached, LimitsTooEarly
from backend.rewards.redemptions.models import Redemption, RedemptionDevice, RedemptionLimits
from backend.rewards.redemptions.policy import LIMIT_NAMES, PAIRS, STANDING, Before, Limits
from backend.two_operators import Done

LIMITS = "rewards.limits"
_redemption = Redemption.__table__.c
#: Written into the statement: the states are constants, and a list of parameters is composed anew each time.
_STANDS = _redemption.state.in_([literal_column(f"'{state}'") for state in STANDING])
#: Before there was anything to redeem.
_EVER = datetime.fromtimestamp(0, UTC)


def save_limits(
    tx: Session,
    programme: str,
    limits: Limits,
    *,
    in_force_from: date,
    announced_on: date,
    approval_id: UUID | None = None,
) -> int:
    """Publish the next version of a programme's limits; returns its number. The first may begin at once.

    Raises LimitsTooEarly.
    """
    newest = tx.scalar(select(func.max(RedemptionLimits.version)).where(RedemptionLimits.programme == programme))
    if newest is not None and in_force_from <= announced_on:
        raise LimitsTooEarly(announced_on=announced_on.isoformat())
    row = {
        "programme": programme,
        "version": (newest or 0) + 1,
        "announced_on": announced_on,
        "in_force_from": in_force_from,
        **asdict(limits),
        "approval_id": approval_id,
    }
    insert_rows(tx, RedemptionLimits, [row])
    return int(row["version"])


def _limits_on() -> Any:
    table = RedemptionLimits.__table__.c
    return (
        select(*(table[name] for name in LIMIT_NAMES))
        .where(table.programme == bindparam("programme"), table.in_force_from <= bindparam("day"))
        .order_by(table.in_force_from.desc(), table.version.desc())
        .limit(1)
    )


_LIMITS_ON = _limits_on()


def limits_on(tx: Session, programme: str, day: date) -> Limits:
    """A programme's limits on a day: of the versions that have begun, the one that began last. None is no limits."""
    row = tx.execute(_LIMITS_ON, {"programme": programme, "day": day}).one_or_none()
    return Limits() if row is None else Limits(*row)


def request_limits(
    tx: Session,
    programme: str,
    limits: Mapping[str, int],
    in_force_from: date,
    *,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for other limits from a day on; returns the request another operator decides.

    Raises OperatorNotAllowed, UnknownProgramme, InvalidLimits, LimitsTooEarly.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, programme)
    _checked(limits)
    if in_force_from <= clock.day_of(now):
        raise LimitsTooEarly(announced_on=clock.day_of(now).isoformat())
    facts = {"programme": programme, "in_force_from": in_force_from.isoformat(), "limits": dict(limits)}
    return two_operators.ask(tx, LIMITS, facts, operator, reason, now)


def decide_limits(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is announced on the day of this decision.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, LimitsTooEarly.
    """

    def announce(asked: Approval) -> Done:
        programme, in_force_from = str(asked.facts["programme"]), date.fromisoformat(asked.facts["in_force_from"])
        before = asdict(limits_on(tx, programme, in_force_from))
        wanted, today = _checked(asked.facts["limits"]), clock.day_of(now)
        if in_force_from <= today:
            raise LimitsTooEarly(announced_on=today.isoformat())
        save_limits(tx, programme, wanted, in_force_from=in_force_from, announced_on=today, approval_id=request_id)
        return Done(before)

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {LIMITS: announce}, operator, granted, reason, now)


def _checked(limits: Mapping[str, int]) -> Limits:
    least = {"new_points": 0}
    wrong = [name for name in limits if name not in LIMIT_NAMES or limits[name] < least.get(name, 1)]
    wrong += [name for pair in PAIRS if len(limits.keys() & set(pair)) == 1 for name in pair if name in limits]
    if wrong:
        raise InvalidLimits(limits=sorted(set(wrong)), known=list(LIMIT_NAMES))
    return Limits(**limits)


def _before() -> Any:
    here = _redemption.programme == bindparam("programme")
    query = select(
        func.coalesce(
            func.sum(_redemption.points).filter(here, _STANDS, _redemption.created_at >= bindparam("today")), 0
        ),
        func.count().filter(here, _STANDS, _redemption.created_at > bindparam("window")),
        func.count().filter(here, _redemption.created_at > bindparam("lately")),
        func.count().filter(
            _redemption.reward == bindparam("reward"), _STANDS, _redemption.created_at > bindparam("since")
        ),
    )
    return query.where(_redemption.holder_id == bindparam("holder_id"), _redemption.created_at >= bindparam("earliest"))


_BEFORE = _before()


def before(
    tx: Session, holder_id: UUID, programme: str, limits: Limits, reward: str, limit: Limit | None, *, now: datetime
) -> Before:
    """What an account redeemed before, as far as limits ask. The account is held, so nothing is added meanwhile.

    Raises LimitReached when it has had as many pieces of this reward as one may have, by the terms' `limit`.
    """
    if limit is None and not limits.counts_anything:
        return Before()
    since = now if limit is None else _since(now, limit)
    asked = {
        "holder_id": holder_id,
        "programme": programme,
        "today": clock.start_of(clock.day_of(now)),
        "window": now - timedelta(minutes=limits.person_minutes or 0),
        "lately": now - timedelta(minutes=limits.review_minutes or 0),
        "reward": reward,
        "since": since,
        "earliest": min(since, limits.earliest(now)),
    }
    *counted, pieces = (int(number) for number in tx.execute(_BEFORE, asked).one())
    if limit is not None and pieces >= limit.count:
        raise LimitReached(limit="PER_PERSON", allowed=limit.count, days=limit.days)
    return Before(*counted)


def _since(now: datetime, limit: Limit) -> datetime:
    return _EVER if limit.days is None else now - timedelta(days=limit.days)


def pieces_had(tx: Session, holder_id: UUID, wanted: Mapping[str, Limit | None], *, now: datetime) -> dict[str, int]:
    """Reward → pieces an account has had within the window of its limit; those without a limit are left out."""
    windows = [
        (Redemption.reward == reward) & (Redemption.created_at > now - timedelta(days=limit.days))
        if limit.days is not None
        else Redemption.reward == reward
        for reward, limit in wanted.items()
        if limit is not None
    ]
    if not windows:
        return {}
    query = select(Redemption.reward, func.count()).where(Redemption.holder_id == holder_id, _STANDS, or_(*windows))
    return {row[0]: row[1] for row in tx.execute(query.group_by(Redemption.reward))}


#: From a device: pieces of a reward, and redemptions in a programme, each since an instant.
_FROM_DEVICE = select(
    func.count().filter(_redemption.reward == bindparam("reward"), _redemption.created_at > bindparam("since")),
    func.count().filter(_redemption.programme == bindparam("programme"), _redemption.created_at > bindparam("window")),
).where(_redemption.device_index == bindparam("device"), _STANDS, _redemption.created_at > bindparam("earliest"))


def check_device(
    tx: Session, device: bytes, programme: str, limits: Limits, reward: str, limit: Limit | None, *, now: datetime
) -> None:
    """Count what was redeemed from a device, which is held until commit, this time included. Raises LimitReached."""
    if limit is None and limits.device_count is None:
        return
    upsert_rows(tx, RedemptionDevice, [{"device_index": device, "used_at": now}], key=("device_index",))
    window = now - timedelta(minutes=limits.device_minutes or 0)
    since = now if limit is None else _since(now, limit)
    asked = {"device": device, "reward": reward, "since": since, "programme": programme, "window": window}
    pieces, redemptions = tx.execute(_FROM_DEVICE, {**asked, "earliest": min(since, window)}).one()
    if limit is not None and pieces > limit.count:
        raise LimitReached(limit="PER_DEVICE", allowed=limit.count, days=limit.days)
    if limits.device_count is not None and redemptions > limits.device_count:
        raise LimitReached(limit="DEVICE_WINDOW", allowed=limits.device_count, minutes=limits.device_minutes)
