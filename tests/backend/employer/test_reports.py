"""Reports for employers: figures by department of the day, released once, the same bytes each time."""

from datetime import date, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from backend import clock, employer
from tests.backend.company import Company
from tests.backend.operating import Acting, logged, run, signed_in
from tests.backend.world import World

TODAY = clock.today()
LATER = clock.now() + timedelta(days=75)
#: A month with acts of ten days of it, whatever today is.
MONTH = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
MOVED_ON = MONTH.replace(day=16)


def release(company: Company, operator: Any, month: date = MONTH, now: datetime = LATER) -> None:
    with company.house.transaction() as tx:
        employer.release(tx, "acme", month, floor=10, operator=operator, reason="due", now=now)


def report(company: Company) -> employer.Report:
    with company.house.transaction() as tx:
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
        release(company, operator, TODAY.replace(day=1), clock.now())
    release(company, operator)
    (_, commuting) = report(company).content["categories"]
    rows = {row["department"]: (row["acts"], row["distance"], row["whole"]) for row in commuting["rows"]}
    # The three of 法务 stand with the others of 总部, and the ride after the move with the new department.
    assert rows == {"=总部/财务": (13, "133.000", True), "总部": (15, "157.500", True)}
    totals = {row["department"]: row["distance"] for row in commuting["totals"]}
    assert totals == {"": "290.500", "=总部": "133.000", "=总部/财务": "133.000", "总部": "157.500"}
    assert {row["version"] for row in commuting["rows"]} == {"V01"}
    assert [row["action"] for row in logged(app, "employer.")] == ["employer.report_released"]

    first = [employer.workbook(report(company)), employer.csv_file(report(company))]
    company.rides(("l0", MOVED_ON, "60"))  # one journey that comes late changes nothing that was shown
    assert [employer.workbook(report(company)), employer.csv_file(report(company))] == first
    with pytest.raises(employer.ReleasedBefore):
        release(company, operator)


def test_the_files_hold_text_no_formula_and_nobody(company: Company, app: Any, tmp_path: Any) -> None:
    release(company, signed_in(company.world, "zhao", "administrator"))
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
    shown = "".join(map(str, texts)) + employer.csv_file(report(company)).decode()
    assert not [number for number, holder in company.staff.items() if str(holder) in shown or f",{number}," in shown]
    nothing = run(app, "employer", "report", "acme", "--month", "2020-01")
    assert nothing.exit_code == 1 and "NOT_FOUND" in nothing.stderr
    office = Acting(app, company.world, "qian")
    assert office("employer", "release", "acme", "--month", f"{TODAY:%Y-%m}").exit_code == 1
