"""What operators do at a terminal when a campaign is over: its report (a command of `flask campaign`)."""

from pathlib import Path

import click

from backend import campaigns, clock, house
from backend.commands.operators import told_refusals


@click.command("report")
@click.argument("campaign")
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="the folder to write into")
def report(campaign: str, out: Path) -> None:
    """Write the report of a campaign into a folder: a page, a table and plots, of groups of five people at least."""
    now = clock.now()
    with told_refusals(), house().reading(one_moment=True) as tx:
        said = campaigns.report.report(tx, campaigns.campaign(tx, campaign, now=now), now=now)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in campaigns.report.files(said).items():
        (out / name).write_bytes(content)
        click.echo(str(out / name))
