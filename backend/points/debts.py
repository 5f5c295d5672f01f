"""Points that are owed: told to the member in words, and written off when two operators agree."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import identity, ledger, two_operators
from backend.approvals import Approval
from backend.errors import Refusal
from backend.identity import FINANCE, OperatorView
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.points.forgiving import WRITTEN_OFF, forgiven
from backend.two_operators import Done

WRITE_OFF = "points.write_off"
_AVAILABLE, _DEBT = "points.available", "points.debt"


class WriteOffTooLarge(Refusal):
    code = "WRITE_OFF_TOO_LARGE"
    status = 409
    title = "核销积分超过待扣回积分 / More points than the member owes"


class WriteOffLimit(Refusal):
    code = "WRITE_OFF_LIMIT"
    status = 409
    title = "超过每位会员的累计核销上限 / Above what may be written off for one member"


def debt_sentence(points: int) -> dict[str, str] | None:
    """What it means to owe so many points, or None for who owes nothing."""
    if points == 0:
        return None
    return {
        "zh": f"您有 {points} 积分待扣回：获得这些积分的行为已被取消或更正，而积分此前已使用。"
        "之后生效的积分会先用于抵扣，抵扣完毕前不影响减排量入账。",
        "en": f"You owe {points} points: the acts that earned them were cancelled or corrected after the points had "
        "been used. Points that become available are taken for this first; your reductions are credited as before.",
    }


def owes_and_has(tx: Session, holders: Collection[tuple[UUID, str]]) -> bool:
    """Whether one of these (holder, programme) owes points and has available ones, which would have paid."""
    held = ledger.hold_balances(tx, holders, (_AVAILABLE, _DEBT)) if holders else {}
    return any(held.get((*key, _AVAILABLE)) and held.get((*key, _DEBT)) for key in holders)


def request_write_off(
    tx: Session,
    holder_id: UUID,
    programme: str,
    points: int,
    *,
    operator: OperatorView,
    reason: str,
    limit: int,
    now: datetime,
) -> UUID:
    """Ask for `points` (> 0) of what a member owes to be written off; returns the request another operator decides.

    `limit`: how many points may stand written off for one person, all programmes and times together. Raises
    OperatorNotAllowed, UnknownProgramme, WriteOffTooLarge, WriteOffLimit.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, programme)
    owed = _check(tx, holder_id, programme, points, limit)
    facts = {"holder_id": str(holder_id), "programme": programme, "points": points}
    return two_operators.ask(tx, WRITE_OFF, facts, operator, reason, now, before={"owed": owed})


def decide_write_off(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, limit: int, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is written off in the same transaction, once.

    Debt and limit are judged again, under the lock of the member's debts. Raises OperatorNotAllowed, NotFound,
    SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, WriteOffTooLarge, WriteOffLimit.
    """

    def write_off(asked: Approval) -> Done:
        holder_id, programme = UUID(asked.facts["holder_id"]), str(asked.facts["programme"])
        points = int(asked.facts["points"])
        owed = _check(tx, holder_id, programme, points, limit)
        transfers = (Transfer(_DEBT, WRITTEN_OFF, points),)
        key = f"write_off:{request_id}"
        ledger.post(tx, [Transaction(new_id(), holder_id, programme, "write_off", key, transfers)], now=now)
        return Done({"owed": owed}, {"owed": owed - points})

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {WRITE_OFF: write_off}, operator, granted, reason, now)


def _check(tx: Session, holder_id: UUID, programme: str, points: int, limit: int) -> int:
    """Hold all debts of the member, so that two write-offs at once are judged one after the other; returns what is
    owed in this programme."""
    debts = ledger.hold_balances(tx, {(holder_id, code) for code in identity.programmes(tx)}, (_DEBT,))
    owed = debts.get((holder_id, programme, _DEBT), 0)
    if not 0 < points <= owed:
        raise WriteOffTooLarge(owed=owed)
    before = forgiven(tx, holder_id).points
    if before + points > limit:
        raise WriteOffLimit(written_off=before, limit=limit)
    return owed
