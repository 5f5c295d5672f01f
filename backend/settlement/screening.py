"""Whose act is it, and may it be credited? What it rests on is held until the batch commits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from backend import activities, clock
from backend.activities import LONGEST_TRIP, Act, ActivityKey, ActRefused, OrderKey, OrderState
from backend.identity import Receiver
from backend.settlement import allowing, commuting
from backend.settlement.allowing import Basis
from backend.settlement.statements import Draft, Outcome, Statement

#: How far a partner's clock may run ahead of ours.
CLOCK_LEEWAY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Screened:
    """A statement that may be settled: its draft (None for a cancellation) and the account it is for.

    `refusal` is set when the act can be recorded but not credited.
    """

    draft: Draft | None
    receiver: Receiver | None
    refusal: str | None = None


def screen(
    tx: Session,
    statements: Sequence[Statement],
    orders: Mapping[OrderKey, OrderState],
    *,
    now: datetime,
) -> list[Screened | Outcome]:
    """One answer per statement: Screened, or the Outcome that ends its way here (parked, refused)."""
    answers = [_translate(item, orders[item.partner, item.order_no].order_type) for item in statements]
    _check_basis(tx, statements, answers, now)
    _park_whole_events(statements, answers)
    return answers


def _translate(statement: Statement, order_type: str | None) -> Screened | Outcome:
    if statement.translate is None:
        return Screened(None, None)
    if order_type is None:
        return Outcome("parked", "AWAITING_ORDER")
    if statement.order_type is not None and statement.order_type != order_type:
        return Outcome("refused", "ORDER_TYPE_CHANGED")
    try:
        draft = statement.translate(order_type)
    except ActRefused as refusal:
        return Outcome("refused", refusal.reason, facts=dict(refusal.facts))
    return Screened(draft, statement.receiver) if statement.receiver else Outcome("parked", "NO_LINK")


def _check_basis(
    tx: Session, statements: Sequence[Statement], answers: list[Screened | Outcome], now: datetime
) -> None:
    asked = [_basis(statement, answer) for statement, answer in zip(statements, answers, strict=True)]
    refusals = allowing.refusals(tx, {item for item in asked if item is not None}, now=now)
    idle = commuting.not_working(tx, {day for day in map(_commute_day, asked) if day is not None})
    for position, item in enumerate(asked):
        answer = answers[position]
        if item is not None and isinstance(answer, Screened) and answer.draft is not None:
            works = _commute_day(item) not in idle
            answers[position] = _judge(answer, answer.draft, refusals[item], now, works=works)


def _basis(statement: Statement, answer: Screened | Outcome) -> Basis | None:
    if isinstance(answer, Outcome) or answer.draft is None or answer.receiver is None:
        return None
    scene = activities.library().get(answer.draft.methodology).scene
    holder_id, programme = answer.receiver.holder_id, answer.receiver.programme
    return Basis(statement.rests_on, holder_id, programme, statement.partner, scene, answer.draft.occurred_at)


def _commute_day(item: Basis | None) -> tuple[str, date] | None:
    """Programme and Shanghai day of an act that is a commute."""
    if item is None or item.scene != commuting.SCENE:
        return None
    return item.programme, clock.day_of(item.occurred_at)


def _judge(answer: Screened, draft: Draft, refusal: str | None, now: datetime, *, works: bool) -> Screened | Outcome:
    if refusal in allowing.MAY_STILL_COME:
        return Outcome("parked", refusal)
    if draft.occurred_at > now + CLOCK_LEEWAY or (draft.ended_at or draft.occurred_at) > now + CLOCK_LEEWAY:
        return Screened(draft, answer.receiver, "FUTURE_ACT")
    if refusal is not None:
        return Screened(draft, answer.receiver, refusal)
    if draft.started_at and draft.ended_at and draft.ended_at - draft.started_at > LONGEST_TRIP:
        return Screened(draft, answer.receiver, "TRIP_TOO_LONG")
    return answer if works else Screened(draft, answer.receiver, commuting.NOT_A_WORKING_DAY)


def _park_whole_events(statements: Sequence[Statement], answers: list[Screened | Outcome]) -> None:
    """The lines of one event wait together, so that a parked event is settled whole when its time comes."""
    parked = {
        statement.source_id: answer.code
        for statement, answer in zip(statements, answers, strict=True)
        if isinstance(answer, Outcome) and answer.status == "parked"
    }
    for position, statement in enumerate(statements):
        if statement.source_id in parked:
            answers[position] = Outcome("parked", parked[statement.source_id])


def still_allowed(tx: Session, acts: Sequence[Act], *, now: datetime) -> set[ActivityKey]:
    """Which recorded acts may be credited now: what they rest on stands and reaches back to them."""
    bases = {act.key: allowing.basis_of(act) for act in acts}
    refusals = allowing.refusals(tx, set(bases.values()), now=now)
    return {key for key, basis in bases.items() if refusals[basis] is None}
