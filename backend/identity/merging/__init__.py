"""Merging 合并: two persons who turn out to be one, and the way back.

Nothing is moved: books, identities, links and consents stay with the holder they belong to. A row says that a holder is
the same person as another one (`same_person` reads it), and whoever logs in as the one arrives at the other. `deciding`
writes that row, by two operators; `proposals` is what made somebody think of it.
"""

from backend.identity.errors import CannotMerge
from backend.identity.merging.deciding import MERGE, UNMERGE, decide, hold_whole_person, request, request_unmerge
from backend.identity.merging.proposals import PHONE, STAFF_LOGIN, ProposalView, dismiss, proposals, propose
from backend.identity.merging.same_person import holders_of, person_of, together

__all__ = [
    "MERGE",
    "PHONE",
    "STAFF_LOGIN",
    "UNMERGE",
    "CannotMerge",
    "ProposalView",
    "decide",
    "dismiss",
    "hold_whole_person",
    "holders_of",
    "person_of",
    "proposals",
    "propose",
    "request",
    "request_unmerge",
    "together",
]
