"""What operators decide about steps at a terminal."""

from datetime import datetime
from uuid import UUID

import click

from backend import clock, house, steps
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note
from backend.identity import ADMINISTRATOR, REVIEWER

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("withheld")
def withheld() -> None:
    """Days of steps that wait for a reviewer, the oldest first."""
    with house().reading() as tx:
        found = steps.waiting_for_review(tx)
    rows = [("holder", "day", "steps", "counted", "why")]
    rows += [(str(row.holder_id), str(row.day), str(row.steps), str(row.counted), row.flag or "") for row in found]
    click.echo("\n".join(aligned(rows)))


@click.command("review")
@click.argument("holder_id", type=click.UUID)
@click.argument("day", type=_DAY)
@click.option("--release/--refuse", "released", required=True, help="let it count as far as a day can, or leave it")
@acting
def review(holder_id: UUID, day: datetime, released: bool, name: str, token: str, reason: str) -> None:
    """Decide about a day that is withheld."""
    with deciding(name, token, REVIEWER) as (tx, by):
        before = steps.review(tx, holder_id, day.date(), released=released, now=clock.now())
        done = "steps.released" if released else "steps.refused"
        after = {"review": "released" if released else "refused"}
        note(tx, by, done, f"steps of {holder_id} on {day.date()}", reason, before=before, after=after)
    click.echo("已放行 released" if released else "已拒绝 refused")


@click.command("platform")
@click.argument("code")
@click.option("--programme", required=True)
@click.option("--url", required=True, help="with {day} where the day stands")
@click.option(
    "--platform-token", envvar="STEP_PLATFORM_TOKEN", prompt=True, hide_input=True, help="or STEP_PLATFORM_TOKEN"
)
@acting
def platform(code: str, programme: str, url: str, platform_token: str, name: str, token: str, reason: str) -> None:
    """Set up a sports platform of staff, or where it is asked; the agreement names it `house:sports-CODE`."""
    hosts = house().settings.sandbox_hosts
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        how = {"programme": programme, "url": url, "token": platform_token}
        steps.set_platform(tx, house().vault, code, **how, allowed_hosts=hosts)
        note(tx, by, "steps.platform_set", f"step platform {code}", reason, after={"programme": programme, "url": url})
    click.echo(f"{steps.source_of(code)} 已设立 set up")


STEPS = click.Group(
    "steps", help="Steps of members that do not count by themselves.", commands=(withheld, review, platform)
)
