"""Every command on one page: `flask --help` lists them."""

import json
import sys
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

import methodologies
from backend import (
    audit,
    clock,
    commands,
    database,
    house,
    jobs,
    ledger,
    points,
    releases,
    rewards,
    strict_json,
)
from backend.errors import Refusal

ledger_group = AppGroup("ledger", help="The books.")
audit_group = AppGroup("audit", help="Recompute what was issued.")
methodology_group = AppGroup("methodology", help="The methodologies library.")
database_group = AppGroup("database", help="The database schema.")
#: What operators do and say at a terminal stands in modules of its own.
OPERATORS = (
    commands.operators.OPERATOR,
    commands.approvals.APPROVAL,
    commands.reviews.ACTIVITY,
    commands.reviews.DEBT,
    commands.declarations.REVIEW,
    commands.points.POINTS,
    commands.members.MEMBER,
    commands.staff.STAFF,
    commands.agreements.AGREEMENT,
    commands.roster.ROSTER,
    commands.imports.IMPORT,
    commands.calendar.CALENDAR,
    commands.campaign_screens.SCREEN,
    commands.captains.CAPTAIN,
    commands.learning.LEARNING,
    commands.employer.EMPLOYER,
    commands.messages.MESSAGE,
    commands.names.NAMES,
    commands.partners.PARTNER,
    commands.redemptions.REDEMPTION,
    commands.forest.FOREST,
    commands.campaigns.CAMPAIGN,
    commands.steps.STEPS,
    commands.sync.SYNC,
    commands.rewards.REWARD,
    commands.schools.SCHOOL,
)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def register(app: Flask) -> None:
    """Add every command to the application."""
    from backend.sandbox import sandbox_group, send, simulate

    groups = (ledger_group, audit_group, methodology_group, database_group, sandbox_group)
    for group in (*groups, *OPERATORS):
        _add(app, group)
    for command in (send, simulate):
        commands.partners.PARTNER.add_command(command)
    methodology_group.add_command(commands.restatement.restate)
    app.cli.add_command(worker)


def _add(app: Flask, group: click.Group) -> None:
    """Add a group; the commands of one whose name is there already go into that: a group may come from two modules."""
    there = app.cli.commands.get(group.name or "")
    if isinstance(there, click.Group):
        there.commands.update(group.commands)
    else:
        app.cli.add_command(group)


def _commands(groups: Iterable[click.Group]) -> Iterator[click.Command]:
    """Every command of these groups and of the groups within."""
    for group in groups:
        for command in group.commands.values():
            yield from _commands([command]) if isinstance(command, click.Group) else [command]


for _command in (*_commands(OPERATORS), commands.restatement.restate):
    assert _command.callback is not None
    _command.callback = with_appcontext(_command.callback)


def _report(differences: Iterable[dict[str, object]], sound: str) -> None:
    """Print every difference as a JSON line; exit 1 when there was one."""
    count = 0
    for difference in differences:
        count += 1
        click.echo(json.dumps(difference, ensure_ascii=False, default=str))
    if count:
        click.echo(f"{count} differences", err=True)
        sys.exit(1)
    click.echo(sound)


@ledger_group.command("trial-balance")
def trial_balance() -> None:
    """Recompute every balance, lot and transaction hash; print the rows that differ and exit non-zero."""
    with house().reading(one_moment=True) as tx:
        found = (*ledger.differences(tx), *points.differences(tx), *rewards.differences(tx))
        _report(found, "the books balance")
        for name, total in sorted(ledger.system_balances(tx).items()):
            click.echo(f"{name:>20} {total:>20,}")


@audit_group.command("replay")
def replay() -> None:
    """Recompute every issued gram from stored inputs and recorded rows; print what differs and exit non-zero."""
    with house().reading(one_moment=True) as tx:
        result = audit.replay(tx)
    _report(result.differences, f"{result.activities} activities recomputed to the same gram")


@methodology_group.command("list")
def list_methodologies() -> None:
    """Code, titles and versions of every methodology."""
    for methodology in methodologies.library():
        versions = ", ".join(f"{v.version} from {v.in_force_from}" for v in methodology.versions)
        click.echo(f"{methodology.code:24} {methodology.title_zh} / {methodology.title_en} ({versions})")


