"""What goes into the pipeline, and what comes out of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from backend.activities import CONSENT, TRANSFERRED_CLAIM, ActivityKey
from backend.identity import Receiver


@dataclass(frozen=True, slots=True)
class Draft:
    """One act as its source tells it, before it is screened.

    `data` goes into the formula; `identity` names the physical act (serial, trip id …) and never does. `started_at` and
    `ended_at` are set for trips. `return_days`: how long the source can still take the act back. `claim` is KEPT_CLAIM
    where the source books the reduction itself.
    """

    methodology: str
    data: Mapping[str, str | int]
    identity: Mapping[str, str]
    occurred_at: datetime
    grade: str
    return_days: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    claim: str = TRANSFERRED_CLAIM


class Translate(Protocol):
    """Makes the draft of a line once the kind of its order is known. Raises ActRefused."""

    def __call__(self, order_type: str, /) -> Draft: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """What one event says about one line of an order.

    `receiver` is the account the act is for, None while the source's user is not linked to a member. `rank` is
    ORIGINAL, CORRECTED or CANCELLED; a cancellation has no `translate` and may name line `*`, the whole order.
    `order_type` is None where the event does not tell (corrections, cancellations). Statements of one event share
    `source_id` and wait together. `partner` is where it comes from: a partner's code, or a source of the house's own
    such as `house:declared`, which no partner can be called. `rests_on`: CONSENT of the member to that source,
    AGREEMENT of their employer or school with it, or OWN_ACT, which they entered themselves.
    """

    source_id: UUID
    partner: str
    order_no: str
    line: str
    revision: int
    rank: int
    order_type: str | None
    receiver: Receiver | None
    content_hash: bytes
    evidence: str
    translate: Translate | None
    rests_on: str = CONSENT


@dataclass(slots=True)
class Outcome:
    """What became of a statement.

    `status`: issued, outdone, kept, refused, parked, cancelled, superseded or duplicate; `code` says why when it is not
    issued. Grams, watt-hours and points are those credited by this settlement.
    """

    status: str
    code: str | None = None
    activity: ActivityKey | None = None
    methodology: str | None = None
    reduction_g: int = 0
    offset_g: int = 0
    eac_wh: int = 0
    points: int = 0
    facts: dict[str, object] = field(default_factory=dict)
