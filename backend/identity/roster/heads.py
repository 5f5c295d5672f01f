"""How many people departments have by day, and the news that somebody's employment or department is another now."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Uuid, case, func, select
from sqlalchemy.orm import Session

from backend import outbox
from backend.identity.roster.models import Department, StaffDepartment, StaffMember
from backend.lists import recordset
from backend.outbox import Announcement

#: Announced of a holder: what the roster of a programme says of them, on whichever days, is not what it said before.
CHANGED = "roster.changed"


def announce_changed(tx: Session, programme: str, holder_ids: Collection[UUID], *, now: datetime) -> None:
    """Tell whoever counts by departments that these holders are to be looked up again."""
    news = [Announcement(CHANGED, holder_id, {"programme": programme}) for holder_id in sorted(set(holder_ids))]
    outbox.announce(tx, news, now=now)


def heads_by_day(
    tx: Session, programme: str, days: Collection[date], *, among: Collection[UUID] | None = None
) -> dict[tuple[str, date], int]:
    """How many people are employed in each department on each of these days, by its path: everybody on the roster,
    whether they ever logged in or not. `among`: only accounts that are one of these.

    Of two spells under a number that touch one day, the later one stands. Who has no department is left out.
    """
    if not days:
        return {}
    spells = _spells(programme, min(days), max(days))
    ends = (spells.c.last_day, spells.c.next_joined, spells.c.next_since)
    query = select(spells.c.path, spells.c.since, *ends, func.count())
    if among is not None:
        given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(set(among))])
        query = query.join_from(spells, given, given.c.holder_id == spells.c.holder_id)
    counts: dict[tuple[str, date], int] = defaultdict(int)
    for path, since, last_day, *others, people in tx.execute(query.group_by(spells.c.path, spells.c.since, *ends)):
        until = min((day for day in others if day is not None), default=date.max)
        for day in days:
            if since <= day < until and (last_day is None or day <= last_day):
                counts[path, day] += people
    return dict(counts)


def _spells(programme: str, first: date, last: date) -> Any:
    """Who is in which department since when, and what ends it: the last day, the next spell under the number, the next
    department. Days outside are cut off, so that there are few different rows."""
    number: dict[str, Any] = {
        "partition_by": (StaffMember.programme, StaffMember.staff_no_index),
        "order_by": StaffMember.joined,
    }
    place: dict[str, Any] = {"partition_by": StaffDepartment.member_id, "order_by": StaffDepartment.since}
    member = (
        select(
            *(StaffMember.id, StaffMember.holder_id, StaffMember.joined, StaffMember.last_day),
            func.lead(StaffMember.joined, type_=Date()).over(**number).label("next_joined"),
        )
        .where(StaffMember.programme == programme)
        .subquery()
    )
    moved = select(
        *(StaffDepartment.member_id, StaffDepartment.department_id, StaffDepartment.since),
        func.lead(StaffDepartment.since, type_=Date()).over(**place).label("next_since"),
    ).subquery()
    began = case((member.c.joined > moved.c.since, member.c.joined), else_=moved.c.since)
    return (
        select(
            *(member.c.holder_id, Department.path),
            case((began > first, began), else_=first).label("since"),
            case((member.c.last_day < last, member.c.last_day)).label("last_day"),
            case((member.c.next_joined <= last, member.c.next_joined)).label("next_joined"),
            case((moved.c.next_since <= last, moved.c.next_since)).label("next_since"),
        )
        .join_from(member, moved, moved.c.member_id == member.c.id)
        .join(Department, Department.id == moved.c.department_id)
        .where(began <= last)
        .subquery()
    )
