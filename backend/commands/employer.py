"""What operators do at a terminal for employers who report their emissions."""

from datetime import datetime
from pathlib import Path

import click

from backend import clock, employer, house
from backend.commands.operators import acting, deciding, told_refusals
from backend.identity import ADMINISTRATOR

_MONTH = click.option("--month", required=True, type=click.DateTime(["%Y-%m"]), help="such as 2026-06")


@click.command("release")
@click.argument("programme")
@_MONTH
@acting
def release(programme: str, month: datetime, name: str, token: str, reason: str) -> None:
    """Work out the figures of a month and write them down, once; fifteen days after its end at the earliest."""
    floor = house().settings.employer_group_floor
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        employer.release(tx, programme, month.date(), floor=floor, operator=by, reason=reason, now=clock.now())
    click.echo(f"已发布 released: flask employer report {programme} --month {month:%Y-%m}")


@click.command("report")
@click.argument("programme")
@_MONTH
@click.option("--format", "kind", type=click.Choice(["xlsx", "csv"]), default="xlsx", show_default=True)
@click.option("--factors", is_flag=True, help="with csv: the factors behind the figures")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="where to; else the current folder")
def report(programme: str, month: datetime, kind: str, factors: bool, out: Path | None) -> None:
    """Write the released report of a month into a file: the same report, the same bytes."""
    with told_refusals(), house().reading() as tx:
        found = employer.report(tx, programme, month.date())
    path = out or Path(f"{programme}-{month:%Y-%m}{'-factors' if factors else ''}.{kind}")
    path.write_bytes(employer.csv_file(found, factors=factors) if kind == "csv" else employer.workbook(found))
    click.echo(str(path))


EMPLOYER = click.Group(
    "employer",
    help="Scope 3 figures for employers: groups only, released once a month.",
    commands=(release, report),
)
