"""Who speaks for a department in the PKs of a campaign, named at a terminal."""

import json

import click

from backend import campaigns, clock, house
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR


@click.command("captain")
@click.argument("code")
@click.argument("department")
@click.argument("staff_no", required=False)
@click.option("--end", is_flag=True, help="nobody speaks for the department any more")
@acting
def captain(code: str, department: str, staff_no: str | None, end: bool, name: str, token: str, reason: str) -> None:
    """Name the employee who speaks for a department in PKs, by staff number, in the place of whoever did."""
    if end == (staff_no is not None):
        raise click.UsageError("either STAFF_NO or --end")
    now, subject = clock.now(), f"campaign {code} {department}"
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        campaign = campaigns.campaign(tx, code, now=now, drafts=True)
        if staff_no is None:
            before = campaigns.challenges.dismiss_captain(tx, campaign, department)
            note(tx, by, "campaign.captain_dismissed", subject, reason, before={"captain": str(before)})
        else:
            said = campaigns.challenges.name_captain(tx, house().vault, campaign, department, staff_no, now=now)
            was, is_now = said["before"], said["captain"]
            note(tx, by, "campaign.captain_named", subject, reason, before={"captain": was}, after={"captain": is_now})
    click.echo(f"{department} 已更新 changed")


@click.command("captains")
@click.argument("code")
def list_captains(code: str) -> None:
    """Who speaks for which department, a JSON line each."""
    with told_refusals(), house().reading() as tx:
        campaign = campaigns.campaign(tx, code, now=clock.now(), drafts=True)
        for row in campaigns.challenges.captains(tx, campaign.code):
            click.echo(json.dumps(row, ensure_ascii=False))


COMMANDS = (captain, list_captains)
