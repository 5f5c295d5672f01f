"""What operators do with campaigns at a terminal: draft, announce, invite, cancel, and look at them."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from backend import campaigns, clock, house
from backend.campaigns import CampaignView, InvalidCampaign
from backend.commands import campaign_results, campaign_scores
from backend.commands.campaign_reports import report
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.commands.written_files import read_file
from backend.identity import FINANCE

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("draft")
@click.argument("file", type=_FILE)
@click.option("--dry-run", is_flag=True, help="only say whether it could be announced as it stands")
@acting_sometimes
def draft(file: Path, dry_run: bool, **by: str | None) -> None:
    """Keep a campaign from a YAML or JSON file as a draft, in place of the draft of its code; see docs/campaigns.md.

    Nobody sees it before it is announced.
    """
    now = clock.now()
    with told_refusals():
        plan = campaigns.drafting.read_plan(read_file(file, InvalidCampaign, typed=True))
    if dry_run:
        with told_refusals(), house().reading() as tx:
            campaigns.announcing.try_announcement(tx, plan, now=now)
        click.echo(json.dumps(plan.as_json(), ensure_ascii=False, indent=2))
        return
    name, token, reason = answering(**by)
    with deciding(name, token, FINANCE) as (tx, who):
        campaigns.drafting.draft(tx, plan, now=now)
        note(tx, who, "campaign.drafted", f"campaign {plan.code}", reason, after=plan.as_json())
    click.echo(plan.code)


@click.command("announce")
@click.argument("code")
@acting
def announce(code: str, name: str, token: str, reason: str) -> None:
    """Ask for a draft to be announced; prints the request that another operator decides with `flask approval decide`.

    Its multiplier and its budget are written with the announcement. What is announced is not changed any more.
    """
    with deciding(name, token, FINANCE) as (tx, by):
        asked = campaigns.announcing.request_announcement(tx, code, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("cancel")
@click.argument("code")
@acting
def cancel(code: str, name: str, token: str, reason: str) -> None:
    """Throw a draft away at once; ask for an announced campaign to be cancelled, which another operator decides.

    What acts earned stays. Nothing is given by rank, and the multiplier ends with the day of the decision.
    """
    now = clock.now()
    with deciding(name, token, FINANCE) as (tx, by):
        if campaigns.campaign(tx, code, now=now, drafts=True).announced_at is None:
            campaigns.announcing.drop_draft(tx, code, operator=by, reason=reason, now=now)
            told = f"{code} 草稿已删除 draft dropped"
        else:
            told = str(campaigns.announcing.request_cancellation(tx, code, operator=by, reason=reason, now=now))
    click.echo(told)


@click.command("list")
@click.option("--programme", help="only of this one")
def list_campaigns(programme: str | None) -> None:
    """Every campaign and draft, the latest first, a JSON line each."""
    now = clock.now()
    with house().reading() as tx:
        found = campaigns.every(tx, programme)
    for item in found:
        named = {"code": item.code, "programme": item.programme, "kind": item.kind, "title": item.title}
        days = {name: clock.iso(getattr(item, name)) for name in ("starts_at", "ends_at", "closes_at")}
        click.echo(json.dumps(named | {"state": item.state(now)} | days, ensure_ascii=False))


@click.command("show")
@click.argument("code")
def show(code: str) -> None:
    """A campaign in full: its terms as they are written in a file, how many take part, and its invitations."""
    with told_refusals(), house().reading() as tx:
        found = campaigns.campaign(tx, code, now=clock.now(), drafts=True)
        told = _told(tx, found)
    click.echo(json.dumps(told, ensure_ascii=False, indent=2, default=str))


def _told(tx: Session, found: CampaignView) -> dict[str, Any]:
    now = clock.now()
    plan = campaigns.drafting.plan_of(found)
    invitations = [
        {
            "id": str(item.id),
            "note": item.note,
            "uses": item.uses,
            "uses_allowed": item.uses_allowed,
            "made_at": clock.iso(item.made_at),
            "ended_at": item.ended_at and clock.iso(item.ended_at),
        }
        for item in campaigns.invitations.invitations_of(tx, found.code)
    ]
    people = campaigns.joining.count(tx, found.code)
    state = {"state": found.state(now), "taking_part": people}
    return state | plan.as_json() | {"invitations": invitations}


@click.command("invite")
@click.argument("code")
@click.option("--note", "whom", required=True, help="whom it is for, as operators read it")
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1), help="how many may join by one code")
@click.option("--codes", default=1, show_default=True, type=click.IntRange(1, 1_000), help="how many codes")
@acting
def invite(code: str, whom: str, uses: int, codes: int, name: str, token: str, reason: str) -> None:
    """Make invitation codes to a campaign; each line is a number and its code, which is shown once."""
    now, vault = clock.now(), house().vault
    with deciding(name, token, FINANCE) as (tx, by):
        campaign = campaigns.campaign(tx, code, now=now, drafts=True)
        made = [campaigns.invitations.invite(tx, vault, campaign, note=whom, uses=uses, now=now) for _ in range(codes)]
        after = {"note": whom, "uses": uses, "invitations": [str(number) for number, _ in made]}
        note(tx, by, "campaign.invited", f"campaign {code}", reason, after=after)
    click.echo("\n".join(f"{number} {told}" for number, told in made))


@click.command("uninvite")
@click.argument("code")
@click.argument("invitation", type=click.UUID)
@acting
def uninvite(code: str, invitation: UUID, name: str, token: str, reason: str) -> None:
    """Let nobody join by an invitation any more; who did takes part."""
    with deciding(name, token, FINANCE) as (tx, by):
        campaigns.invitations.end_invitation(tx, code, invitation, now=clock.now())
        note(tx, by, "campaign.invitation_ended", f"campaign {code}", reason, after={"invitation": str(invitation)})
    click.echo(f"{invitation} 已停用 ended")


CAMPAIGN = click.Group(
    "campaign",
    help="Campaigns: environment weeks, car-free days, challenges.",
    commands=(
        draft,
        announce,
        cancel,
        list_campaigns,
        show,
        invite,
        uninvite,
        report,
        *campaign_scores.COMMANDS,
        *campaign_results.COMMANDS,
    ),
)
