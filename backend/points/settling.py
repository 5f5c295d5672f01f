"""Settling points of a batch: lots are taken back and given in one go, for caps and budgets are held once for both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend.ledger import Transfer
from backend.lists import recordset
from backend.points import awarding, caps, cuts
from backend.points.awarding import Award, Earning
from backend.points.budgets.drawing import Returned
from backend.points.lots import LotKey
from backend.points.models import Lot
from backend.points.policy import Rulebook
from backend.points.rules import rulebook
from backend.points.taking_back import take_back


@dataclass(frozen=True, slots=True)
class Settled:
    """For the caller to post: the transfers by which each lot goes back, and the lots that acts were given."""

    returned: Mapping[LotKey, Sequence[Transfer]] = field(default_factory=dict)
    awards: Mapping[LotKey, Award] = field(default_factory=dict)


def settle(tx: Session, lots: Mapping[LotKey, str], earnings: Sequence[Earning], *, now: datetime) -> Settled:
    """Take whole lots back (holder, lot → programme) and give acts what they earn.

    Locks: counts of caps, then lots, then budgets, each in the order of keys. What goes back makes room under caps and
    in budgets before anything is given, so an act that is corrected finds its own room again.
    """
    if not lots and not earnings:
        return Settled()
    book = rulebook(tx, {earning.day for earning in earnings})
    wanted = awarding.wishes(book, earnings)
    gone = _counted(tx, book, lots) if lots and book.capped else []
    asked = [key for keys, _ in gone for key in keys] + [key for wish in wanted for key in wish.count_keys]
    counts = caps.hold(tx, asked, now=now)
    for keys, points in gone:
        counts.add(keys, -points)
    returned = take_back(tx, lots, now=now) if lots else {}
    cut = awarding.award(tx, wanted, counts, to_budgets(tx, returned))
    awards = awarding.open_lots(tx, wanted)
    counts.save(tx)
    cuts.record(tx, cut, now=now)
    return Settled(returned, awards)


def _counted(tx: Session, book: Rulebook, lots: Iterable[LotKey]) -> list[tuple[list[caps.CountKey], int]]:
    """The counts that these lots are in, with their points.

    What is read of a lot never changes, but for when it was taken back, and who does that holds its act. Points that
    all lapsed leave nothing to reverse, so that such a lot may come once more.
    """
    known = {(rule.programme, rule.version): rule for rule in book.rules}
    columns = Lot.programme, Lot.rule_version, Lot.methodology, Lot.day, Lot.amount, Lot.taken_back_at
    found = []
    for lot in _read(tx, lots, *columns):
        limits = known[lot.programme, lot.rule_version].caps_on(lot.methodology)
        if limits and lot.taken_back_at is None:
            found.append((caps.keys_of(lot.holder_id, lot.programme, limits, lot.day), lot.amount))
    return found


def to_budgets(tx: Session, returned: Mapping[LotKey, Sequence[Transfer]]) -> list[Returned]:
    """What goes back to the issuer, by the budgets its lots were drawn from."""
    back = [
        ((holder_id, transfer.lot_id), transfer.amount)
        for (holder_id, _), transfers in returned.items()
        for transfer in transfers
        if transfer.credit == "issuer.points" and transfer.lot_id is not None
    ]
    drawn = {(row.holder_id, row.id): row.drawn_from for row in _read(tx, {key for key, _ in back}, Lot.drawn_from)}
    return [Returned(drawn[key], points) for key, points in back if drawn[key] is not None]


def _read(tx: Session, lots: Iterable[LotKey], *columns: Any) -> list[Any]:
    keys = sorted(set(lots))
    if not keys:
        return []
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, keys)
    same = (Lot.holder_id == given.c.holder_id) & (Lot.id == given.c.id)
    return list(tx.execute(select(Lot.holder_id, Lot.id, *columns).join(given, same)))
