"""What takes two operators, at a terminal: who asks for what, and the decision of another."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from backend import approvals, campaigns, clock, house, identity, partners, points, rewards, settlement, sync
from backend.approvals import Approval
from backend.commands.operators import acting, deciding, told_refusals
from backend.errors import NotFound
from backend.identity import VIEWER, OperatorView

#: How a request is decided: (transaction, request, operator, granted, reason, now). It asks for the role that the kind
#: needs, does what is granted in the same transaction, and writes the operator log.
Decide = Callable[[Session, UUID, OperatorView, bool, str, datetime], Approval]


def _write_off(tx: Session, asked: UUID, by: OperatorView, granted: bool, reason: str, now: datetime) -> Approval:
    limit = house().settings.write_off_limit
    return points.decide_write_off(tx, asked, operator=by, granted=granted, reason=reason, limit=limit, now=now)


def _entrust(tx: Session, asked: UUID, by: OperatorView, granted: bool, reason: str, now: datetime) -> Approval:
    hosts = house().settings.sandbox_hosts
    how: dict[str, Any] = {"operator": by, "granted": granted, "reason": reason, "allowed_hosts": hosts, "now": now}
    return sync.decide_entrusted(tx, house().vault, asked, **how)


def _by(verb: Callable[..., Approval]) -> Decide:
    """A verb that needs nothing of the house."""

    def decide_it(tx: Session, asked: UUID, by: OperatorView, granted: bool, reason: str, now: datetime) -> Approval:
        return verb(tx, asked, operator=by, granted=granted, reason=reason, now=now)

    return decide_it


def _agree(tx: Session, request_id: UUID, **how: Any) -> Approval:
    """What waited for the agreement is settled from now on."""
    decided = identity.agreements.decide(tx, request_id, **how)
    if decided.status == "executed":
        partners.wake_agreed(tx, str(decided.facts["source"]), now=how["now"])
    return decided


#: Every kind of request, and who decides it how.
KINDS: dict[str, Decide] = {
    identity.APPOINT: _by(identity.decide_appointment),
    identity.REPLACE_TOKEN: _by(identity.decide_appointment),
    identity.agreements.SIGN: _by(_agree),
    identity.agreements.END: _by(identity.agreements.decide),
    identity.merging.MERGE: _by(identity.merging.decide),
    identity.merging.UNMERGE: _by(identity.merging.decide),
    campaigns.awards.AWARDS: _by(campaigns.awards.decide_awards),
    campaigns.announcing.ANNOUNCE: _by(campaigns.announcing.decide_announcement),
    campaigns.announcing.CANCEL: _by(campaigns.announcing.decide_cancellation),
    points.WRITE_OFF: _write_off,
    rewards.OUTCOME: _by(rewards.decide_outcome),
    rewards.SHOW_AGAIN: _by(rewards.decide_show_again),
    rewards.TERMS: _by(rewards.decide_terms),
    sync.ENTRUST: _entrust,
    points.BUDGET: _by(points.decide_budget),
    points.SET_ASIDE: _by(points.decide_set_aside),
    points.RULE: _by(points.decide_rule),
    points.MULTIPLIER: _by(points.decide_multiplier),
    settlement.COMMUTE: _by(settlement.decide_commute_terms),
    rewards.LIMITS: _by(rewards.decide_limits),
}
_SAID = {"executed": "已批准并执行 granted and done", "granted": "已批准 granted", "refused": "已拒绝 refused"}


@click.command("decide")
@click.argument("request_id", type=click.UUID)
@click.option("--grant/--refuse", "granted", required=True, default=None)
@acting
def decide(request_id: UUID, granted: bool, name: str, token: str, reason: str) -> None:
    """Another operator's decision; what is granted is done at once, in the same transaction."""
    now = clock.now()
    with deciding(name, token, VIEWER) as (tx, by):
        asked = approvals.find(tx, request_id, now=now)
        if asked.kind not in KINDS:
            raise NotFound
        decided = KINDS[asked.kind](tx, request_id, by, granted, reason, now)
    click.echo(f"{decided.kind} {_SAID[decided.status]}")


@click.command("list")
@click.option("--pending", is_flag=True, help="only what waits for a decision")
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="only these")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
def list_requests(pending: bool, kind: str | None, limit: int) -> None:
    """The newest requests, a JSON line each: who asked for what, why, and how far it is."""
    with house().reading() as tx:
        found = approvals.newest(tx, now=clock.now(), kind=kind, limit=limit, pending=pending)
        told = _told(tx, found)
    for said in told:
        click.echo(json.dumps(said, ensure_ascii=False))


@click.command("show")
@click.argument("request_id", type=click.UUID)
def show(request_id: UUID) -> None:
    """One request, in full."""
    with told_refusals(), house().reading() as tx:
        (told,) = _told(tx, [approvals.find(tx, request_id, now=clock.now())])
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))


def _told(tx: Session, found: list[Approval]) -> list[dict[str, Any]]:
    people = [who for item in found for who in (item.requested_by, item.decided_by) if who]
    names = identity.operator_names(tx, people)
    return [
        {
            "id": str(item.id),
            "kind": item.kind,
            "facts": item.facts,
            "reason": item.reason,
            "requested_by": names[item.requested_by],
            "requested_at": clock.iso(item.requested_at),
            "decided_by": names[item.decided_by] if item.decided_by else None,
            "status": item.status,
            "expires_at": clock.iso(item.expires_at),
        }
        for item in found
    ]


APPROVAL = click.Group(
    "approval",
    help="What takes two operators: one asks, another decides.",
    commands=(list_requests, show, decide),
)
