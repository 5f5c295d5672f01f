"""Caps: what each person may earn at most in a day, week or month, counted under a lock per person and period.

A count is the sum of the lots that stand, so counts of long ago are not kept: whoever asks for one makes it again.
Every holder has counts of their own. For a person who was merged, those of all their holders in the programme are held
and count together, so that parting them needs no counting anew.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Text, Uuid, delete, func, select, tuple_
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.lists import Columns, insert_rows, recordset, upsert_rows
from backend.points.models import GRANTED, CapCount, Lot
from backend.points.policy import Cap, Rule
from backend.points.rules import rules

#: Holder, programme, code of the cap, period, first day of the period.
CountKey = tuple[UUID, str, str, str, date]
_KEY = ("holder_id", "programme", "cap", "period", "starts_on")
#: Counts of periods that began so long ago are removed; hardly an act comes so late.
KEPT = timedelta(days=184)
#: A clock may be behind that of who removes them: what is nearly as old may be gone as well.
_CLOCKS = timedelta(days=2)
_TYPES: Columns = {"holder_id": Uuid(), "programme": Text(), "cap": Text(), "period": Text(), "starts_on": Date()}
_COLUMNS = tuple(getattr(CapCount, name) for name in _KEY)


def keys_of(holder_id: UUID, programme: str, caps: Sequence[Cap], day: date) -> list[CountKey]:
    """The counts that an act of this day belongs to, one per cap."""
    return [(holder_id, programme, cap.code, cap.period, cap.starts_on(day)) for cap in caps]


class Counts:
    """Counts that are held until commit: room in them is taken and given back here, and written once at the end."""

    def __init__(
        self,
        held: dict[CountKey, int],
        made_again: dict[CountKey, int],
        same: Mapping[UUID, Sequence[UUID]],
    ) -> None:
        """`made_again`: what counts that had been removed come to; they are written with what changes. `same`: holder →
        the holders of the same person, of those who were merged."""
        self._before = held
        self._now = held | made_again
        self._same = same

    def room(self, keys: Sequence[CountKey], caps: Sequence[Cap], wanted: int) -> tuple[int, Cap | None]:
        """How many of the wanted points fit under all of these caps, and the tightest cap where it is not all."""
        granted, bound = wanted, None
        for key, cap in zip(keys, caps, strict=True):
            earned = sum(self._now[one] for one in _of_person(key, self._same))
            left = max(0, cap.points - earned)
            if left < granted:
                granted, bound = left, cap
        return granted, bound

    def add(self, keys: Sequence[CountKey], points: int) -> None:
        """Count so many more points, or fewer where they are taken back."""
        for key in keys:
            self._now[key] += points

    def save(self, tx: Session) -> None:
        """Write what changed."""
        changed = sorted(key for key, points in self._now.items() if points != self._before[key])
        rows = [dict(zip(_KEY, key, strict=True)) | {"points": self._now[key]} for key in changed]
        upsert_rows(tx, CapCount, rows, key=_KEY)


def hold(tx: Session, keys: Collection[CountKey], *, now: datetime) -> Counts:
    """Hold these counts (made when new) until commit, in the order of their keys, with those of the same person."""
    if not keys:
        return Counts({}, {}, {})
    holder_ids = {key[0] for key in keys}
    added: list[CountKey] = []
    same = identity.merging.together(tx, holder_ids)
    while True:
        held, new = _hold(tx, sorted({one for key in keys for one in _of_person(key, same)}))
        added += new
        again = identity.merging.together(tx, holder_ids)
        if again == same:
            return Counts(held, _sums(tx, [key for key in added if _may_be_gone(key, now)]), same)
        same = again  # two became one while somebody else's counts were waited for


def _of_person(key: CountKey, same: Mapping[UUID, Sequence[UUID]]) -> list[CountKey]:
    """This count, and the same ones of the other holders of the person."""
    return [(holder_id, *key[1:]) for holder_id in same.get(key[0], (key[0],))]


def _hold(tx: Session, ordered: Sequence[CountKey]) -> tuple[dict[CountKey, int], list[CountKey]]:
    """What these counts hold, and which of them are new."""
    rows = [dict(zip(_KEY, key, strict=True)) | {"points": 0} for key in ordered]
    added: list[CountKey] = []
    held: dict[CountKey, int] = {}
    while len(held) < len(ordered):  # one that is removed between the two statements is added again
        added += [tuple(row) for row in insert_rows(tx, CapCount, rows, on_conflict=_KEY, returning=_KEY)]
        given = recordset(tx, "given", _TYPES, ordered)
        query = select(CapCount.__table__).join(given, _same_key(given)).with_for_update(of=CapCount)
        found = tx.execute(query.order_by(*(getattr(CapCount, name) for name in _KEY)))
        held = {tuple(row[:5]): row.points for row in found}
    return held, added


def purge_counts(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove counts of periods of long ago. Returns how many were removed."""
    old = select(*_COLUMNS).where(CapCount.starts_on < clock.day_of(now - KEPT)).order_by(CapCount.starts_on)
    old = old.limit(limit).with_for_update(skip_locked=True)
    statement = delete(CapCount).where(tuple_(*_COLUMNS).in_(old)).returning(CapCount.starts_on)
    return len(list(tx.scalars(statement.execution_options(synchronize_session=False))))


