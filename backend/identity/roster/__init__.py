"""The roster 花名册 of a staff programme: who is employed, since when, until when, in which department by day.

`members` says who a staff number is and whose account; `importing` brings the roster up to an employer's list, by the
rules of `policy`; `pulling` fetches the list.
"""

from backend.identity.roster.errors import AnotherImport, NotOnRoster, OlderList, StaffNumberTaken, TooManyLeave
from backend.identity.roster.importing import Import, Survey, as_of_day
from backend.identity.roster.members import (
    Employed,
    bind,
    department_of,
    departments_by_day,
    staff_member,
)
from backend.identity.roster.policy import KINDS, Wrong
from backend.identity.roster.pulling import fetch, pull_due, pulls, set_source

__all__ = [
    "KINDS",
    "AnotherImport",
    "Employed",
    "Import",
    "NotOnRoster",
    "OlderList",
    "StaffNumberTaken",
    "Survey",
    "TooManyLeave",
    "Wrong",
    "as_of_day",
    "bind",
    "department_of",
    "departments_by_day",
    "fetch",
    "pull_due",
    "pulls",
    "set_source",
    "staff_member",
]
