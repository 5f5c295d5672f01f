"""Bringing a roster up to an employer's list: first gone through, then applied page by page.

Memory holds one page and the index of every number on the list. Each page is a transaction, and a list that was applied
halfway is simply applied again: what is done already is unchanged. Of two imports of one programme the one that began
first stops.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import reading, retried
from backend.identity.persons import require_programme
from backend.identity.roster import policy
from backend.identity.roster.errors import AnotherImport, OlderList, TooManyLeave
from backend.identity.roster.members import staff_no_index
from backend.identity.roster.models import Roster, StaffMember
from backend.identity.roster.policy import Listed, Reading, Wrong
from backend.identity.roster.writing import Page, end_spells
from backend.ids import new_id
from backend.vault import Vault

PAGE = 500
#: Lines that are told one by one; all of them are counted.
WRONG_LINES_TOLD = 1_000
#: Of those employed, so many percent may leave by one list, or so many people, before somebody says how many.
LEAVING_PERCENT, LEAVING_ALWAYS = 10, 5

Show = Callable[[int], None]


@dataclass(slots=True)
class Survey:
    """What a list says against what stands. `counts` by kind (a line may be of two); `lines` of the file.

    `leaving`: who is employed and would not be any more, on the list or by not being on it. `withheld`: who is missing
    from it, but stays, because lines whose number cannot be read may be theirs.
    """

    as_of: date
    employed: int = 0
    lines: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[Wrong] = field(default_factory=list)
    wrong_count: int = 0
    leaving: int = 0
    withheld: int = 0

    @property
    def too_many(self) -> bool:
        """Whether so many leave that somebody has to say the number: an empty list must not dismiss everybody."""
        return self.leaving > max(LEAVING_ALWAYS, self.employed * LEAVING_PERCENT // 100)


class Import:
    """One list of one programme: `survey` says what it would change, `apply` does it."""

    def __init__(
        self, sessions: sessionmaker[Session], vault: Vault, programme: str, file: BinaryIO, *, as_of: date
    ) -> None:
        self._sessions, self._vault, self._programme = sessions, vault, programme
        self._file, self._as_of = file, as_of
        self._id = new_id()

    def survey(self, show: Show = lambda done: None) -> Survey:
        """Go through the list and write nothing. `show` is told how many lines are done.

        Raises UnreadableFile, UnknownProgramme, OlderList.
        """
        found = Survey(self._as_of)
        with reading(self._sessions) as tx:
            require_programme(tx, self._programme)
            _require_newer(tx.get(Roster, self._programme), self._as_of)
        list_ = self._reading()
        for page in self._pages(list_, found, show):
            with reading(self._sessions) as tx:
                found.counts += Page(tx, self._vault, self._programme, self._as_of, page).counts()
        missing = 0
        for rows in self._employed():
            found.employed += len(rows)
            missing += sum(self._has_gone(row, list_.seen) for row in rows)
        if list_.unnumbered:
            found.withheld = missing
        else:
            found.counts[policy.LEFT] += missing
        found.leaving = found.counts[policy.LEFT]
        return found

    def begin(self, tx: Session, surveyed: Survey, *, yes_many: int | None) -> None:
        """Become the import that writes. Raises TooManyLeave unless `yes_many` is how many leave, and OlderList."""
        if surveyed.too_many and yes_many != surveyed.leaving:
            raise TooManyLeave(leaving=surveyed.leaving, employed=surveyed.employed)
        roster = held_roster(tx, self._programme)
        _require_newer(roster, self._as_of)
        roster.import_id = self._id
        tx.flush()

    def apply(self, show: Show = lambda done: None) -> Survey:
        """Apply the list behind `begin`, page by page. Raises AnotherImport when another one has begun since."""
        done = Survey(self._as_of)
        list_ = self._reading()
        for page in self._pages(list_, done, show):
            done.counts += self._write(page)
        for rows in self._employed() if not list_.unnumbered else ():
            if gone := [row.id for row in rows if self._has_gone(row, list_.seen)]:
                done.counts[policy.LEFT] += self._dismiss(gone)
        done.leaving = done.counts[policy.LEFT]
        return done

    def end(self, tx: Session) -> None:
        """The roster is as of the day of the list. Raises AnotherImport."""
        roster = self._mine(tx)
        roster.as_of, roster.import_id = self._as_of, None
        tx.flush()

    def _reading(self) -> Reading:
        return Reading(self._file, self._as_of, lambda number: staff_no_index(self._vault, self._programme, number))

    def _pages(self, list_: Reading, found: Survey, show: Show) -> Iterator[list[Listed]]:
        """The lines that can be understood, by pages; what is wrong with the others is noted."""
        page: list[Listed] = []
        for read in list_.lines():
            found.lines += 1
            if isinstance(read, Wrong):
                found.wrong_count += 1
                found.wrong += [read] if len(found.wrong) < WRONG_LINES_TOLD else []
            else:
                page.append(read)
            if len(page) == PAGE:
                yield page
                page = []
                show(found.lines)
        if page:
            yield page
        show(found.lines)

    def _employed(self) -> Iterator[list[StaffMember]]:
        """Who is employed on the day of the list or later, as it stands, by pages in the order of their rows."""
        member, page = StaffMember, list[StaffMember]()
        lasting = or_(member.last_day.is_(None), member.last_day >= self._as_of)
        query = select(member).where(member.programme == self._programme, lasting).order_by(member.id).limit(PAGE)
        while True:
            with reading(self._sessions) as tx:
                page = list(tx.scalars(query.where(member.id > page[-1].id) if page else query))
            yield page
            if len(page) < PAGE:
                return

    def _has_gone(self, row: StaffMember, seen: set[bytes]) -> bool:
        """Whether somebody is not on the list, and the roster does not say so yet."""
        return row.staff_no_index not in seen and row.last_day != policy.leaves_on(row.joined, self._as_of)

    def _write(self, page: list[Listed]) -> Counter[str]:
        def write(tx: Session) -> Counter[str]:
            self._mine(tx)
            lines = Page(tx, self._vault, self._programme, self._as_of, page, held=True)
            lines.write(now=clock.now())
            return lines.counts()

        return retried(self._sessions, write)

    def _dismiss(self, gone: list[UUID]) -> int:
        def dismiss(tx: Session) -> int:
            self._mine(tx)
            return end_spells(tx, self._vault, gone, as_of=self._as_of, now=clock.now())

        return retried(self._sessions, dismiss)

    def _mine(self, tx: Session) -> Roster:
        roster = held_roster(tx, self._programme)
        if roster.import_id != self._id:
            raise AnotherImport
        return roster


def held_roster(tx: Session, programme: str) -> Roster:
    """The roster of a programme, held until commit; made where there was none."""
    query = select(Roster).where(Roster.programme == programme)
    held = query.with_for_update().execution_options(populate_existing=True)
    roster = tx.scalar(held)
    if roster is None:
        tx.add(Roster(programme=programme))
        tx.flush()
        roster = tx.scalars(held).one()
    return roster


def _require_newer(roster: Roster | None, as_of: date) -> None:
    if roster is not None and roster.as_of is not None and as_of < roster.as_of:
        raise OlderList(as_of=as_of.isoformat(), stands_as_of=roster.as_of.isoformat())


def as_of_day(given: date | None, now: datetime) -> date:
    """The day of a list, today where none is given. Raises OlderList's opposite: nobody has tomorrow's list."""
    today = clock.day_of(now)
    if given is not None and given > today:
        raise OlderList(as_of=given.isoformat(), today=today.isoformat())
    return given or today
