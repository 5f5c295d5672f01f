"""Who speaks for a department in the PKs of a campaign, named at a terminal."""

import json

import click

from backend import campaigns, clock, house
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR


@click.command("name")
@click.argument("campaign")
@click.argument("department")
@click.argument("staff_no")
@acting
def name_captain(campaign: str, department: str, staff_no: str, name: str, token: str, reason: str) -> None:
    """Let an employee speak for their department in a campaign, in the place of whoever did."""
    now = clock.now()
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        found = campaigns.campaign(tx, campaign, now=now)
        said = campaigns.challenges.name_captain(tx, house().vault, found, department, staff_no, now=now)
        before, after = {"captain": said["before"]}, {"captain": said["captain"]}
        note(tx, by, "campaign.captain_named", f"campaign {campaign} {department}", reason, before=before, after=after)
    click.echo(f"{department} 已指定 named")


@click.command("dismiss")
@click.argument("campaign")
@click.argument("department")
@acting
def dismiss_captain(campaign: str, department: str, name: str, token: str, reason: str) -> None:
    """Let nobody speak for a department any more; PKs it has go on."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        found = campaigns.campaign(tx, campaign, now=clock.now())
        before = {"captain": str(campaigns.challenges.dismiss_captain(tx, found, department))}
        note(tx, by, "campaign.captain_dismissed", f"campaign {campaign} {department}", reason, before=before)
    click.echo(f"{department} 已取消 dismissed")


@click.command("list")
@click.argument("campaign")
def list_captains(campaign: str) -> None:
    """Who speaks for which department of a campaign, a JSON line each."""
    with told_refusals(), house().reading() as tx:
        found = campaigns.campaign(tx, campaign, now=clock.now())
        told = campaigns.challenges.captains(tx, found.code)
    for row in told:
        click.echo(json.dumps(row, ensure_ascii=False))


CAPTAIN = click.Group(
    "captain",
    help="Captains of departments in the PKs of campaigns.",
    commands=(name_captain, dismiss_captain, list_captains),
)
