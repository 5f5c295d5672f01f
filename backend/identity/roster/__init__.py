"""The roster 花名册 of a staff programme: who is employed, since when, until when, in which department by day.

`members` says who a staff number is and whose account.
"""

from backend.identity.roster.errors import NotOnRoster, StaffNumberTaken
from backend.identity.roster.members import (
    Employed,
    bind,
    department_of,
    departments_by_day,
    staff_member,
)

__all__ = [
    "Employed",
    "NotOnRoster",
    "StaffNumberTaken",
    "bind",
    "department_of",
    "departments_by_day",
    "staff_member",
]
