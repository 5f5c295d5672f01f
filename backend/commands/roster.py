"""What operators do about the rosters of employers at a terminal."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import click

from backend import clock, house, operator_log
from backend.columns import aligned
from backend.commands.files import bar, count_lines, digest, told_unreadable
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR, roster

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])
_KINDS = {
    "new": "新增",
    "changed": "信息变更",
    "moved": "调动",
    "left": "离职",
    "reappeared": "恢复",
    "unchanged": "无变化",
}


def _import_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--as-of", type=_DAY, help="the day the list is of; today where it is left out"),
        click.option("--apply", "applied", is_flag=True, help="apply it; without this nothing is written"),
        click.option("--yes-many", type=click.IntRange(0), help="so many leave, and that is right"),
        acting_sometimes,
    ):
        command = option(command)
    return command


@click.command("import")
@click.argument("programme")
@click.argument("path", metavar="FILE", type=_FILE)
@_import_options
def import_list(programme: str, path: Path, **how: Any) -> None:
    """Compare a complete list of the staff (CSV or XLSX) with what stands; --apply brings the roster up to it.

    Columns: staff_no 工号, name 姓名 (optional), department 部门 (总部/研发/一组), joined 入职日期, left 离职日期 (the
    last day, optional), department_since 调入日期 (optional). Who is not on the list has left the day before it. Exits
    with 1 when lines are wrong; the others are applied.
    """
    with path.open("rb") as file:
        _import(programme, file, **how)


@click.command("pull")
@click.argument("programme")
@_import_options
def pull(programme: str, **how: Any) -> None:
    """Fetch the list from the employer's system now and compare it; --apply brings the roster up to it."""
    with TemporaryFile() as file:
        with told_refusals():
            hosts = house().settings.sandbox_hosts
            roster.fetch(house().sessions, house().vault, programme, file, allowed_hosts=hosts)
        _import(programme, file, **how)


def _import(
    programme: str, file: BinaryIO, as_of: datetime | None, applied: bool, yes_many: int | None, **by: str | None
) -> None:
    with told_refusals(), told_unreadable():
        day = roster.as_of_day(as_of.date() if as_of else None, clock.now())
        who = answering(**by) if applied else None
        import_ = roster.Import(house().sessions, house().vault, programme, file, as_of=day)
        lines = count_lines(file)
        with bar("比对 compare", lines) as show:
            found = import_.survey(show)
        _tell(found)
        if who is not None:
            _apply(programme, file, import_, found, yes_many, lines, who)
        elif found.too_many:
            click.echo(f"离职 {found.leaving} 人，应用时须注明 applying it needs --yes-many {found.leaving}", err=True)
    if found.wrong_count:
        sys.exit(1)


def _apply(
    programme: str,
    file: BinaryIO,
    import_: roster.Import,
    found: roster.Survey,
    yes_many: int | None,
    lines: int,
    who: tuple[str, str, str],
) -> None:
    name, token, reason = who
    facts: dict[str, object] = {"as_of": found.as_of, "sha256": digest(file), **_facts(found)}
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        import_.begin(tx, found, yes_many=yes_many)
        note(tx, by, "roster.import_begun", programme, reason, after=facts)
    with bar("导入 import", lines) as show:
        done = import_.apply(show)
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        import_.end(tx)
        note(tx, by, "roster.imported", programme, reason, after={"as_of": found.as_of, **_facts(done)})
    click.echo("已应用 applied")


def _facts(found: roster.Survey) -> dict[str, object]:
    return {**{kind: found.counts[kind] for kind in roster.KINDS}, "wrong_lines": found.wrong_count}


def _tell(found: roster.Survey) -> None:
    rows = [(f"{_KINDS[kind]} {kind}", str(found.counts[kind])) for kind in roster.KINDS]
    rows.append(("无效行 wrong lines", str(found.wrong_count)))
    if found.withheld:
        rows.append(("缺工号行未定，暂不离职 missing, kept", str(found.withheld)))
    click.echo("\n".join(aligned(rows, right=[1])))
    for wrong in found.wrong:
        click.echo(f"第 {wrong.line} 行 line {wrong.line}: {wrong.reason}", err=True)


@click.command("source")
@click.argument("programme")
@click.option("--url", help="https address that answers with the whole list; left out: it is pulled no more")
@click.option("--token-file", type=_FILE, help="holds the bearer token the address wants")
@acting
def source(programme: str, url: str | None, token_file: Path | None, name: str, token: str, reason: str) -> None:
    """Where the list is fetched from once a day; it is applied unless too many would leave by it."""
    bearer = token_file.read_text("utf-8").strip() if token_file else None
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        hosts = house().settings.sandbox_hosts
        before = roster.set_source(tx, house().vault, programme, url=url, token=bearer, allowed_hosts=hosts)
        shown = {"pull_url": operator_log.shown_url(before)}, {"pull_url": operator_log.shown_url(url)}
        note(tx, by, "roster.source_set", programme, reason, before=shown[0], after=shown[1])


@click.command("sources")
def sources() -> None:
    """Where lists are pulled from, when they were last, and what came of it."""
    with house().reading() as tx:
        found = roster.pulls(tx)
    for programme, url, at, outcome in found:
        click.echo(f"{programme}  {operator_log.shown_url(url)}  {clock.iso(at) if at else '-'}  {outcome or '-'}")


@click.command("terms")
@click.argument("programme")
@click.option("--from", "first", required=True, type=_DAY, help="for whom this day or a later one is the last")
@click.option(
    "--keeps-days", required=True, type=click.IntRange(0, 3650), help="how long points may be redeemed after it"
)
@acting
def terms(programme: str, first: datetime, keeps_days: int, name: str, token: str, reason: str) -> None:
    """Say for how long leavers may redeem their points; what is left then lapses."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        days = {"in_force_from": first.date(), "leaver_keeps_days": keeps_days}
        roster.set_terms(tx, programme, in_force_from=first.date(), leaver_keeps_days=keeps_days, now=clock.now())
        note(tx, by, "roster.terms_set", programme, reason, after=days)


ROSTER = click.Group(
    "roster",
    help="Who is employed: lists of the staff, compared first and then applied.",
    commands=(import_list, pull, source, sources, terms),
)
