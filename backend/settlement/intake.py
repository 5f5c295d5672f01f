"""Orders and revisions: which statements of a batch stand, and which activities they take the place of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities
from backend.activities import CANCELLED, ORIGINAL, WHOLE_ORDER, ActivityKey, LineState, OrderKey, OrderState
from backend.ids import new_id
from backend.settlement.screening import Screened
from backend.settlement.statements import Outcome, Statement


@dataclass(slots=True)
class Standing:
    """What the batch does to its orders.

    `activity_ids`: the statements (by position) that stand, with the id their activity gets; `withdrawn`: recorded
    activities that another statement takes the place of, with the reason; `lines`: what to write.
    """

    activity_ids: dict[int, UUID] = field(default_factory=dict)
    withdrawn: dict[ActivityKey, str] = field(default_factory=dict)
    lines: dict[tuple[str, str, str], LineState] = field(default_factory=dict)


def open_orders(tx: Session, statements: Sequence[Statement]) -> dict[OrderKey, OrderState]:
    """Lock the orders of the batch and learn the type of those seen for the first time."""
    types: dict[OrderKey, str | None] = {}
    for statement in statements:
        key = (statement.partner, statement.order_no)
        types[key] = types.get(key) or statement.order_type
    return activities.lock_orders(tx, types)


def stand(
    statements: Sequence[Statement],
    answers: list[Screened | Outcome],
    orders: Mapping[OrderKey, OrderState],
) -> Standing:
    """Let each screened or refused statement take its line, if nothing with a higher precedence holds it.

    Statements that do not stand get their outcome in `answers`.
    """
    standing = Standing()
    made: dict[UUID, int] = {}  # activity id → position of the statement that made it in this batch
    for position in sorted(range(len(statements)), key=lambda i: (statements[i].revision, statements[i].rank)):
        statement, answer = statements[position], answers[position]
        order = orders[statement.partner, statement.order_no]
        if isinstance(answer, Outcome) and answer.code == "ORDER_TYPE_CHANGED":
            continue  # it breaks the contract and says nothing about its line
        ended = _lost_to(statement, order)
        if ended is not None:
            answers[position], gone = ended, []
        elif isinstance(answer, Outcome) and answer.status == "parked":
            gone = _suspend(statement, order, standing)
        else:
            activity = _new_activity(answer)
            gone = _replace(statement, order, activity, standing)
            if activity is not None:
                standing.activity_ids[position] = activity[1]
                made[activity[1]] = position
            elif statement.translate is None:
                answers[position] = Outcome("cancelled")
        for key in gone:
            if key[1] in made:
                before = made.pop(key[1])
                standing.activity_ids.pop(before)
                answers[before] = Outcome("superseded", _reason(statement))
            else:
                standing.withdrawn[key] = _reason(statement)
    for statement, answer in zip(statements, answers, strict=True):
        if isinstance(answer, Outcome) and answer.status == "cancelled":
            answer.code = _outlived(statement, orders[statement.partner, statement.order_no])
    return standing


def _new_activity(answer: Screened | Outcome) -> ActivityKey | None:
    """The activity a standing statement makes; none for a cancellation and for what was refused before it got there."""
    if isinstance(answer, Screened) and answer.receiver is not None:
        return answer.receiver.holder_id, new_id()
    return None


def _lost_to(statement: Statement, order: OrderState) -> Outcome | None:
    """The outcome of a statement that comes too late to stand, or None."""
    whole = order.lines.get(WHOLE_ORDER)
    standing = order.lines.get(statement.line)
    mine = (statement.revision, statement.rank)
    if standing is not None and standing.precedence > mine:
        return Outcome("superseded", "CANCELLED" if standing.rank == CANCELLED else "SUPERSEDED")
    if whole is not None and statement.line != WHOLE_ORDER and whole.precedence >= mine:
        return Outcome("superseded", "CANCELLED")
    if standing is None or standing.precedence < mine:
        return None
    # A cancellation says one thing only, whenever it is dated and whatever it says beside.
    if standing.content_hash == statement.content_hash or statement.translate is None:
        return Outcome("duplicate", "DUPLICATE_LINE")
    return Outcome("refused", "LINE_CONFLICT")


def _replace(
    statement: Statement, order: OrderState, activity: ActivityKey | None, standing: Standing
) -> list[ActivityKey]:
    """Put the statement in its line; returns the activities it takes the place of."""
    mine = (statement.revision, statement.rank)
    lines = [statement.line]
    if statement.line == WHOLE_ORDER:
        lines += [line for line, state in order.lines.items() if line != WHOLE_ORDER and state.precedence < mine]
    gone = []
    for line in lines:
        before = order.lines.get(line)
        if before is not None and before.activity is not None:
            gone.append(before.activity)
        content = statement.content_hash
        state = LineState(statement.revision, statement.rank, content, activity if line == statement.line else None)
        order.lines[line] = state
        standing.lines[statement.partner, statement.order_no, line] = state
    return gone


def _outlived(statement: Statement, order: OrderState) -> str | None:
    """Said of a cancellation of the whole order that leaves lines standing, because they have a later revision."""
    mine = (statement.revision, statement.rank)
    later = statement.line == WHOLE_ORDER and any(
        state.precedence > mine and state.rank != CANCELLED for state in order.lines.values()
    )
    return "LATER_REVISION_STANDS" if later else None


def _suspend(statement: Statement, order: OrderState, standing: Standing) -> list[ActivityKey]:
    """A correction that has to wait ends what it corrects at once: nobody keeps a credit by withholding consent.

    The line keeps its old revision, so that the correction still stands when its time comes.
    """
    before = order.lines.get(statement.line)
    if before is None or before.activity is None:
        return []
    state = LineState(before.revision, before.rank, before.content_hash, None)
    order.lines[statement.line] = standing.lines[statement.partner, statement.order_no, statement.line] = state
    return [before.activity]


def _reason(statement: Statement) -> str:
    if statement.translate is None:
        return "CANCELLED"
    return "CORRECTED" if statement.rank != ORIGINAL else "SUPERSEDED"
