"""What operators do about scores of campaigns: make them again from the acts, and compare them with a clean count."""

import json
import sys
from dataclasses import asdict

import click

from backend import campaigns, clock, house
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR
from backend.progress import Progress

#: Differences that are told one by one; all of them are counted.
TOLD = 100


@click.command("rebuild")
@click.argument("code")
@acting
def rebuild(code: str, name: str, token: str, reason: str) -> None:
    """Make the scores of a campaign again from the acts: days, weeks, the whole, groups and ranks.

    Boards are read and news is followed meanwhile. What was ended half-way may be begun again.
    """
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        campaign = campaigns.scoring.counted_campaign(tx, code, now=clock.now())
        total = campaigns.scoring.count_participants(tx, campaign)
        note(tx, by, "campaign.rebuilt", f"campaign {code}", reason, after={"participants": total})
    found, progress, wrong = house(), Progress("重算 rebuild", total, sys.stderr), 0
    boards = campaigns.boards.accelerator(found.settings.redis_url, found.sessions)
    with told_refusals():
        for done, changed in campaigns.scoring.rebuild(found.sessions, code):
            progress.show(done)
            wrong += changed
    progress.end()
    campaigns.boards.forget(boards, code)  # they are filled again by the worker
    click.echo(f"{code} 已重算 rebuilt: {total} 名参与者 participants, {wrong} 项更正 scores corrected")


@click.command("compare")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="answer with JSON")
def compare(code: str, as_json: bool) -> None:
    """Compare the scores of a campaign with a clean count of its acts; exits with 1 when something differs.

    Participants of whom something was announced that is not followed yet are left out.
    """
    found, looked_at = list[campaigns.scoring.Difference](), 0
    with told_refusals():
        with house().reading() as tx:
            campaign = campaigns.scoring.counted_campaign(tx, code, now=clock.now())
            total = campaigns.scoring.count_participants(tx, campaign)
        progress = Progress("核对 compare", total, sys.stderr)
        for looked_at, differences in campaigns.scoring.compare(house().reading, code):
            progress.show(looked_at)
            found += differences
        progress.end()
    told = [asdict(item) for item in found[:TOLD]]
    if as_json:
        click.echo(json.dumps({"participants": looked_at, "differences": len(found), "first": told}))
    else:
        rows = [[str(value) for value in item.values()] for item in told]
        for line in aligned([list(told[0]), *rows]) if told else ():
            click.echo(line)
        click.echo(f"{looked_at} 名参与者 participants, {len(found)} 项不符 differences")
    sys.exit(1 if found else 0)


COMMANDS = (rebuild, compare)
