"""Who is on the roster on a day, whose account a staff number is, and in which department somebody was."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Text, Uuid, func, or_, select
from sqlalchemy.orm import Session

from backend import clock
from backend.holdings import Held
from backend.identity.agreements.references import name_for_days
from backend.identity.models import Enrolment
from backend.identity.persons import enrol, person_sealer
from backend.identity.roster.errors import NotOnRoster, StaffNumberTaken
from backend.identity.roster.heads import announce_changed
from backend.identity.roster.models import Department, StaffDepartment, StaffMember
from backend.lists import Columns, recordset
from backend.vault import Sealer, Vault


@dataclass(frozen=True, slots=True)
class Employed:
    """Somebody who is on the roster; `holder_id` is whose account the number is, once they have logged in."""

    id: UUID
    programme: str
    joined: date
    last_day: date | None
    holder_id: UUID | None


def staff_no_index(vault: Vault, programme: str, staff_no: str) -> bytes:
    """The keyed index a staff number is found by. Blanks around it do not count."""
    return vault.index("staff number", programme, staff_no.strip())


def staff_member(
    tx: Session, vault: Vault, programme: str, staff_no: str, *, day: date | None = None
) -> Employed | None:
    """Who has this staff number on this day (today where none is given); None when nobody is employed under it."""
    row = _on(tx, programme, staff_no_index(vault, programme, staff_no), day or clock.today())
    return Employed(row.id, row.programme, row.joined, row.last_day, row.holder_id) if row else None


def bind(tx: Session, vault: Vault, programme: str, staff_no: str, holder_id: UUID, *, now: datetime) -> Employed:
    """Make the staff number this person's: opens their staff account and names it by the number while employed.

    The same again is the same. Raises NotOnRoster (today), StaffNumberTaken when the number or the account in this
    programme is another's. Afterwards `partners.wake_references` lets what waited for the number be settled.
    """
    row = _on(tx, programme, staff_no_index(vault, programme, staff_no), clock.day_of(now), held=True)
    if row is None:
        raise NotOnRoster(programme=programme)
    if row.holder_id not in (None, holder_id) or _other_number(tx, row, holder_id):
        raise StaffNumberTaken(programme=programme)
    enrol(tx, holder_id, programme, "staff", now=now)
    if tx.get_one(Enrolment, (holder_id, programme)).account_kind != "staff":
        raise StaffNumberTaken(programme=programme)
    if row.holder_id is None:
        facts = opened(row, vault.house) if row.sealed else {"staff_no": staff_no.strip(), "name": ""}
        row.holder_id, row.sealed = holder_id, sealed(facts, row.id, person_sealer(tx, vault, holder_id))
        tx.flush()
        announce_changed(tx, programme, [holder_id], now=now)
    name_for_days(tx, vault, holder_id, programme, staff_no, since=row.joined, until=row.last_day, now=now)
    return Employed(row.id, programme, row.joined, row.last_day, holder_id)


def _on(tx: Session, programme: str, index: bytes, day: date, *, held: bool = False) -> StaffMember | None:
    query = select(StaffMember).where(
        StaffMember.programme == programme,
        StaffMember.staff_no_index == index,
        StaffMember.joined <= day,
        or_(StaffMember.last_day.is_(None), StaffMember.last_day >= day),
    )
    # Of two spells that touch one day, the later one stands.
    query = query.order_by(StaffMember.joined.desc()).limit(1)
    if held:
        query = query.with_for_update().execution_options(populate_existing=True)
    return tx.scalar(query)


def _other_number(tx: Session, row: StaffMember, holder_id: UUID) -> bool:
    """Whether the person is employed under another number of the programme: then one of the two is not theirs."""
    others = select(func.count()).where(
        StaffMember.holder_id == holder_id,
        StaffMember.programme == row.programme,
        StaffMember.staff_no_index != row.staff_no_index,
        or_(StaffMember.last_day.is_(None), StaffMember.last_day >= row.joined),
    )
    return bool(tx.scalar(others))


# -- what is sealed ---------------------------------------------------------------------------------------------------


def sealed(facts: dict[str, str], member_id: UUID, sealer: Sealer) -> bytes:
    """Staff number and name, sealed for this row."""
    return sealer.seal(json.dumps(facts, ensure_ascii=False).encode(), b"staff member:" + member_id.bytes)


def opened(row: StaffMember, sealer: Sealer) -> dict[str, str]:
    """{"staff_no": …, "name": …} of a row. Raises Unreadable under another key."""
    facts: dict[str, str] = json.loads(sealer.open(row.sealed, b"staff member:" + row.id.bytes))
    return facts


# -- departments ------------------------------------------------------------------------------------------------------


def department_of(tx: Session, programme: str, holder_ids: Collection[UUID], day: date) -> dict[UUID, str]:
    """The path of the department each was in on this day, as the roster says it; nobody who was not employed then."""
    found = departments_by_day(tx, programme, [(holder_id, day) for holder_id in holder_ids])
    return {holder_id: path for (holder_id, _), path in found.items()}


def departments_by_day(
    tx: Session, programme: str, wanted: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], str]:
    """The path of the department of each (holder, day); "" where the roster names none for somebody employed."""
    if not wanted:
        return {}
    columns: Columns = {"programme": Text(), "holder_id": Uuid(), "day": Date()}
    rows = [(programme, holder_id, day) for holder_id, day in sorted(set(wanted))]
    given = recordset(tx, "wanted", columns, rows)
    member = StaffMember
    dated = (
        select(
            given.c.holder_id,
            given.c.day,
            Department.path,
            func.row_number()
            .over(
                partition_by=(given.c.holder_id, given.c.day),
                order_by=(member.joined.desc(), StaffDepartment.since.desc()),
            )
            .label("place"),
        )
        .join_from(given, member, (member.holder_id == given.c.holder_id) & (member.programme == given.c.programme))
        .outerjoin(StaffDepartment, (StaffDepartment.member_id == member.id) & (StaffDepartment.since <= given.c.day))
        .outerjoin(Department, Department.id == StaffDepartment.department_id)
        .where(member.joined <= given.c.day, or_(member.last_day.is_(None), member.last_day >= given.c.day))
        .subquery()
    )
    query = select(dated.c.holder_id, dated.c.day, dated.c.path).where(dated.c.place == 1)
    return {(row.holder_id, row.day): row.path or "" for row in tx.execute(query)}


def department_paths(tx: Session, programme: str) -> list[str]:
    """The path of every department the roster has or had, in order."""
    return list(tx.scalars(select(Department.path).where(Department.programme == programme).order_by(Department.path)))


def staff_rows(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    """What rosters say about a person, opened, with their departments by day."""
    sealer = person_sealer(tx, vault, holder_id)
    mine = select(StaffMember).where(StaffMember.holder_id == holder_id).order_by(StaffMember.programme)
    for row in tx.scalars(mine.order_by(StaffMember.joined)):
        dated = select(StaffDepartment.since, Department.path).join(
            Department, Department.id == StaffDepartment.department_id
        )
        found = tx.execute(dated.where(StaffDepartment.member_id == row.id).order_by(StaffDepartment.since))
        days = {"joined": row.joined.isoformat(), "last_day": row.last_day.isoformat() if row.last_day else None}
        departments = [{"since": since.isoformat(), "path": path} for since, path in found]
        yield {"programme": row.programme, **opened(row, sealer), **days, "departments": departments}


def forget_staff(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """A person who is forgotten is nobody's staff number any more; the next list says again who the employer has."""
    mine = select(StaffMember).where(StaffMember.holder_id == holder_id).order_by(StaffMember.id)
    for row in tx.scalars(mine.with_for_update()):
        row.holder_id, row.sealed, row.name_index, row.changed_at = None, b"", b"", now
        announce_changed(tx, row.programme, [holder_id], now=now)
    tx.flush()
