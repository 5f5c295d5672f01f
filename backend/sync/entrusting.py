"""A platform that works for us is told about members without asking them, so two operators have to want it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import approvals, operator_log
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity import ADMINISTRATOR, OperatorView
from backend.sync.registry import add_destination, check_destination
from backend.vault import Vault

ENTRUST = "destination.entrust"


def request_entrusted(
    tx: Session,
    *,
    code: str,
    url: str,
    kind: str,
    topics: Sequence[str],
    title: str = "",
    contact: str = "",
    purpose: str = "",
    allowed_hosts: Collection[str] = (),
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for a destination of the basis `entrusted`; returns the request that another administrator decides.

    Raises OperatorNotAllowed and what `add_destination` raises.
    """
    operator.require(ADMINISTRATOR)
    check_destination(tx, code, kind, url, topics, allowed_hosts=allowed_hosts)
    facts = {"code": code, "url": url, "kind": kind, "topics": sorted(set(topics)), "title": title}
    facts |= {"contact": contact, "purpose": purpose}
    asked = approvals.request(tx, kind=ENTRUST, facts=facts, reason=reason, operator_id=operator.id, now=now)
    _log(tx, operator, "destination.requested", asked, reason, now, facts, status="pending")
    return asked


def decide_entrusted(
    tx: Session,
    vault: Vault,
    request_id: UUID,
    *,
    operator: OperatorView,
    granted: bool,
    reason: str,
    allowed_hosts: Collection[str] = (),
    now: datetime,
) -> Approval:
    """Another administrator's decision; what is granted is told from now on. `rotate_key` gives the secret.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, and what
    `add_destination` raises.
    """
    operator.require(ADMINISTRATOR)
    if approvals.find(tx, request_id, now=now).kind != ENTRUST:
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=operator.id, granted=granted, reason=reason, now=now)
    if granted:
        approvals.execute(tx, request_id, ENTRUST, now=now)
        add_destination(tx, vault, basis="entrusted", allowed_hosts=allowed_hosts, now=now, **asked.facts)
    decided = approvals.find(tx, request_id, now=now)
    done = "destination.added" if granted else "destination.refused"
    _log(tx, operator, done, request_id, reason, now, asked.facts, status=decided.status)
    return decided


def _log(
    tx: Session, by: OperatorView, action: str, asked: UUID, reason: str, now: datetime, facts: Any, *, status: str
) -> None:
    operator_log.write(
        tx,
        operator_id=by.id,
        action=action,
        subject=f"{facts['code']} approval {asked}",
        reason=reason,
        before=None if status == "pending" else {"status": "pending"},
        after={**facts, "url": operator_log.shown_url(facts["url"]), "basis": "entrusted", "status": status},
        now=now,
    )