@methodology_group.command("check")
def check_methodologies() -> None:
    """Check schema, units, sources, examples and the published lock; list rows past their review date."""
    findings = methodologies.check(clock.today())
    for finding in findings:
        click.echo(str(finding))
    if any(finding.level == "error" for finding in findings):
        sys.exit(1)
    click.echo("the library is sound")


@methodology_group.command("quantify")
@click.argument("code")
@click.option("--day", required=True, help="the activity's day, YYYY-MM-DD")
@click.option("--profile", default="CN-DEFAULT", show_default=True)
@click.option("--grade", default="E3", show_default=True, type=click.Choice(["E1", "E2", "E3"]))
@click.option("--data", required=True, help='formula inputs as JSON, e.g. {"distance_km": "12.4"}')
def quantify(code: str, day: str, profile: str, grade: str, data: str) -> None:
    """Quantify one act and print the whole trail as JSON. Needs no database."""
    try:
        inputs = {name: _input(value) for name, value in strict_json.loads_object(data.encode()).items()}
        done = methodologies.quantify(code, inputs, _calendar_day(day), profile, grade)
    except (Refusal, methodologies.MethodologyError, ValueError) as error:
        refused = {"error": getattr(error, "code", "INVALID_INPUT"), "message": str(error)}
        click.echo(json.dumps(refused, ensure_ascii=False, indent=2))
        sys.exit(1)
    click.echo(json.dumps(done.trail(), ensure_ascii=False, indent=2))


def _calendar_day(text: str) -> date:
    """A day written YYYY-MM-DD; INVALID_DAY for the 30th of February and for every other spelling."""
    try:
        day = date.fromisoformat(text)
        if day.isoformat() == text:
            return day
    except ValueError:
        pass
    raise methodologies.MethodologyError("INVALID_DAY", f"{text} 不是日历日", f"{text} is not a calendar day")


@methodology_group.command("diff")
@click.option("--against", "reference", help="tag, branch or commit [default: the newest release tag, else HEAD]")
@click.option("--against-directory", "published", type=_FOLDER, help="a copy of the published library instead")
@click.option("--directory", "proposed", type=_FOLDER, default=methodologies.ROOT, help="the library to review")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="first day of the personas' year")
@click.option("--format", "style", default="table", show_default=True, type=click.Choice(["table", "markdown", "json"]))
def diff_methodologies(
    reference: str | None, published: Path | None, proposed: Path, day: datetime | None, style: str
) -> None:
    """What the tree changes against what is published and what that means for twelve personas; exits with 2 when
    the two cannot be compared."""
    if reference and published:
        raise click.UsageError("either --against or --against-directory")
    try:
        with TemporaryDirectory() as folder:
            against = str(published)
            if published is None:
                reference = reference or releases.newest_release(proposed)
                against = f"{reference} {releases.export(proposed, reference, Path(folder))}"
            first = day.date() if day else None
            comparison = methodologies.compare(published or Path(folder), proposed, first)
    except (releases.NoHistory, methodologies.DocumentError) as error:
        words = getattr(error, "message_en", str(error)).replace(folder, against)
        click.echo(f"无法比较 cannot compare: {words}", err=True)
        sys.exit(2)
    if style == "json":
        click.echo(json.dumps({"against": against, **comparison.as_json()}, ensure_ascii=False, indent=2))
    else:
        click.echo(methodologies.review_text(comparison, against, as_markdown=style == "markdown"))


def _input(value: object) -> object:
    """Numbers reach a formula as whole numbers or decimal texts."""
    return format(value, "f") if isinstance(value, Decimal) else value


@database_group.command("migrate")
def migrate() -> None:
    """Bring the database to the newest schema."""
    database.migrate(house().settings.database_url)
    click.echo("the database has the newest schema")


@click.command("worker")
def worker() -> None:
    """Settle events, deliver notices and run the schedule until stopped."""
    stop = jobs.Stop()
    stop.listen()
    jobs.work(house().sessions, house().vault, stop, house().settings)
