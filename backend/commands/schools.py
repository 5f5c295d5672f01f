"""What operators enter about schools at a terminal: terms, classes, seats, distances and meters."""

from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from backend import clock, house, identity, partners, school
from backend.columns import aligned
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR
from backend.row_files import UnreadableFile
from backend.school import MeterImport

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _DryRun(Exception):
    """Everything was done, and is undone."""


@click.command("open")
@click.argument("code")
@click.argument("programme")
@click.option("--title", required=True)
@click.option("--smallest-class", type=click.IntRange(min=5), default=school.SMALLEST_CLASS, show_default=True)
@acting
def open_school(code: str, name: str, token: str, reason: str, **what: Any) -> None:
    """Enter a school; averages are told of classes with at least --smallest-class seats."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        school.open_school(tx, code, **what, now=clock.now())
        note(tx, by, "school.opened", f"school {code}", reason, after=what)
    click.echo(code)


@click.command("term")
@click.argument("code")
@click.argument("term")
@click.option("--from", "first", required=True, type=_DAY)
@click.option("--until", "last", required=True, type=_DAY)
@acting
def set_term(code: str, term: str, first: datetime, last: datetime, name: str, token: str, reason: str) -> None:
    """Enter a term of a school, both days included, or its new days."""
    if last < first:
        raise click.BadParameter("it ends before it begins", param_hint="--until")
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = school.set_term(tx, code, term, first.date(), last.date())
        after = {"first_day": first.date().isoformat(), "last_day": last.date().isoformat()}
        note(tx, by, "school.term_set", f"school {code} term {term}", reason, before=before, after=after)
    click.echo(f"{term} {first.date()} – {last.date()}")


@click.command("distance")
@click.argument("code")
@click.argument("mode", type=click.Choice(school.MODES))
@click.argument("metres", type=click.IntRange(100, 20_000))
@click.option("--since", required=True, type=_DAY)
@acting
def set_distance(code: str, mode: str, metres: int, since: datetime, name: str, token: str, reason: str) -> None:
    """Set how far a pupil of the school goes by a mode on average, one way."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = school.set_distance(tx, code, mode, metres, since=since.date())
        day = since.date().isoformat()
        stood, stands = {"distance_m": before}, {"distance_m": metres, "since": day}
        note(tx, by, "school.distance_set", f"school {code} {mode}", reason, before=stood, after=stands)
    click.echo(f"{mode} {metres} m")


