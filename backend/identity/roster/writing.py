"""One page of a list: what it changes, and the rows that say so afterwards."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import LargeBinary, delete, select
from sqlalchemy.orm import Session

from backend.identity.agreements.references import name_for_days
from backend.identity.persons import person_sealers
from backend.identity.roster import policy
from backend.identity.roster.heads import announce_changed
from backend.identity.roster.members import opened, sealed
from backend.identity.roster.models import Department, StaffDepartment, StaffMember
from backend.identity.roster.policy import Change, Listed, Standing
from backend.ids import new_id
from backend.lists import insert_rows, recordset, upsert_rows
from backend.vault import Sealer, Vault


class Page:
    """Some lines of a list beside what stands; `held`: what stands is held until commit."""

    def __init__(
        self, tx: Session, vault: Vault, programme: str, as_of: date, lines: Sequence[Listed], *, held: bool = False
    ) -> None:
        self._tx, self._vault, self._programme, self._as_of, self._lines = tx, vault, programme, as_of, lines
        self._ended: dict[bytes, date] = {}
        self._standing = self._newest_spells(held)
        departments = _departments(tx, [row.id for row in self._standing.values()])
        self._changes = [(line, self._change(line, departments)) for line in map(self._behind_what_ended, lines)]

    def counts(self) -> Counter[str]:
        """How many lines are of each kind; one may be of two."""
        return Counter(kind for _, change in self._changes for kind in change.kinds or {policy.UNCHANGED})

    def write(self, *, now: datetime) -> None:
        """Bring what stands to what the lines say."""
        begun: list[dict[str, Any]] = []
        moves: list[tuple[UUID, date, str, bool]] = []
        for line, change in self._changes:
            if not change.kinds:
                continue
            row = self._standing.get(line.index)
            if change.begins:
                if row is not None and change.ends is not None:
                    self._end(row, change.ends, now)
                begun.append(self._begin(line, change, row, now))
                member_id = begun[-1]["id"]
            else:
                assert row is not None
                self._correct(row, line, now)
                member_id = row.id
            if change.moves_on is not None:
                moves.append((member_id, change.moves_on, line.department, change.begins))
        self._tx.flush()
        insert_rows(self._tx, StaffMember, begun)
        self._move(moves)
        self._name(now)
        self._announce(now)

    def _newest_spells(self, held: bool) -> dict[bytes, StaffMember]:
        """The last spell under each number; of the one before it the last day is kept in `_ended`."""
        given = recordset(self._tx, "given", {"index": LargeBinary()}, [(line.index,) for line in self._lines])
        query = (
            select(StaffMember)
            .join(given, given.c.index == StaffMember.staff_no_index)
            .where(StaffMember.programme == self._programme)
            .order_by(StaffMember.joined, StaffMember.id)
            .execution_options(populate_existing=True)
        )
        if held:
            query = query.with_for_update(of=StaffMember)
        newest: dict[bytes, StaffMember] = {}
        for row in self._tx.scalars(query):
            if before := newest.get(row.staff_no_index):
                self._ended[row.staff_no_index] = before.last_day or before.joined
            newest[row.staff_no_index] = row
        return newest

    def _behind_what_ended(self, line: Listed) -> Listed:
        """Many employers state the first day ever: a spell does not reach back into the one before it."""
        row, ended = self._standing.get(line.index), self._ended.get(line.index)
        if row is None or ended is None or line.joined > ended:
            return line
        return replace(line, joined=row.joined, last_day=line.last_day and max(line.last_day, row.joined))

    def _change(self, line: Listed, departments: dict[UUID, list[tuple[date, str]]]) -> Change:
        row = self._standing.get(line.index)
        found = None
        if row is not None:
            found = Standing(row.joined, row.last_day, row.name_index, departments[row.id])
        return policy.compare(found, line, self._name_index(line), self._as_of)

    def _name_index(self, line: Listed) -> bytes:
        return self._vault.index("staff name", self._programme, line.staff_no, line.name)

    def _begin(self, line: Listed, change: Change, before: StaffMember | None, now: datetime) -> dict[str, Any]:
        member_id = new_id()
        holder_id = before.holder_id if before is not None and change.same_person else None
        facts = {"staff_no": line.staff_no, "name": line.name}
        return {
            "id": member_id,
            "programme": self._programme,
            "staff_no_index": line.index,
            "joined": line.joined,
            "last_day": line.last_day,
            "name_index": self._name_index(line),
            "sealed": sealed(facts, member_id, self._sealer(holder_id)),
            "holder_id": holder_id,
            "changed_at": now,
        }

    def _correct(self, row: StaffMember, line: Listed, now: datetime) -> None:
        name_index = self._name_index(line)
        if (line.name and row.name_index != name_index) or not row.sealed:
            facts = {"staff_no": line.staff_no, "name": line.name}
            row.name_index, row.sealed = name_index, sealed(facts, row.id, self._sealer(row.holder_id))
        if (row.joined, row.last_day) != (line.joined, line.last_day):
            row.joined, row.last_day = line.joined, line.last_day
        row.changed_at = now

    def _end(self, row: StaffMember, last_day: date, now: datetime) -> None:
        """The number is somebody else's from the next day on."""
        row.last_day, row.changed_at = max(last_day, row.joined), now
        if row.holder_id is not None:
            number = opened(row, self._sealer(row.holder_id))["staff_no"]
            _name(self._tx, self._vault, row, number, now)

    def _move(self, moves: Sequence[tuple[UUID, date, str, bool]]) -> None:
        """From the day on that one department, whatever stood behind it."""
        paths = _department_ids(self._tx, self._programme, {path for _, _, path, _ in moves})
        for member_id, since, _, begun in moves:
            if not begun:
                mine = (StaffDepartment.member_id == member_id, StaffDepartment.since > since)
                self._tx.execute(delete(StaffDepartment).where(*mine))
        rows = [
            {"member_id": member_id, "since": since, "department_id": paths[path]}
            for member_id, since, path, _ in moves
        ]
        upsert_rows(self._tx, StaffDepartment, rows, key=("member_id", "since"))

    def _name(self, now: datetime) -> None:
        """The numbers name their accounts for the days that are listed now."""
        for line, change in self._changes:
            row = self._standing.get(line.index)
            if row is None or row.holder_id is None or not (change.kinds - {policy.MOVED}):
                continue
            if change.begins and not change.same_person:
                continue
            whose = (self._tx, self._vault, row.holder_id, self._programme)
            name_for_days(*whose, line.staff_no, since=line.joined, until=line.last_day, now=now)

    def _announce(self, now: datetime) -> None:
        """Who counts by departments hears of the accounts whose lines changed something."""
        changed = (self._standing.get(line.index) for line, change in self._changes if change.kinds)
        holders = [row.holder_id for row in changed if row is not None and row.holder_id is not None]
        announce_changed(self._tx, self._programme, holders, now=now)

    def _sealer(self, holder_id: UUID | None) -> Sealer:
        return self._vault.house if holder_id is None else self._sealers[holder_id]

    @cached_property
    def _sealers(self) -> dict[UUID, Sealer]:
        holders = [row.holder_id for row in self._standing.values() if row.holder_id is not None]
        return person_sealers(self._tx, self._vault, holders)


