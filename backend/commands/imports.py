"""What operators bring in as files at a terminal: journeys of a travel system, boarding lists of a shuttle."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import click

from backend import activities, house, identity, imports
from backend.columns import aligned
from backend.commands.files import bar, count_lines, digest, told_unreadable
from backend.commands.operators import acting_sometimes, answering, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_STATUSES = {
    "new": "新增",
    "changed": "更正",
    "unchanged": "无变化",
    "cancelled": "取消",
    "parked": "待关联或待协议",
    "outdone": "让位",
    "superseded": "已有更新版本",
    "refused": "拒绝",
    "broken": "无效行",
}


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        acting_sometimes,
        click.option("--apply", "applied", is_flag=True, help="credit it; without this all is tried and undone"),
        click.argument("path", metavar="FILE", type=_FILE),
        click.argument("programme"),
    ):
        command = option(command)
    return command


@click.command("travel")
@_options
def travel(programme: str, path: Path, **how: Any) -> None:
    """Journeys by high-speed train from a travel system 低碳差旅 (CSV or XLSX), tried first; --apply credits them.

    Columns: staff_no 工号, trip_id 行程编号, departed_at 出发时间, arrived_at 到达时间, rail_km 铁路里程, air_km 航程,
    cancelled 取消 (optional); from 出发地 and to 目的地 may be there and are not kept. Exits with 1 when lines are
    broken; the others are settled.
    """
    with path.open("rb") as file:
        _import(programme, imports.TRAVEL, file, **how)


@click.command("boarding")
@_options
def boarding(programme: str, path: Path, **how: Any) -> None:
    """Who rode the shuttle 班车乘车名单 (CSV or XLSX), each trip whole; tried first, --apply credits it.

    Columns: staff_no 工号, trip_id 班次编号, boarded_at 上车时间, alighted_at 下车时间, distance_km 里程,
    cancelled 取消 (optional); route 线路 may be there and is not kept. Riders are counted from the list.
    """
    with path.open("rb") as file:
        _import(programme, imports.BOARDING, file, **how)


def _import(programme: str, kind: imports.Kind, file: BinaryIO, applied: bool, **by: str | None) -> None:
    with told_refusals(), told_unreadable():
        who = answering(**by) if applied else None
        with house().reading() as tx:
            identity.require_programme(tx, programme)
        sha256 = digest(file)
        import_ = imports.Import(house().sessions, house().vault, programme, kind, file, sha256)
        facts: dict[str, object] = {"sha256": sha256}
        if who is not None:
            _noted(who, f"{kind.name}.import_begun", programme, facts)
        found = _go_through(import_, count_lines(file), applied)
        if who is not None:
            _noted(who, f"{kind.name}.imported", programme, facts | dict(found))
    click.echo("\n".join(aligned([(f"{_STATUSES[name]} {name}", str(found[name])) for name in _STATUSES], right=[1])))
    click.echo("已应用 applied" if applied else "试算，未写入 tried, nothing was written: --apply")
    if found["broken"]:
        raise SystemExit(1)


def _go_through(import_: imports.Import, lines: int, applied: bool) -> Counter[str]:
    found: Counter[str] = Counter()
    with bar("导入 import", lines) as show:
        for told in import_.run(show, applied=applied):
            found[told.status] += 1
            if told.problem or told.code:
                click.echo(f"第 {told.line} 行 line {told.line}: {_said(told)}", err=True)
    return found


def _said(told: imports.Told) -> str:
    sentence = activities.sentence(told.code)
    why = f"{told.code} {sentence['zh']} {sentence['en']}" if sentence else told.problem
    return f"{told.status}: {why}"


def _noted(who: tuple[str, str, str], action: str, programme: str, facts: dict[str, object]) -> None:
    name, token, reason = who
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        note(tx, by, action, programme, reason, after=facts)


IMPORT = click.Group(
    "import",
    help="Files of travel systems and boarding lists: tried first and then applied.",
    commands=(travel, boarding),
)
