"""A day of a million rows reconciled in a process of its own: rows per second, and the memory it took at most.

Our side holds as many events with their acts, postings and lots; a thousand differences of every kind are planted, and
the run is wrong unless exactly these are found. The reference takes the same file in with COPY and joins it with the
order lines and acts in one statement: what somebody would write who compares two columns and keeps nothing.
"""

import json
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import psycopg

from backend import build_house, clock
from backend.partners import reconciliation
from backend.progress import Progress as Bar
from backend.settings import Settings
from bench import planted
from bench.events import populated_house
from bench.report import Progress, seconds
from bench.server import Databases

ROWS, PLANTED, LIMIT_MIB, SEED = 1_000_000, 1_000, 300, 20260605
_REFERENCE = (
    "CREATE TABLE listed (event_id text, order_no text, line text, type text, revision text, status text, "
    "occurred_at text, reduction_g text, points text, quantity text, weight_kg text)",
    "SELECT count(*) FROM listed AS l FULL JOIN order_lines AS o ON o.order_no = l.order_no AND o.line = l.line "
    "LEFT JOIN activities AS a ON a.holder_id = o.holder_id AND a.id = o.activity_id "
    "WHERE o.order_no IS NULL OR l.order_no IS NULL OR (l.status = 'completed') <> (coalesce(a.status, '') = 'issued') "
    "OR l.reduction_g <> a.reduction_g::text",
)


def run(databases: Databases) -> None:
    """Measure and report."""
    progress = Progress("reconciliation", 4)
    progress.step(f"our side of {ROWS} events")
    databases.make("reconciliation")
    house = populated_house(databases.url("reconciliation"), 1)
    day, hows = clock.today() - timedelta(days=1), planted.choose(ROWS, PLANTED, seed=SEED)
    with house.transaction() as tx:
        planted.write_ours(tx, day, ROWS, hows)
    house.sessions.kw["bind"].dispose()
    with tempfile.TemporaryDirectory() as folder, psycopg.connect(databases.conninfo("reconciliation")) as connection:
        path = Path(folder, "list.csv")
        progress.step("their list")
        planted.write_list(path, day, ROWS, hows)
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE")
        progress.step("the reference")
        theirs = seconds(lambda: _reference(connection, path))
        progress.step("ours")
        with get_context("spawn").Pool(1) as pool:  # its memory is its own
            ours = pool.apply(_reconcile, (databases.url("reconciliation"), str(path), day))
    named = Counter(tuple(item) for item in ours.pop("found"))
    line = {"name": "reconciliation", "ours": round(ROWS / ours["seconds"], 1), "reference": round(ROWS / theirs, 1)}
    line |= {"ratio": round(theirs / ours["seconds"], 3), "unit": "rows/s", "rows": ROWS, "planted": PLANTED}
    line |= {"found": named.total(), "exactly_these": named == planted.expected(hows), "limit_mib": LIMIT_MIB}
    print(json.dumps(line | ours), flush=True)


def _reference(connection: psycopg.Connection[Any], path: Path) -> None:
    connection.execute(_REFERENCE[0])
    width = planted.HEADER.count(",")  # COPY takes no rows with too few cells: the reference leaves them out
    with (
        path.open(encoding="utf-8") as file,
        connection.cursor() as cursor,
        cursor.copy("COPY listed FROM STDIN (FORMAT csv, HEADER)") as copy,
    ):
        for row in file:
            if row.count(",") == width:
                copy.write(row)
    connection.execute("ANALYZE listed")
    connection.execute(_REFERENCE[1])


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    bar = Bar(name, total, sys.stderr)
    yield bar.show
    bar.end()


def _reconcile(database_url: str, path: str, day: date) -> dict[str, Any]:
    """The whole comparison, in a process that does nothing else."""
    house = build_house(Settings.for_tests(database_url=database_url))
    # A process begins with the peak of the one that made it, which therefore holds nothing large either.
    before_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    with open(path, "rb") as file:
        took = seconds(lambda: reconciliation.reconcile(house.sessions, planted.PARTNER, day, file=file, bars=_bar))
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_024
    with house.transaction() as tx:
        found = [
            (item.kind, item.order_no or item.event_id or "")
            for item in reconciliation.differences_of(tx, planted.PARTNER, day)
        ]
    return {
        "seconds": round(took, 1),
        "cpu_seconds": round(process_time(), 1),
        "start_rss_mib": before_mib,
        "peak_rss_mib": peak_mib,
        "found": found,
    }