def end_spells(tx: Session, vault: Vault, member_ids: Sequence[UUID], *, as_of: date, now: datetime) -> int:
    """Whoever is not on the list of a day any more was employed up to the day before. Returns how many ended.

    Somebody who was announced, never logged in and does not come is taken off the roster.
    """
    query = select(StaffMember).where(StaffMember.id.in_(member_ids)).order_by(StaffMember.id)
    rows = list(tx.scalars(query.with_for_update().execution_options(populate_existing=True)))
    sealers = person_sealers(tx, vault, [row.holder_id for row in rows if row.holder_id is not None])
    for row in rows:
        if row.joined >= as_of and row.holder_id is None:
            tx.execute(delete(StaffDepartment).where(StaffDepartment.member_id == row.id))
            tx.delete(row)
            continue
        row.last_day, row.changed_at = policy.leaves_on(row.joined, as_of), now
        if row.holder_id is not None:
            _name(tx, vault, row, opened(row, sealers[row.holder_id])["staff_no"], now)
    tx.flush()
    for row in rows:
        if row.holder_id is not None:
            announce_changed(tx, row.programme, [row.holder_id], now=now)
    return len(rows)


def _name(tx: Session, vault: Vault, row: StaffMember, staff_no: str, now: datetime) -> None:
    assert row.holder_id is not None
    whose = (tx, vault, row.holder_id, row.programme)
    name_for_days(*whose, staff_no, since=row.joined, until=row.last_day, now=now)


def _departments(tx: Session, member_ids: Sequence[UUID]) -> dict[UUID, list[tuple[date, str]]]:
    """The departments of each by day, in order."""
    found: dict[UUID, list[tuple[date, str]]] = defaultdict(list)
    if member_ids:
        query = (
            select(StaffDepartment.member_id, StaffDepartment.since, Department.path)
            .join(Department, Department.id == StaffDepartment.department_id)
            .where(StaffDepartment.member_id.in_(member_ids))
            .order_by(StaffDepartment.member_id, StaffDepartment.since)
        )
        for row in tx.execute(query):
            found[row.member_id].append((row.since, row.path))
    return found


def _department_ids(tx: Session, programme: str, paths: set[str]) -> dict[str, UUID]:
    rows = [{"id": new_id(), "programme": programme, "path": path} for path in sorted(paths)]
    insert_rows(tx, Department, rows, on_conflict=("programme", "path"))
    mine = (Department.programme == programme, Department.path.in_(paths))
    return {row.path: row.id for row in tx.execute(select(Department.path, Department.id).where(*mine))}
