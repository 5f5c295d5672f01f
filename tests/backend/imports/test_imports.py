"""Files of a travel system and boarding lists: tried, applied, repeated, corrected and cancelled at a terminal."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text

from backend import clock, identity, imports, ledger
from backend.identity.agreements import AgreementView
from backend.imports import kinds
from tests.backend.operating import Acting, logged, run
from tests.backend.partners.test_office_systems import office, staff
from tests.backend.world import World

TODAY = clock.today()
DAY = (TODAY - timedelta(days=3)).isoformat()
TRAVEL = "工号,行程编号,出发时间,到达时间,铁路里程,航程,出发站,到达站,取消\n"
BOARDING = "staff_no,trip_id,route,boarded_at,alighted_at,distance_km\n"


class Files:
    """An employer with two staff, and an operator who imports their files."""

    def __init__(self, app: Flask, world: World, folder: Path) -> None:
        self.app, self.world, self.folder = app, world, folder
        office(world)
        with world.house.transaction() as tx:
            for source in ("house:travel", "house:boarding"):
                agreement = AgreementView("staff", source, TODAY - timedelta(days=30), None, "协议 1 号")
                identity.agreements.sign(tx, agreement, now=clock.now())
        self.lin, self.mei = (staff(world, who, who.upper(), TODAY - timedelta(days=60)) for who in ("lin", "mei"))
        self.wang = Acting(app, world, "wang")

    def comes(self, kind: str, content: str, applied: bool = True) -> tuple[dict[str, int], str, int]:
        """Counts by status, where not 0; what was told of lines; how the command ended."""
        path = self.folder / "file.csv"
        path.write_text(content, encoding="utf-8")
        command = ("import", kind, "staff", str(path))
        done = self.wang(*command, "--apply") if applied else run(self.app, *command)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        words = [line.split() for line in done.stdout.splitlines()]
        self.world.check_books()
        return {w[-2]: int(w[-1]) for w in words if w[-1].isdigit() and w[-1] != "0"}, done.stderr, done.exit_code

    def reduction_g(self, holder: UUID) -> int:
        with self.world.house.transaction() as tx:
            return ledger.balances(tx, holder).get("staff", {}).get("reduction", 0)


@pytest.fixture
def files(app: Flask, world: World, tmp_path: Path) -> Files:
    return Files(app, world, tmp_path)


def journey(staff_no: str, trip: str, hour: str = "08", rail: str = "1318", air: str = "1178", more: str = "") -> str:
    return f"{staff_no},{trip},{DAY} {hour}:00,{DAY} {int(hour) + 5:02}:00,{rail},{air},北京南,上海虹桥,{more}\n"


def test_journeys_are_tried_applied_corrected_and_cancelled(files: Files) -> None:
    """1178 × 82.9 − 1318 × 20.4 = 70,769 g; corrected 1000 × 82.9 − 1318 × 20.4 = 56,012.8 g."""
    file = TRAVEL + journey("LIN", "T1") + journey("MEI", "T1") + journey("NEW", "T2")
    file += journey("LIN", "T3", rail="far") + journey("LIN", "T1") + f"LIN,T4,{DAY},{DAY},1,2,,,\n"
    counts = {"new": 2, "parked": 1, "refused": 1, "broken": 2}
    tried, told, code = files.comes("travel", file, applied=False)
    assert (tried, code, files.reduction_g(files.lin)) == (counts, 1, 0), told
    assert files.comes("travel", file)[0] == counts
    assert "line 4: parked: NO_LINK" in told and "line 5: refused: NOT_A_NUMBER" in told
    assert "line 6: broken: the same trip of the same person stands in line 2" in told
    assert "line 7: broken: departed_at" in told
    assert files.reduction_g(files.lin) == files.reduction_g(files.mei) == 70_769
    again = files.comes("travel", file)[0]
    assert again == {"unchanged": 3, "parked": 1, "broken": 2}, "the same file changes nothing"
    staff(files.world, "new", "NEW", TODAY - timedelta(days=9))
    corrected = TRAVEL + journey("LIN", "T1", air="1000") + journey("NEW", "T2")
    assert files.comes("travel", corrected)[0] == {"changed": 1, "new": 1}, "who is missing is not cancelled"
    assert (files.reduction_g(files.lin), files.reduction_g(files.mei)) == (56_012, 70_769)
    cancelled = TRAVEL + journey("LIN", "T1", more="是") + journey("LIN", "T9", more="yes")
    assert files.comes("travel", cancelled)[0] == {"cancelled": 1, "broken": 1}
    assert files.comes("travel", cancelled)[0] == {"unchanged": 1, "broken": 1}
    assert files.comes("travel", corrected)[0] == {"superseded": 1, "unchanged": 1}, "a cancellation is final"
    assert files.reduction_g(files.lin) == 0
    log = [row["action"] for row in logged(files.app, "travel.")]
    assert log.count("travel.import_begun") == log.count("travel.imported") == 6


def test_nothing_is_kept_of_where_and_who(files: Files) -> None:
    files.comes("travel", TRAVEL + journey("LIN", "T1"))
    with files.world.house.transaction() as tx:
        for table in ("activities", "order_lines", "orders", "operator_log"):
            kept = json.dumps([list(row) for row in tx.execute(text(f"SELECT * FROM {table}"))], default=str)
            assert not [word for word in ("北京", "\\u5317", "LIN") if word in kept], table


def test_riders_are_counted_from_the_list(files: Files) -> None:
    """10 km × 55 g − 10 km × 209.534 g ÷ riders: 480.155 g among thirty, 445.2330 g among twenty."""

    def listed(riders: int) -> str:
        names = ["LIN", *(f"P{number}" for number in range(riders - 1))]
        return BOARDING + "".join(f"{n},R1,园区线,{DAY} 08:00,{DAY} 08:30,10\n" for n in names)

    assert files.comes("boarding", listed(30))[0] == {"new": 1, "parked": 29}
    assert files.reduction_g(files.lin) == 480
    assert files.comes("boarding", listed(20))[0] == {"changed": 1, "parked": 19}
    assert files.reduction_g(files.lin) == 445


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"departed_at": "2026-06-05"}, "time of day"),
        ({"departed_at": "0001-01-01 00:00"}, "a year from"),
        ({"departed_at": "tomorrow"}, "a day and a time"),
        ({"arrived_at": "2026-06-05 08:00"}, "ends after it began"),
        ({"staff_no": ""}, "staff_no"),
        ({"trip_id": "x" * 65}, "trip_id"),
        ({"cancelled": "perhaps"}, "cancelled"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(cells: dict[str, str], problem: str) -> None:
    good: dict[str, Any] = {"staff_no": "1", "trip_id": "T", "rail_km": "1318", "air_km": "1178", "cancelled": ""}
    good |= {"departed_at": "2026/06/05 08:00", "arrived_at": "2026-06-05T05:30:00Z"}
    read = kinds.entry(imports.TRAVEL, 2, good, 0, now=clock.now())
    assert (read.data["duration_s"], read.data["rail_km"]) == (5 * 3600 + 1800, "1318")
    with pytest.raises(kinds.Unusable, match=problem):
        kinds.entry(imports.TRAVEL, 2, good | cells, 0, now=clock.now())
