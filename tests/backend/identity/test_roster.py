"""Rosters: what a list changes, by the day; whose account a number is; what goes wrong and is told."""

from datetime import date, timedelta
from typing import Any

import pytest

from backend import clock, identity
from backend.identity import agreements, roster
from backend.identity.roster.policy import LEFT, MOVED, NEW, REAPPEARED, UNCHANGED
from tests.backend.operating import Acting, logged
from tests.backend.world import World

HEAD = "staff_no,name,department,joined,left,department_since\n"
TODAY = clock.today()


def day(ago: int) -> date:
    return TODAY - timedelta(days=ago)


@pytest.fixture
def staffed(world: World) -> World:
    with world.house.transaction() as tx:
        identity.save_programme(
            tx, code="acme", kind="staff", title_zh="员工计划", title_en="Staff", profile="CN-DEFAULT"
        )
    return world


class Office:
    """Somebody in the office who imports lists at a terminal."""

    def __init__(self, app: Any, world: World, tmp_path: Any) -> None:
        self.world, self._path = world, tmp_path / "list.csv"
        self._office = Acting(app, world, "wang")

    def __call__(self, lines: str, as_of: date = TODAY, *more: str, code: int = 0, head: str = HEAD) -> Any:
        self._path.write_text(head + lines, "utf-8")
        arguments = ("roster", "import", "acme", str(self._path), "--as-of", as_of.isoformat(), *more)
        result = self._office(*arguments, "--apply")
        assert result.exit_code == code, result.output + result.stderr
        rows = [line.split() for line in result.stdout.splitlines() if " " in line.strip()]
        self.said = result.stderr
        return {row[-2]: int(row[-1]) for row in rows if row[-1].isdigit() and int(row[-1])}

    def who(self, number: str, when: date) -> roster.Employed | None:
        with self.world.house.transaction() as tx:
            return roster.staff_member(tx, self.world.house.vault, "acme", number, day=when)

    def bind(self, number: str, name: str) -> Any:
        holder = self.world.person(name, linked=False, consenting=False)
        with self.world.house.transaction() as tx:
            roster.bind(tx, self.world.house.vault, "acme", number, holder, now=clock.now())
        return holder

    def named(self, number: str, when: date) -> Any:
        """Whose account the number names on a day."""
        wanted = ("acme", agreements.reference_index(self.world.house.vault, "acme", number), when)
        with self.world.house.transaction() as tx:
            found = agreements.referred_receivers(tx, [wanted])
        return found[wanted].holder_id if found else None


@pytest.fixture
def office(app: Any, staffed: World, tmp_path: Any) -> Office:
    return Office(app, staffed, tmp_path)


def test_a_list_is_applied_once_and_a_move_counts_from_its_day(office: Office, app: Any) -> None:
    joined = day(400)
    first = f"001,张三,总部/研发,{joined}\n002,李四,总部/研发,{joined}\n003,王五,总部/财务,{day(20)}\n"
    assert office(first, day(30), head=HEAD.replace(",left,department_since", "")) == {NEW: 3}
    assert office(first, day(30), head=HEAD.replace(",left,department_since", "")) == {UNCHANGED: 3}
    zhang, li = office.bind("001", "zhang"), office.bind("002", "li")

    moved = f"001,张三,总部/财务,{joined},,\n002,李四,总部/财务,{joined},,{day(15)}\n003,王五,总部/财务,{day(20)},,\n"
    assert office(moved, day(10)) == {MOVED: 2, UNCHANGED: 1}
    assert office(moved, day(9)) == {UNCHANGED: 3}
    wanted = [(who, day(ago)) for who in (zhang, li) for ago in (401, 16, 15, 11, 10)]
    with office.world.house.transaction() as tx:
        found = roster.departments_by_day(tx, "acme", wanted)
        assert roster.department_of(tx, "acme", [zhang, li], day(11)) == {zhang: "总部/研发", li: "总部/财务"}
    assert found == {
        **{(zhang, day(ago)): "总部/研发" for ago in (16, 15, 11)},
        **{(zhang, day(10)): "总部/财务", (li, day(16)): "总部/研发"},
        **{(li, day(ago)): "总部/财务" for ago in (15, 11, 10)},
    }
    imports = [row for row in logged(app, "roster.") if row["action"] == "roster.imported"]
    assert len(imports) == 4 and imports[0]["operator"] == "wang"
    assert "张三" not in str(imports)


def test_who_leaves_is_nobody_from_the_next_day_and_who_returns_is_the_same(office: Office) -> None:
    staff = f"001,张三,A,{day(400)},,\n002,李四,A,{day(400)},,\n"
    office(staff, day(60))
    zhang = office.bind("001", "zhang")
    assert office(staff.replace(",,", f",{day(40)},", 1), day(50)) == {LEFT: 1, UNCHANGED: 1}
    assert office.who("001", day(40)) and not office.who("001", day(39))
    assert (office.named("001", day(40)), office.named("001", day(39))) == (zhang, None)

    # Not on the list at all: the day before it was the last one.
    assert office(f"001,张三,A,{day(400)},{day(40)},\n", day(30)) == {LEFT: 1, UNCHANGED: 1}
    assert office.who("002", day(31)) and not office.who("002", day(30))

    # Back under the same name: the account goes along. Under another: the number is somebody else's.
    assert office(f"001,张三,B,{day(20)},,\n002,赵六,B,{day(20)},,\n", day(20)) == {REAPPEARED: 1, NEW: 1}
    assert [office.named("001", day(ago)) for ago in (40, 30, 20)] == [zhang, None, zhang]
    with office.world.house.transaction() as tx:
        assert roster.department_of(tx, "acme", [zhang], day(20)) == {zhang: "B"}
    zhao = office.bind("002", "zhao")
    assert office.named("002", day(20)) == zhao and office.named("002", day(31)) is None
    # A list that still says the first day ever reaches not into the spell before.
    again = f"001,张三,B,{day(400)},,\n002,赵六,B,{day(20)},,\n"
    assert office(again, day(10)) == {UNCHANGED: 2}


