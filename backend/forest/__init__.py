"""The forest 公益林: donated steps become adopted trees with numbered certificates.

`donating` takes steps, `planting` makes trees of them and takes trees back, `effect` lets a donation go back with its
act, `projects` says what is offered and what lives, `teams` gather together, `certificates` and `pages` show what came
of it, under the names that `naming` lets pass. The steps themselves come from the room `steps`; both
meet in the ledger.
"""

from backend.forest.certificates import certificate, donations_of, forget, hide_name, holdings, sign, trees_of
from backend.forest.donating import Wish, donate
from backend.forest.effect import StepDonations, end_withdrawn
from backend.forest.errors import (
    DonationNotCounted,
    DonationTooSmall,
    ForestClosed,
    ForestFull,
    ForestNotFound,
    InsufficientSteps,
    InvalidForestProject,
    InvalidSurvey,
    TeamFull,
    TeamNotFound,
)
from backend.forest.naming import CertificateNames, DonorNames, TeamNames
from backend.forest.projects import change_project, projects_of, report_survival, save_project
from backend.forest.teams import join_team, leave_team, make_team, teams_of

__all__ = [
    "CertificateNames",
    "DonationNotCounted",
    "DonationTooSmall",
    "DonorNames",
    "ForestClosed",
    "ForestFull",
    "ForestNotFound",
    "InsufficientSteps",
    "InvalidForestProject",
    "InvalidSurvey",
    "StepDonations",
    "TeamFull",
    "TeamNames",
    "TeamNotFound",
    "Wish",
    "certificate",
    "change_project",
    "donate",
    "donations_of",
    "end_withdrawn",
    "forget",
    "hide_name",
    "holdings",
    "join_team",
    "leave_team",
    "make_team",
    "projects_of",
    "report_survival",
    "save_project",
    "sign",
    "teams_of",
    "trees_of",
]