def _may_be_gone(key: CountKey, now: datetime) -> bool:
    return key[4] < clock.day_of(now - KEPT + _CLOCKS)


def _sums(tx: Session, keys: Collection[CountKey]) -> dict[CountKey, int]:
    """What the lots that stand come to under these counts, which are held."""
    if not keys:
        return {}
    sums = dict.fromkeys(keys, 0)
    known = {(rule.programme, rule.version): rule for rule in rules(tx) if rule.caps}
    since = Lot.day >= min(key[4] for key in keys)
    for key, points in _counted_lots(tx, known, since, Lot.holder_id.in_({key[0] for key in keys})):
        if key in sums:
            sums[key] += points
    return sums


def _same_key(given: Any) -> Any:
    same = CapCount.holder_id == given.c.holder_id
    for name in _KEY[1:]:
        same &= getattr(CapCount, name) == given.c[name]
    return same


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every count that is not the sum of the lots that stand; those that were removed are no longer asked about."""
    known = {(rule.programme, rule.version): rule for rule in rules(tx) if rule.caps}
    expected: dict[CountKey, int] = {}
    for key, points in _counted_lots(tx, known):
        expected[key] = expected.get(key, 0) + points
    held = {tuple(row[:5]): row.points for row in tx.execute(select(CapCount.__table__))}
    for key in sorted(expected.keys() | held.keys()):
        removed = key not in held and _may_be_gone(key, clock.now())
        if expected.get(key, 0) != held.get(key, 0) and not removed:
            holder_id, programme, cap, period, starts_on = key
            yield {
                "fault": "CAPS",
                "holder_id": str(holder_id),
                "programme": programme,
                "cap": cap,
                "period": period,
                "starts_on": starts_on.isoformat(),
                "lots": expected.get(key, 0),
                "counted": held.get(key, 0),
            }


def _counted_lots(
    tx: Session, known: dict[tuple[str, int], Rule], *which: ColumnElement[bool]
) -> Iterator[tuple[CountKey, int]]:
    """Each count that lots are in which stand, with their points: all of them, or `which`."""
    sums = (
        select(Lot.holder_id, Lot.programme, Lot.rule_version, Lot.methodology, Lot.day, func.sum(Lot.amount))
        .where(Lot.taken_back_at.is_(None), Lot.methodology != GRANTED, *which)
        .group_by(Lot.holder_id, Lot.programme, Lot.rule_version, Lot.methodology, Lot.day)
    )
    for holder_id, programme, version, methodology, day, points in tx.execute(sums) if known else ():
        rule = known.get((programme, version))
        for key in keys_of(holder_id, programme, rule.caps_on(methodology), day) if rule else ():
            yield key, int(points)