def test_a_number_is_one_persons(office: Office) -> None:
    office(f"001,张三,A,{day(9)},,\n002,李四,A,{day(9)},,\n003,后来,A,{day(-3)},,\n")
    zhang = office.bind("001", "zhang")
    assert office.bind("001", "zhang") == zhang
    for number, name, refusal in (
        ("001", "li", roster.StaffNumberTaken),
        ("002", "zhang", roster.StaffNumberTaken),
        ("003", "li", roster.NotOnRoster),
        ("404", "li", roster.NotOnRoster),
    ):
        with pytest.raises(refusal):
            office.bind(number, name)


def test_wrong_lines_are_told_and_the_others_applied(office: Office) -> None:
    lines = (
        f"001,张三,A,{day(9)},,\n"
        f"001,张三,A,{day(9)},,\n"
        f",无号,A,{day(9)},,\n"
        f"002,李四,A,someday,,\n"
        f"003,王五,A,2026-02-30,,\n"
        f"004,赵六,A//B,{day(9)},,\n"
        f"005,钱七,A,{day(9)},{day(10)},\n"
        f'006,"open,A,{day(9)},,\n'
        f"007,孙八,A,{day(9)},,{day(-1)}\n"
        f"008,周九,>,{day(9)},,\n"
        f"009,吴十,A,{day(9).strftime('%Y/%m/%d')},,\n"
    )
    assert office(lines, code=1) == {NEW: 2, "lines": 9}
    told = [line.split(":")[0] for line in office.said.splitlines() if ": " in line]
    assert told == [f"第 {n} 行 line {n}" for n in (3, 4, 5, 6, 7, 8, 9, 10, 11)]
    # While lines without a number stand on the list nobody leaves by not being on it.
    counts = office(f"001,张三,A,{day(9)},,\n,?,A,{day(9)},,\n", code=1)
    assert counts == {UNCHANGED: 1, "lines": 1, "kept": 1} and office.who("009", TODAY)
    # A line that is wrong otherwise keeps its member.
    assert office(f"001,张三,A,never,,\n009,吴十,A,{day(9)},,\n", code=1) == {UNCHANGED: 1, "lines": 1}
    assert office.who("001", TODAY)


def test_an_empty_list_does_not_dismiss_everybody(office: Office) -> None:
    everybody = "".join(f"{n:03},员工,A,{day(90)},,\n" for n in range(20))
    office(everybody, day(30))
    office("", day(20), code=1)
    assert "TOO_MANY_LEAVE" in office.said and office.who("000", TODAY)
    office("", day(20), "--yes-many", "19", code=1)
    assert office("", day(20), "--yes-many", "20") == {LEFT: 20}
    assert not office.who("000", day(20))
    office(everybody, day(21), code=1)
    assert "OLDER_LIST" in office.said
    office(everybody, TODAY + timedelta(days=1), code=1)
    assert "OLDER_LIST" in office.said
    assert office(everybody, TODAY) == {REAPPEARED: 20}
    office("not,a,list\n", head="", code=1)
    assert "UNREADABLE_FILE" in office.said


def test_a_dry_run_writes_nothing(office: Office, app: Any, tmp_path: Any) -> None:
    path = tmp_path / "dry.csv"
    path.write_text(HEAD + f"001,张三,A,{day(9)},,\n", "utf-8")
    result = app.test_cli_runner().invoke(args=["roster", "import", "acme", str(path)])
    assert result.exit_code == 0 and "新增 new" in result.stdout
    assert not office.who("001", TODAY)


def test_who_is_forgotten_is_on_the_roster_without_an_account(office: Office) -> None:
    staff = f"001,张三,A,{day(9)},,\n"
    office(staff)
    zhang = office.bind("001", "zhang")
    vault = office.world.house.vault
    with office.world.house.transaction() as tx:
        (held,) = identity.holdings(tx, vault, zhang)["staff_members"]
        assert (held["staff_no"], held["name"], held["departments"][0]["path"]) == ("001", "张三", "A")
        identity.hold_to_forget(tx, zhang)
        identity.forget_person(tx, zhang, source=identity.DELETION, now=clock.now())
    found = office.who("001", TODAY)
    assert found is not None and found.holder_id is None and office.named("001", TODAY) is None
    assert office(staff) == {"changed": 1}
    assert office(staff) == {UNCHANGED: 1}


def test_of_two_imports_the_one_that_began_first_stops(staffed: World, tmp_path: Any) -> None:
    path = tmp_path / "list.csv"
    path.write_text(HEAD + f"001,张三,A,{day(9)},,\n", "utf-8")
    house = staffed.house
    with path.open("rb") as file:
        first, second = (roster.Import(house.sessions, house.vault, "acme", file, as_of=TODAY) for _ in range(2))
        for import_ in (first, second):
            with house.transaction() as tx:
                import_.begin(tx, import_.survey(), yes_many=None)
        with pytest.raises(roster.AnotherImport):
            first.apply()
        assert second.apply().counts == {NEW: 1}
