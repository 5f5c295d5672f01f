"""What takes two operators, from the request to the log: one asks, another decides, what is granted is done at once.

Each kind of request says who may ask and decide, and what is done; that it takes two, happens once and is written down
(as `<kind>_requested`, `<kind>_granted` or `<kind>_refused`) is the same for all of them. The log row comes last,
because it holds the log until commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from backend import approvals, operator_log
from backend.approvals import Approval
from backend.errors import NotFound

Facts = Mapping[str, Any]


class Operator(Protocol):
    """Who asks or decides; whether they may is asked before."""

    @property
    def id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a granted request, as the log tells it: how it stood before, and what is so now, which are the
    facts of the request where nothing else is said."""

    before: Facts | None = None
    after: Facts | None = None


#: Does what was granted, in the transaction of the decision.
Deed = Callable[[Approval], Done]


def ask(
    tx: Session,
    kind: str,
    facts: Facts,
    by: Operator,
    reason: str,
    now: datetime,
    *,
    before: Facts | None = None,
    about: str = "",
) -> UUID:
    """Ask for something; returns the request that another operator decides.

    The log tells `before` as it stands now, and `about` what it is in front of the number of the request.
    """
    asked = approvals.request(tx, kind=kind, facts=facts, reason=reason, operator_id=by.id, now=now)
    operator_log.write(
        tx,
        operator_id=by.id,
        action=f"{kind}_requested",
        subject=_subject(about, asked),
        reason=reason,
        before=before,
        after={**_shown(facts), "status": "pending"},
        now=now,
    )
    return asked


def decide(
    tx: Session,
    request_id: UUID,
    deeds: Mapping[str, Deed],
    by: Operator,
    granted: bool,
    reason: str,
    now: datetime,
    *,
    about: Callable[[Facts], str] | None = None,
) -> Approval:
    """Another operator's decision about a request of one of these kinds; what is granted is done in this transaction.

    Raises NotFound for another kind, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, and what the deed raises.
    """
    kind = approvals.find(tx, request_id, now=now).kind
    if kind not in deeds:
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=by.id, granted=granted, reason=reason, now=now)
    done = Done(after={})
    if granted:
        approvals.execute(tx, request_id, kind, now=now)
        done = deeds[kind](asked)
    decided = approvals.find(tx, request_id, now=now)
    after = asked.facts if done.after is None else done.after
    operator_log.write(
        tx,
        operator_id=by.id,
        action=f"{kind}_{'granted' if granted else 'refused'}",
        subject=_subject(about(asked.facts) if about else "", request_id),
        reason=reason,
        before={**(done.before or {}), "status": "pending"},
        after={**_shown(after), "status": decided.status},
        now=now,
    )
    return decided


def _shown(facts: Facts) -> Facts:
    """The facts as the log may hold them: of an address neither its query nor who logs in."""
    return {**facts, "url": operator_log.shown_url(facts["url"])} if "url" in facts else facts


def _subject(about: str, request_id: UUID) -> str:
    return f"{about} approval {request_id}".strip()
