"""Caps: what each person may earn at most in a day, week or month, counted under a lock per person and period."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Text, Uuid, func, select
from sqlalchemy.orm import Session

from backend.lists import Columns, insert_rows, recordset, upsert_rows
from backend.points.models import CapCount, Lot
from backend.points.policy import Cap, Rule
from backend.points.rules import rules

#: Holder, programme, code of the cap, period, first day of the period.
CountKey = tuple[UUID, str, str, str, date]
_KEY = ("holder_id", "programme", "cap", "period", "starts_on")
_TYPES: Columns = {"holder_id": Uuid(), "programme": Text(), "cap": Text(), "period": Text(), "starts_on": Date()}


def keys_of(holder_id: UUID, programme: str, caps: Sequence[Cap], day: date) -> list[CountKey]:
    """The counts that an act of this day belongs to, one per cap."""
    return [(holder_id, programme, cap.code, cap.period, cap.starts_on(day)) for cap in caps]


class Counts:
    """Counts that are held until commit: room in them is taken and given back here, and written once at the end."""

    def __init__(self, held: dict[CountKey, int]) -> None:
        self._before = held
        self._now = dict(held)

    def room(self, keys: Sequence[CountKey], caps: Sequence[Cap], wanted: int) -> tuple[int, Cap | None]:
        """How many of the wanted points fit under all of these caps, and the tightest cap where it is not all."""
        granted, bound = wanted, None
        for key, cap in zip(keys, caps, strict=True):
            left = max(0, cap.points - self._now[key])
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


def hold(tx: Session, keys: Collection[CountKey]) -> Counts:
    """Hold these counts (made when new) until commit, in the order of their keys."""
    if not keys:
        return Counts({})
    ordered = sorted(set(keys))
    rows = [dict(zip(_KEY, key, strict=True)) | {"points": 0} for key in ordered]
    insert_rows(tx, CapCount, rows, on_conflict=_KEY)
    given = recordset(tx, "given", _TYPES, ordered)
    found = tx.execute(
        select(CapCount.__table__)
        .join(given, _same_key(given))
        .order_by(*(getattr(CapCount, name) for name in _KEY))
        .with_for_update(of=CapCount)
    )
    return Counts({tuple(row[:5]): row.points for row in found})


def _same_key(given: Any) -> Any:
    same = CapCount.holder_id == given.c.holder_id
    for name in _KEY[1:]:
        same &= getattr(CapCount, name) == given.c[name]
    return same


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every count that is not the sum of the lots that stand."""
    known = {(rule.programme, rule.version): rule for rule in rules(tx) if rule.caps}
    expected: dict[CountKey, int] = {}
    for key, points in _counted_lots(tx, known):
        expected[key] = expected.get(key, 0) + points
    held = {tuple(row[:5]): row.points for row in tx.execute(select(CapCount.__table__))}
    for key in sorted(expected.keys() | held.keys()):
        if expected.get(key, 0) != held.get(key, 0):
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


def _counted_lots(tx: Session, known: dict[tuple[str, int], Rule]) -> Iterator[tuple[CountKey, int]]:
    sums = (
        select(Lot.holder_id, Lot.programme, Lot.rule_version, Lot.methodology, Lot.day, func.sum(Lot.amount))
        .where(Lot.taken_back_at.is_(None))
        .group_by(Lot.holder_id, Lot.programme, Lot.rule_version, Lot.methodology, Lot.day)
    )
    for holder_id, programme, version, methodology, day, points in tx.execute(sums) if known else ():
        rule = known.get((programme, version))
        for key in keys_of(holder_id, programme, rule.caps_on(methodology), day) if rule else ():
            yield key, int(points)
