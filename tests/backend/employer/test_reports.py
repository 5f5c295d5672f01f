"""Reports for employers: figures by department of the day, released once, the same bytes each time."""

import hashlib
import io
import json
from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from backend import activities, clock, employer, identity, points, settlement
from backend.identity import Receiver, agreements, roster
from backend.identity.agreements import AgreementView
from backend.ids import new_id
from backend.settlement import Draft, Statement
from tests.backend.operating import Acting, logged, run, signed_in
from tests.backend.world import World

TODAY = clock.today()
LATER = clock.now() + timedelta(days=75)
#: A month with acts of ten days of it, whatever today is.
MONTH = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
MOVED_ON = MONTH.replace(day=16)


def noon(day: date) -> datetime:
    return clock.start_of(day) + timedelta(hours=12)


class Company:
    """Staff in departments, and what they do."""

    def __init__(self, world: World) -> None:
        self.world, self.house, self.staff = world, world.house, dict[str, Any]()
        with self.house.transaction() as tx:
            identity.save_programme(
                tx, code="acme", kind="staff", title_zh="员工计划", title_en="Staff", profile="CN-DEFAULT"
            )
            points.save_rule(tx, programme="acme", version=1, in_force_from=date(2025, 1, 1), fixed_points={})
            agreement = AgreementView("acme", "transit", date(2025, 1, 1), None, "contract 1")
            agreements.sign(tx, agreement, now=clock.now())

    def import_list(self, departments: dict[str, str], as_of: date) -> None:
        head = "staff_no,name,department,joined\n"
        lines = "".join(f"{number},{number},{path},2024-01-01\n" for number, path in departments.items())
        import_ = roster.Import(
            self.house.sessions, self.house.vault, "acme", io.BytesIO((head + lines).encode()), as_of=as_of
        )
        surveyed = import_.survey()
        assert not surveyed.wrong
        with self.house.transaction() as tx:
            import_.begin(tx, surveyed, yes_many=surveyed.leaving)
        import_.apply()
        with self.house.transaction() as tx:
            import_.end(tx)
            for number in departments.keys() - self.staff.keys():
                known = [("wecom", f"acme|{number}")]
                holder = identity.recognise_person(tx, self.house.vault, known, now=clock.now())
                roster.bind(tx, self.house.vault, "acme", number, holder, now=clock.now())
                self.staff[number] = holder

    def rides(self, *rides: tuple[str, date, str]) -> None:
        """Metro rides of (staff number, day, kilometres)."""
        with self.house.transaction() as tx:
            found = settlement.settle(tx, self.house.vault, [self._ride(*ride) for ride in rides], now=clock.now())
        assert [outcome.status for outcome in found] == ["issued"] * len(rides), found

    def _ride(self, number: str, day: date, km: str) -> Statement:
        order = f"{number}-{day}"
        named = {"partner": "transit", "order_no": order, "line": "1", "trip_id": order}
        at = noon(day)
        window = {"started_at": at, "ended_at": at + timedelta(minutes=40)}
        draft = Draft("metro_ride", {"distance_km": km}, named, at, "E3", **window)
        return Statement(
            source_id=new_id(),
            partner="transit",
            order_no=order,
            line="1",
            revision=1,
            rank=activities.ORIGINAL,
            order_type="trip.completed",
            receiver=Receiver(self.staff[number], "acme", b""),
            content_hash=hashlib.sha256(order.encode()).digest(),
            evidence=json.dumps({"source": "test"}),
            translate=lambda _: draft,
            rests_on=activities.AGREEMENT,
        )

    def release(self, operator: Any, month: date = MONTH, now: datetime = LATER) -> None:
        with self.house.transaction() as tx:
            employer.release(tx, "acme", month, floor=10, operator=operator, reason="due", now=now)

    def report(self) -> employer.Report:
        with self.house.transaction() as tx:
            return employer.report(tx, "acme", MONTH)


@pytest.fixture
def company(world: World) -> Company:
    """Twelve in 研发, twelve in 财务, three in 法务; r0 moves to 财务 in the middle of the month."""
    company = Company(world)
    sizes = {"r": ("总部/研发", 12), "f": ("=总部/财务", 12), "l": ("总部/法务", 3)}
    paths = {f"{code}{n}": path for code, (path, size) in sizes.items() for n in range(size)}
    company.import_list(paths, MONTH)
    company.import_list(paths | {"r0": "=总部/财务"}, MOVED_ON)
    before, after = MOVED_ON - timedelta(days=1), MOVED_ON
    company.rides(*((number, before, "10.5") for number in paths), ("r0", after, "7"))
    return company


def test_a_report_splits_by_the_day_of_a_move_and_stays_as_it_was_released(company: Company, app: Any) -> None:
    operator = signed_in(company.world, "zhao", "administrator")
    with pytest.raises(employer.MonthNotOver):
        company.release(operator, TODAY.replace(day=1), clock.now())
    company.release(operator)
    (_, commuting) = company.report().content["categories"]
    rows = {row["department"]: (row["acts"], row["distance"], row["whole"]) for row in commuting["rows"]}
    # The three of 法务 stand with the others of 总部, and the ride after the move with the new department.
    assert rows == {"=总部/财务": (13, "133.000", True), "总部": (15, "157.500", True)}
    totals = {row["department"]: row["distance"] for row in commuting["totals"]}
    assert totals == {"": "290.500", "=总部": "133.000", "=总部/财务": "133.000", "总部": "157.500"}
    assert {row["version"] for row in commuting["rows"]} == {"V01"}
    assert [row["action"] for row in logged(app, "employer.")] == ["employer.report_released"]

    first = [employer.workbook(company.report()), employer.csv_file(company.report())]
    company.rides(("l0", MOVED_ON, "60"))  # one journey that comes late changes nothing that was shown
    assert [employer.workbook(company.report()), employer.csv_file(company.report())] == first
    with pytest.raises(employer.ReleasedBefore):
        company.release(operator)


def test_the_files_hold_text_no_formula_and_nobody(company: Company, app: Any, tmp_path: Any) -> None:
    company.release(signed_in(company.world, "zhao", "administrator"))
    path, month = tmp_path / "june.xlsx", f"{MONTH:%Y-%m}"
    asked = ("employer", "report", "acme", "--month", month, "--out", str(path))
    assert run(app, *asked).exit_code == 0
    book = openpyxl.load_workbook(path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s"}
    texts = {cell.value for cell in cells}
    assert "'=总部/财务" in texts and "乘坐地铁" in texts and "深圳" in "".join(texts)
    assert run(app, *asked[:-1], str(tmp_path / "f.csv"), "--format", "csv", "--factors").exit_code == 0
    assert "reduction_per_km" in (tmp_path / "f.csv").read_text("utf-8-sig")
    shown = "".join(map(str, texts)) + employer.csv_file(company.report()).decode()
    assert not [number for number, holder in company.staff.items() if str(holder) in shown or f",{number}," in shown]
    nothing = run(app, "employer", "report", "acme", "--month", "2020-01")
    assert nothing.exit_code == 1 and "NOT_FOUND" in nothing.stderr
    office = Acting(app, company.world, "qian")
    assert office("employer", "release", "acme", "--month", f"{TODAY:%Y-%m}").exit_code == 1
