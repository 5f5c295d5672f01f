"""The roster 花名册 of a staff programme: who is employed, since when, until when, in which department by day.

`members` says who a staff number is and whose account; `importing` brings the roster up to an employer's list, by the
rules of `policy`; `pulling` fetches the list; `heads` counts the people of departments; `leavers` says for how long
points may still be redeemed.
"""

from backend.identity.roster.department_staff import department_staff
from backend.identity.roster.errors import (
    AnotherImport,
    NotOnRoster,
    OlderList,
    StaffNumberTaken,
    StaffTermEnded,
    TermsBackdated,
    TooManyLeave,
)
from backend.identity.roster.heads import CHANGED, heads_by_day
from backend.identity.roster.importing import Import, Survey, as_of_day
from backend.identity.roster.leavers import LEAVER_KEEPS_DAYS, leavers, require_term, set_terms
from backend.identity.roster.members import (
    Employed,
    bind,
    department_of,
    department_paths,
    departments_by_day,
    staff_member,
)
from backend.identity.roster.policy import KINDS, Wrong
from backend.identity.roster.pulling import fetch, pull_due, pulls, set_source

__all__ = [
    "CHANGED",
    "KINDS",
    "LEAVER_KEEPS_DAYS",
    "AnotherImport",
    "Employed",
    "Import",
    "NotOnRoster",
    "OlderList",
    "StaffNumberTaken",
    "StaffTermEnded",
    "Survey",
    "TermsBackdated",
    "TooManyLeave",
    "Wrong",
    "as_of_day",
    "bind",
    "department_of",
    "department_paths",
    "department_staff",
    "departments_by_day",
    "fetch",
    "heads_by_day",
    "leavers",
    "pull_due",
    "pulls",
    "require_term",
    "set_source",
    "set_terms",
    "staff_member",
]
