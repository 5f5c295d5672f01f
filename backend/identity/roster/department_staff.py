"""Who is in a department, with everything below it, on some days: whether they ever logged in or not."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from backend.identity.roster.models import Department, StaffDepartment, StaffMember


def department_staff(tx: Session, programme: str, path: str, first: date, last: date) -> Mapping[UUID, bool]:
    """Everybody who was employed in a department on one of these days: id → whether it is that of an account.

    Who never logged in has no account, and is known by the roster's own number.
    """
    spell, later = StaffDepartment, aliased(StaffDepartment)
    behind = select(func.min(later.since)).where(later.member_id == spell.member_id, later.since > spell.since)
    until = behind.correlate(spell).scalar_subquery()
    query = (
        select(StaffMember.id, StaffMember.holder_id)
        .join_from(Department, spell, spell.department_id == Department.id)
        .join(StaffMember, StaffMember.id == spell.member_id)
        .where(
            Department.programme == programme,
            or_(Department.path == path, func.substr(Department.path, 1, len(path) + 1) == path + "/"),
            spell.since <= last,
            func.coalesce(until, date.max) > first,
            # Employed on one of the days, and while in this department.
            StaffMember.joined <= last,
            StaffMember.joined < func.coalesce(until, date.max),
            or_(
                StaffMember.last_day.is_(None),
                and_(StaffMember.last_day >= first, StaffMember.last_day >= spell.since),
            ),
        )
    )
    return {row.holder_id or row.id: row.holder_id is not None for row in tx.execute(query)}
