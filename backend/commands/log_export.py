"""`flask operator export` and `verify`: the operator log as a file, and whether a file is what was written then."""

import csv
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import click

from backend import clock, house, identity, operator_log, strict_json
from backend.csv_cells import csv_line, plain_cell
from backend.operator_log import BEGINNING
from backend.progress import Progress

#: `previous` and `hash` are the hashes of the row before and of the row; `operator` is a name, for people.
COLUMNS = (
    *("sequence", "at", "operator_id", "operator", "action", "subject", "reason", "before", "after"),
    *("previous", "hash"),
)
_HASHED = ("at", "action", "subject", "reason")
#: NULL in the database, and an empty cell in a CSV file.
_NULLABLE = ("operator_id", "before", "after")
_PAGE = 1_000
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("export")
@click.option("--format", "style", default="jsonl", show_default=True, type=click.Choice(["jsonl", "csv"]))
@click.option("--after", default=0, help="begin behind this number", type=click.IntRange(0))
@click.option("--since", type=_DAY, help="begin with the first row of this day in China, YYYY-MM-DD")
@click.option("--until", type=_DAY, help="end with the last row of this day in China")
@click.option("--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="default: printed")
def export(style: str, after: int, since: datetime | None, until: datetime | None, output: Path | None) -> None:
    """The operator log with its chain of hashes, oldest first, each row once; `flask operator verify` checks it."""
    begin = clock.start_of(since.date()) if since else None
    end = clock.start_of_day_after(until.date(), 1) if until else None
    with house().reading() as tx:
        first, last = operator_log.span(tx, after=after, since=begin, until=end)
    if output is None:
        _write(sys.stdout, style, first, last)
        return
    with output.open("w", encoding="utf-8", newline="") as file:
        _write(file, style, first, last)


def _write(file: TextIO, style: str, first: int, last: int) -> None:
    """The rows from number `first` to number `last`, a page at a time: what is written never changes."""
    progress = Progress("导出 export", max(0, last - first + 1), sys.stderr)
    if style == "csv":
        file.write(csv_line(COLUMNS))
    done = first - 1
    while done < last:
        for row in _page(done, min(_PAGE, last - done)):
            if style == "csv":
                file.write(csv_line("" if row[name] is None else str(row[name]) for name in COLUMNS))
            else:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
            done = row["sequence"]
        progress.show(done - first + 1)
    progress.end()


def _page(after: int, limit: int) -> list[dict[str, Any]]:
    with house().reading() as tx:
        before = operator_log.read(tx, after=after - 1, limit=1)[0].hash if after else BEGINNING
        rows = operator_log.read(tx, after=after, limit=limit)
        names = identity.operator_names(tx, [row.operator_id for row in rows if row.operator_id])
    told = []
    for row in rows:
        said = {**operator_log.stated(row), "operator": names.get(row.operator_id) if row.operator_id else None}
        said |= {"previous": before.hex(), "hash": row.hash.hex()}
        told.append({name: said[name] for name in COLUMNS})
        before = row.hash
    return told


@click.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--hash", "known", help="the hash the last row has to have, noted elsewhere")
def verify(file: Path, known: str | None) -> None:
    """Check an export, JSON lines or CSV, without the database: every hash, and that no row between is missing.

    Exits with 1 at the first row that is not as it was written.
    """
    count, last, expected = 0, BEGINNING.hex(), 0
    try:
        for row in _rows(file):
            number = int(row["sequence"])
            said = {name: row[name] for name in _HASHED} | {name: row[name] or None for name in _NULLABLE}
            text = strict_json.canonical({**said, "sequence": number})
            fits = operator_log.chained(bytes.fromhex(row["previous"]), text).hex() == row["hash"]
            follows = (number, row["previous"]) == (expected, last) if count else _begins(number, row["previous"])
            if not (fits and follows):
                _fail(f"第 {number} 条不符 row {number} is not as it was written, or does not follow")
            count, last, expected = count + 1, row["hash"], number + 1
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        _fail(f"无法读取 this is no export of an operator log: {error!r}")
    if known is not None and known != last:
        _fail(f"末条哈希不符 the last hash is {last}")
    click.echo(f"{count} 条相符 rows hold, the last is {expected - 1 if count else 0} with hash {last}")


def _begins(number: int, previous: str) -> bool:
    """Whether a file may begin so: anywhere, but the first row of all follows nothing."""
    return number > 1 or (number, previous) == (1, BEGINNING.hex())


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        if lines.read(1) == "{":
            lines.seek(0)
            yield from (json.loads(line) for line in lines if line.strip())
            return
        lines.seek(0)
        for cells in csv.DictReader(lines):
            yield {name: plain_cell(cells[name]) for name in COLUMNS}


def _fail(words: str) -> None:
    click.echo(words, err=True)
    sys.exit(1)