@click.command("class")
@click.argument("code")
@click.argument("school_year", type=click.IntRange(2020, 2100))
@click.argument("grade", type=click.IntRange(1, 12))
@click.argument("number", type=click.IntRange(1, 99))
@click.argument("class_code")
@click.option("--continues", type=click.UUID, help="the account of the year before, which goes on")
@acting
def open_class(
    code: str,
    school_year: int,
    grade: int,
    number: int,
    class_code: str,
    continues: UUID | None,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Open a class of a school year; devices and imports call it CLASS_CODE. Prints its account."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        place = (school_year, grade, number, class_code)
        account = school.open_class(tx, house().vault, code, *place, continues=continues, now=clock.now())
        after = {"school_year": school_year, "grade": grade, "number": number, "class_code": class_code}
        before = None if continues is None else {"account": str(continues)}
        note(tx, by, "school.class_opened", f"school {code} class {account}", reason, before=before, after=after)
        programme = school.require_school(tx, code).programme
        index = identity.agreements.reference_index(house().vault, programme, class_code)
        partners.wake_references(tx, [(programme, index)], now=clock.now())
    click.echo(str(account))


@click.command("add-seats")
@click.argument("class_id", type=click.UUID)
@click.argument("count", type=click.IntRange(1, school.MOST_SEATS))
@click.option("--since", required=True, type=_DAY)
@acting
def add_seats(class_id: UUID, count: int, since: datetime, name: str, token: str, reason: str) -> None:
    """Add seats to a class; prints number and code of each, this once."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        made = school.add_seats(tx, house().vault, class_id, count, since=since.date())
        numbers: dict[str, object] = {"seats": [seat.number for seat in made], "since": since.date().isoformat()}
        note(tx, by, "school.seats_added", f"class {class_id}", reason, after=numbers)
    for seat in made:
        click.echo(f"{seat.number} {seat.code}")


@click.command("move-seat")
@click.argument("class_id", type=click.UUID)
@click.argument("number", type=int)
@click.option("--to", type=click.UUID, help="the class the pupil changes to; left out, they leave")
@click.option("--since", required=True, type=_DAY, help="the first day on which they are not in the class")
@acting
def move_seat(
    class_id: UUID, number: int, to: UUID | None, since: datetime, name: str, token: str, reason: str
) -> None:
    """Let the pupil of a seat leave the class, or change to another one."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        there = school.move_seat(tx, class_id, number, to, since=since.date())
        after = {"class": to and str(to), "seat": there, "since": since.date().isoformat()}
        note(
            tx, by, "school.seat_moved", f"class {class_id} seat {number}", reason, before={"seat": number}, after=after
        )
    click.echo(f"{to} {there}" if to else "已离班 left")


@click.command("renew-seat")
@click.argument("class_id", type=click.UUID)
@click.argument("number", type=int)
@acting
def renew_seat(class_id: UUID, number: int, name: str, token: str, reason: str) -> None:
    """Make another code for a seat; whoever claimed it before sees the class no more."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        made = school.renew_code(tx, house().vault, class_id, number, now=clock.now())
        note(tx, by, "school.seat_renewed", f"class {class_id} seat {number}", reason, after={"seat": number})
    click.echo(f"{made.number} {made.code}")


@click.command("classes")
@click.argument("code")
def list_classes(code: str) -> None:
    """The classes of a school with their seats of today and how many of them were claimed."""
    today = clock.today()
    with told_refusals(), house().reading() as tx:
        school.require_school(tx, code)
        found = school.classes_on(tx, today, school=code)
        seats = [school.seats_on(tx, view.id, [today])[today] for view in found]
        claimed = [school.count_claimed(tx, view.id) for view in found]
    rows: list[tuple[str, ...]] = [("account", "year", "grade", "number", "code", "seats", "claimed")]
    for view, count, ours in zip(found, seats, claimed, strict=True):
        place = (view.id, view.school_year, view.grade, view.number, view.code, count, ours)
        rows.append(tuple(str(value) for value in place))
    click.echo("\n".join(aligned(rows)))


@click.command("import-meters")
@click.argument("programme")
@click.argument("file", type=_FILE)
@click.option("--apply", "applied", is_flag=True, help="take it up; left out, only told what it would do")
@acting_sometimes
def import_meters(programme: str, file: Path, applied: bool, **by: str | None) -> None:
    """Import meter readings by month (CSV or XLSX): a dry run first, then with --apply."""
    try:
        if applied:
            _apply(programme, file, by)
            return
        with told_refusals(), house().sessions() as tx, tx.begin(), file.open("rb") as rows:
            _tell(school.import_meters(tx, house().vault, programme, rows, now=clock.now()))
            raise _DryRun
    except _DryRun:
        click.echo("试运行，未写入 dry run, nothing was stored; again with --apply")
    except UnreadableFile as error:
        raise click.ClickException(str(error)) from None


def _apply(programme: str, file: Path, by: dict[str, str | None]) -> None:
    name, token, reason = answering(**by)
    with deciding(name, token, ADMINISTRATOR) as (tx, operator), file.open("rb") as rows:
        done = school.import_meters(tx, house().vault, programme, rows, now=clock.now())
        after = {"readings": done.readings, "broken": len(done.broken), "settled": len(done.credits)}
        note(tx, operator, "school.meters_imported", f"programme {programme}", reason, after=after)
    _tell(done)


def _tell(done: MeterImport) -> None:
    for row in done.broken:
        click.echo(f"line {row.line}: {row.reason}", err=True)
    for credit in done.credits:
        facts = (credit.meter, credit.period, credit.class_code, credit.status, credit.code or "")
        click.echo(" ".join((*facts, f"{credit.reduction_g} g")))
    click.echo(f"{done.readings} readings, {len(done.credits)} changes, {len(done.broken)} broken lines")


SCHOOL = click.Group(
    "school",
    help="Schools: terms, classes, seats without names, distances, meters.",
    commands=(
        *(open_school, set_term, set_distance, open_class, add_seats, move_seat, renew_seat, list_classes),
        import_meters,
    ),
)
