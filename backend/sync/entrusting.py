"""A platform that works for us is told about members without asking them, so two operators have to want it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import two_operators
from backend.approvals import Approval
from backend.identity import ADMINISTRATOR, OperatorView
from backend.sync.registry import add_destination, check_destination
from backend.two_operators import Done
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
    return two_operators.ask(tx, ENTRUST, facts, operator, reason, now, about=code)


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

    def add(asked: Approval) -> Done:
        add_destination(tx, vault, basis="entrusted", allowed_hosts=allowed_hosts, now=now, **asked.facts)
        return Done(after={**asked.facts, "basis": "entrusted"})

    operator.require(ADMINISTRATOR)
    return two_operators.decide(
        tx, request_id, {ENTRUST: add}, operator, granted, reason, now, about=lambda facts: str(facts["code"])
    )
