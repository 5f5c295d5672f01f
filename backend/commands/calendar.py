"""Working days and school days at a terminal, and on which of them a programme's commutes count."""

import hashlib
import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from backend import calendar_days, clock, house, identity, settlement
from backend.calendar_days import COUNTRY, Plan
from backend.columns import aligned
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR, FINANCE
from backend.row_files import UnreadableFile

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_CALENDAR = click.option(
    "--calendar", default=COUNTRY, show_default=True, help="the country's, or a programme's own by its code"
)
#: Days shown at once: two years and a bit.
MOST_SHOWN = 800


@click.command("import")
@click.argument("file", type=_FILE)
@_CALENDAR
@click.option("--apply", "applied", is_flag=True, help="enter the days; without it they are only shown")
@acting_sometimes
def import_days(file: Path, calendar: str, applied: bool, **by: str | None) -> None:
    """Enter days from a CSV or XLSX file: day, kind, source, and if wanted title and status.

    Prints what would change. Rows that cannot be are told by their line, exit with 1, and do not keep the others back.
    """
    content = file.read_bytes()
    try:
        if applied:
            planned = _apply(file, calendar, content, *answering(**by))
        else:
            with told_refusals(), house().reading() as tx:
                if calendar != COUNTRY:
                    identity.require_programme(tx, calendar)
                with file.open("rb") as opened:
                    planned = calendar_days.plan(tx, calendar, opened, today=clock.today())
    except UnreadableFile as fault:
        raise click.ClickException(str(fault)) from None
    _tell(planned, applied)


def _apply(file: Path, calendar: str, content: bytes, name: str, token: str, reason: str) -> Plan:
    with deciding(name, token, ADMINISTRATOR) as (tx, by), file.open("rb") as opened:
        if calendar != COUNTRY:
            identity.require_programme(tx, calendar)
        now = clock.now()
        planned = calendar_days.plan(tx, calendar, opened, today=clock.day_of(now))
        calendar_days.apply(tx, planned, now=now)
        days = {day.day.isoformat(): f"{day.kind} {day.status}" for day in planned.changes}
        after = {"days": days, "refused": len(planned.refused), "sha256": hashlib.sha256(content).hexdigest()}
        note(tx, by, "calendar.imported", f"calendar {calendar}", reason, after=after)
    return planned


def _tell(planned: Plan, applied: bool) -> None:
    for day in sorted(planned.changes, key=lambda item: item.day):
        click.echo(json.dumps(asdict(day), default=str, ensure_ascii=False))
    for row in planned.refused:
        click.echo(f"第 {row.line} 行 line {row.line}: {row.reason}", err=True)
    done = "已录入 entered" if applied else "将录入，加 --apply 生效 would be entered, with --apply"
    numbers = f"{len(planned.changes)} {done}; {planned.unchanged} 未变 unchanged; {len(planned.refused)} 拒绝 refused"
    click.echo(numbers, err=True)
    if planned.refused:
        sys.exit(1)


@click.command("show")
@_CALENDAR
@click.option("--from", "first", type=_DAY, help="the first day [default: today]")
@click.option("--to", "last", type=_DAY, help="the last day [default: a month on]")
def show(calendar: str, first: datetime | None, last: datetime | None) -> None:
    """Every day as it stands: what it is, whether it counts, whether that is announced, and who says so."""
    begins = first.date() if first else clock.today()
    ends = last.date() if last else clock.day_of(clock.start_of_day_after(begins, 30))
    if not 0 <= (ends - begins).days < MOST_SHOWN:
        raise click.UsageError(f"from one day to a later one, at most {MOST_SHOWN} days")
    with told_refusals(), house().reading() as tx:
        if calendar != COUNTRY:
            identity.require_programme(tx, calendar)
        found = calendar_days.days(tx, calendar, begins, ends)
    rows = [
        (f"{day.day} {day.day:%a}", "✓" if day.counts else "–", day.kind, day.status, day.title, day.source)
        for day in found
    ]
    click.echo("\n".join(aligned(rows)))


@click.command("propose")
@click.argument("programme")
@click.option("--days", required=True, type=click.Choice([settlement.EVERY_DAY, settlement.WORKING_DAYS]))
@click.option("--from", "begins", required=True, type=_DAY, help="the first day; behind the day of the decision")
@acting
def propose_commute(programme: str, days: str, begins: datetime, name: str, token: str, reason: str) -> None:
    """Ask for commutes to count on working days only (at a school: school days), or on every day."""
    with deciding(name, token, FINANCE) as (tx, by):
        asked: UUID = settlement.request_commute_terms(
            tx,
            programme=programme,
            commute_days=days,
            in_force_from=begins.date(),
            operator=by,
            reason=reason,
            now=clock.now(),
        )
    click.echo(str(asked))


@click.command("list")
def list_commute() -> None:
    """Every version of every programme's terms, a JSON line each; without any, every day counts."""
    with house().reading() as tx:
        found = settlement.commute_terms(tx)
    for item in found:
        click.echo(json.dumps(asdict(item), default=str))


COMMUTE = click.Group(
    "commute", help="On which days a programme's commutes count.", commands=(propose_commute, list_commute)
)
CALENDAR = click.Group("calendar", help="Working days and school days.", commands=(import_days, show, COMMUTE))
