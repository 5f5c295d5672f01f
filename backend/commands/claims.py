"""Whose physical acts are, as operators see it at a terminal. `reviews.py` puts it beside the decisions."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import click

from backend import activities, clock, settlement
from backend.activities import ClaimParty, ClaimView
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note
from backend.identity import VIEWER

_as_json = click.option("--json", "as_json", is_flag=True, help="a JSON line for each claim, with its parties in full")


@click.command("claims")
@click.argument("activity_id", type=click.UUID)
@_as_json
@acting
def claims(activity_id: UUID, as_json: bool, name: str, token: str, reason: str) -> None:
    """What an activity claims: the owner of each claim, and those who wait for it. Who looks is logged."""
    with deciding(name, token, VIEWER) as (tx, by):
        found = settlement.contested(tx, activity_id)
        note(tx, by, "activity.claims_read", f"activity {activity_id}", reason)
    _tell(found, as_json, "没有申领 claims nothing")


@click.command("conflicts")
@click.option("--partner", help="only claims that acts of this partner wait for")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
@_as_json
@acting
def conflicts(partner: str | None, limit: int, as_json: bool, name: str, token: str, reason: str) -> None:
    """Physical acts that several claim, those contested last first: who owns them, who waits, and since when.

    Who looks is logged.
    """
    with deciding(name, token, VIEWER) as (tx, by):
        found = activities.conflicts(tx, partner=partner, limit=limit)
        note(tx, by, "activity.conflicts_read", f"{partner or 'every partner'}, {len(found)} claims", reason)
    _tell(found, as_json, "没有争用 nothing is contested")


CLAIMS = (claims, conflicts)


def _tell(found: Sequence[ClaimView], as_json: bool, nothing: str) -> None:
    if as_json:
        for claim in found:
            click.echo(json.dumps(_claim(claim), ensure_ascii=False))
        return
    rows: list[tuple[str, ...]] = [
        ("claim", "party", "partner", "order/line", "member", "activity", "grade", "begins", "claimed", "status")
    ]
    for claim in found:
        rows += [_row(claim.fingerprint, "owner 持有", claim.owner)] if claim.owner else []
        rows += [_row(claim.fingerprint, "waits 等待", party) for party in claim.contenders]
    click.echo("\n".join(aligned(rows)) if len(rows) > 1 else nothing)


def _row(fingerprint: bytes, standing: str, party: ClaimParty) -> tuple[str, ...]:
    act = party.act
    status = f"{act.status} {act.reason}" if act.reason else act.status
    whose = act.partner, f"{act.order_no}/{act.line}", str(act.holder_id), str(act.id)
    instants = clock.iso(act.begins_at), clock.iso(party.claimed_at)
    return fingerprint.hex()[:12], standing, *whose, act.grade, *instants, status


def _claim(claim: ClaimView) -> dict[str, Any]:
    """A claim with its parties; `contested_since` is when a second act claimed the same, null while none does."""
    parties = [*([claim.owner] if claim.owner else []), *claim.contenders]
    claimed = sorted(party.claimed_at for party in parties)
    return {
        "fingerprint": claim.fingerprint.hex(),
        "contested_since": clock.iso(claimed[1]) if len(claimed) > 1 else None,
        "owner": _party(claim.owner) if claim.owner else None,
        "contenders": [_party(party) for party in claim.contenders],
    }


def _party(party: ClaimParty) -> dict[str, Any]:
    act = party.act
    names = ("programme", "partner", "order_no", "line", "revision", "methodology", "grade", "claim")
    return {
        "activity_id": str(act.id),
        "holder_id": str(act.holder_id),
        **{name: getattr(act, name) for name in (*names, "status", "reason")},
        "begins_at": clock.iso(act.begins_at),
        "claimed_at": clock.iso(party.claimed_at),
    }
