"""Spending: points leave available lots for a use, are kept for it, are gone, or come back to where they came from.

`use_id` is the id of what they are used for. Each step is taken once per use: asked for again it changes nothing, and
what contradicts a step already taken is refused. Lots are held before balances.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from backend import clock, ledger
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import insert_rows
from backend.points import choosing
from backend.points.budgets.drawing import Returned, give_back
from backend.points.choosing import HeldLot
from backend.points.debts import debt_sentence
from backend.points.errors import ContradictingUse, InsufficientPoints
from backend.points.forgiving import forgiven, paid_back
from backend.points.lots import CHANGING, save, use
from backend.points.models import Lot, Use, UsePart
from backend.points.ripening import lapsed, lapsing

_AVAILABLE, _RESERVED, _DEBT, _SPENT = "points.available", "points.reserved", "points.debt", "spent.points"
#: A lot that lapsed while its points were away lives so many whole days once they are back.
REVIVED_DAYS = 30

Parts = Sequence[tuple[Lot, int]]  # lots that are held, and how many points each gives or gets
HeldParts = Sequence[tuple[HeldLot, int]]


def reserve(
    tx: Session, *, holder_id: UUID, programme: str, use_id: UUID, points: int, now: datetime, once: bool = False
) -> None:
    """Keep `points` (> 0) for a use: the lots soonest to lapse first. While they are kept they do not lapse.

    Raises InsufficientPoints (then nothing has changed), ContradictingUse; with `once` also Overtaken, which ends the
    caller's transaction and is tried again without.
    """
    taken = _take(tx, holder_id, programme, use_id, points, "reserved", now, once=once)
    for lot, part in taken:
        lot.reserved += part
    moves = _moves(holder_id, programme, "reserve", use_id, _AVAILABLE, _RESERVED, taken)
    _write(tx, taken, moves, now, changing=("remaining", "stage", "reserved"))


def spend(
    tx: Session, *, holder_id: UUID, programme: str, use_id: UUID, points: int, now: datetime, once: bool = False
) -> None:
    """Spend `points` (> 0) at once, for what is handed over in this same database transaction.

    Raises as `reserve`.
    """
    taken = _take(tx, holder_id, programme, use_id, points, "spent", now, once=once)
    moves = _moves(holder_id, programme, "spend", use_id, _AVAILABLE, _SPENT, taken)
    _write(tx, taken, moves, now, changing=("remaining", "stage"))


def confirm(tx: Session, *, holder_id: UUID, use_id: UUID, now: datetime) -> None:
    """The points kept for a use are spent. Raises ContradictingUse."""
    kept = _change(tx, holder_id, use_id, "reserved", "spent", None, now)
    if kept is not None:
        parts = _parts(tx, kept)
        for lot, part in parts:
            lot.reserved -= part
        _write(tx, parts, _moves(holder_id, kept.programme, "confirm", use_id, _RESERVED, _SPENT, parts), now)


def release(tx: Session, *, holder_id: UUID, use_id: UUID, reason: str, now: datetime) -> None:
    """The points kept for a use come back: what is owed is paid first, the rest is available again where it was.

    They keep the day on which they lapse, or where that is past, live 30 more. Raises ContradictingUse.
    """
    kept = _change(tx, holder_id, use_id, "reserved", "released", reason, now)
    if kept is not None:
        parts = _parts(tx, kept)
        for lot, part in parts:
            lot.reserved -= part
        _give_back(tx, kept, "release", _RESERVED, parts, now)


def refund(tx: Session, *, holder_id: UUID, use_id: UUID, reason: str, now: datetime) -> None:
    """The points spent on a use come back, as they do when they are released. Raises ContradictingUse."""
    spent = _change(tx, holder_id, use_id, "spent", "refunded", reason, now)
    if spent is not None:
        _give_back(tx, spent, "refund", _SPENT, _parts(tx, spent), now)


def _take(
    tx: Session, holder_id: UUID, programme: str, use_id: UUID, points: int, state: str, now: datetime, *, once: bool
) -> list[tuple[HeldLot, int]]:
    """Begin a use and take its points out of their lots; empty when it was begun before."""
    if points <= 0:
        raise ValueError("a use is of points")
    row = {"holder_id": holder_id, "id": use_id, "programme": programme, "points": points, "state": state}
    row |= {"reason": None, "begun_at": now, "changed_at": now}
    if not insert_rows(tx, Use, [row], on_conflict=("holder_id", "id"), returning=("id",)):
        begun = _held(tx, holder_id, use_id)
        same = begun is not None and (begun.programme, begun.points) == (programme, points)
        if not same or begun is None or begun.state not in (state, "spent"):
            raise ContradictingUse(use_id=str(use_id), state=begun.state if begun else None)
        return []
    taken = choosing.hold(tx, holder_id, programme, points, now=now, once=once)
    if not taken:
        tx.execute(delete(Use).where(Use.holder_id == holder_id, Use.id == use_id))
        raise _insufficient(tx, holder_id, programme, points, now)
    for lot, part in taken:
        use(lot, part)
    parts = [{"holder_id": holder_id, "use_id": use_id, "lot_id": lot.id, "points": part} for lot, part in taken]
    insert_rows(tx, UsePart, parts)
    return taken


def _insufficient(tx: Session, holder_id: UUID, programme: str, points: int, now: datetime) -> InsufficientPoints:
    available = choosing.available(tx, holder_id, programme, now=now)
    facts: dict[str, Any] = {"available": available, "needed": points}
    owed = ledger.balances(tx, holder_id).get(programme, {}).get(_DEBT, 0)
    if owed:
        facts |= {"debt": owed, "debt_sentence": debt_sentence(owed)}
    return InsufficientPoints(**facts)


def _held(tx: Session, holder_id: UUID, use_id: UUID) -> Use | None:
    query = select(Use).where(Use.holder_id == holder_id, Use.id == use_id).with_for_update()
    found = tx.scalar(query.execution_options(populate_existing=True))
    if found is not None:
        tx.expunge(found)
    return found


def _change(
    tx: Session, holder_id: UUID, use_id: UUID, before: str, after: str, reason: str | None, now: datetime
) -> Use | None:
    """Bring a use from one state into the next; None when it is there already."""
    found = _held(tx, holder_id, use_id)
    if found is not None and found.state == after:
        return None
    if found is None or found.state != before:
        raise ContradictingUse(use_id=str(use_id), state=found.state if found else None)
    changes = {"state": after, "reason": reason, "changed_at": now}
    changed = update(Use).where(Use.holder_id == holder_id, Use.id == use_id).values(changes)
    tx.execute(changed.execution_options(synchronize_session=False))
    found.reason = reason
    return found


def _parts(tx: Session, of: Use) -> list[tuple[Lot, int]]:
    """The lots of a use, locked in key order, with how much each gave."""
    query = (
        select(Lot, UsePart.points)
        .join(UsePart, (UsePart.holder_id == Lot.holder_id) & (UsePart.lot_id == Lot.id))
        .where(UsePart.holder_id == of.holder_id, UsePart.use_id == of.id)
        .order_by(Lot.id)
        .with_for_update(of=Lot)
        .execution_options(populate_existing=True)
    )
    parts = [(lot, int(points)) for lot, points in tx.execute(query)]
    for lot, _ in parts:
        tx.expunge(lot)
    return parts


def _give_back(tx: Session, back: Use, kind: str, source: str, parts: Parts, now: datetime) -> None:
    """Put the points of a use back into their lots, and pay what is owed from them.

    Debt is paid from the lots whose acts were taken back, then from those soonest to lapse. What was written off is
    paid back from the lots that caused it.
    """
    transactions = [lapsed(lot) for lot, _ in parts if lapsing(lot, now)]
    owed = _owed(tx, back.holder_id, back.programme)
    pardon = forgiven(tx, back.holder_id) if any(lot.taken_back_at is not None for lot, _ in parts) else None
    transfers, returned, repaid, paid = [], [], list[tuple[Lot, int]](), 0
    for lot, part in sorted(parts, key=lambda item: (item[0].taken_back_at is None, item[0].expires_at, item[0].id)):
        transfers.append(Transfer(source, _AVAILABLE, part, lot.id))
        pays = min(owed - paid, part)
        if pays:
            transfers.append(Transfer(_AVAILABLE, "issuer.points", pays, lot.id))
            returned.append(Returned(lot.drawn_from, pays))
            paid += pays
        makes_up = pardon.take(lot, part - pays) if pardon is not None and lot.taken_back_at is not None else 0
        if makes_up:
            repaid.append((lot, makes_up))
            returned.append(Returned(lot.drawn_from, makes_up))
        _reopen(lot, part - pays - makes_up, now)
    give_back(tx, returned)
    if paid:
        transfers.append(Transfer(_DEBT, "owed.points", paid))
    key = f"{kind}:{back.id}"
    transactions.append(
        Transaction(new_id(), back.holder_id, back.programme, kind, key, tuple(transfers), reason=back.reason)
    )
    transactions += [paid_back(lot, points, key) for lot, points in repaid]
    _write(tx, parts, transactions, now)


def _owed(tx: Session, holder_id: UUID, programme: str) -> int:
    """What the holder owes, held until commit with what would have paid it."""
    held = ledger.hold_balances(tx, {(holder_id, programme)}, (_AVAILABLE, _DEBT, _RESERVED))
    return held.get((holder_id, programme, _DEBT), 0)


def _reopen(lot: Lot, points: int, now: datetime) -> None:
    """Make points of a lot available again."""
    if points:
        lot.remaining += points
        lot.stage = "available"
        if lot.expires_at <= now:
            lot.expires_at = clock.start_of_day_after(clock.day_of(now), REVIVED_DAYS + 1)


def _moves(
    holder_id: UUID, programme: str, kind: str, use_id: UUID, source: str, target: str, parts: Parts | HeldParts
) -> list[Transaction]:
    """The transaction that moves what these lots give from one account to another."""
    transfers = tuple(Transfer(source, target, part, lot.id) for lot, part in parts)
    return [Transaction(new_id(), holder_id, programme, kind, f"{kind}:{use_id}", transfers)]


def _write(
    tx: Session,
    parts: Parts | HeldParts,
    transactions: Sequence[Transaction],
    now: datetime,
    *,
    changing: tuple[str, ...] = CHANGING,
) -> None:
    """Save the lots and post; nothing when the step was taken before.

    No balance can be too low for lots that are held, so what is raised here is an accident and ends the transaction.
    """
    if parts:
        save(tx, [lot for lot, _ in parts], changing)
        ledger.post(tx, transactions, now=now, in_savepoint=False)
