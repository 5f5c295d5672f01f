"""What a reported day of steps is worth, case by case."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend import clock
from backend.steps import REASONS, Known, Report, Reported, Verdict, judge

NOW = datetime(2026, 6, 8, 4, 0, tzinfo=UTC)  # noon in Shanghai
TODAY = clock.day_of(NOW)
ANN, BOB = UUID(int=1), UUID(int=2)


def back(days: int) -> date:
    return TODAY - timedelta(days=days)


def verdicts(*days: tuple[int, Any], **what: Any) -> list[Verdict]:
    """What becomes of (days back, steps)."""
    by_hand = what.pop("by_hand", False)
    reported = [Reported(back(number), steps, by_hand) for number, steps in days]
    report = Report("house:werun", "members", what.pop("measured_at", NOW), reported, **what)
    return judge(report, now=what.pop("now", NOW))


def one(number: int, steps: Any, **what: Any) -> tuple[int, str | None]:
    (verdict,) = verdicts((number, steps), **what)
    return verdict.counted, verdict.code


def known(steps: int, counted: int | None = None, **what: Any) -> Known:
    given = {"source": "house:werun", "programme": "members"} | what
    return Known(steps, steps if counted is None else counted, **given)


@pytest.mark.parametrize(
    ("number", "steps", "counted", "code"),
    [
        (1, 0, 0, None),
        (1, 1, 1, None),
        (1, 8_214, 8_214, None),
        (1, 30_000, 30_000, None),
        (1, 30_001, 30_000, "STEPS_CAPPED"),
        (1, 49_999, 30_000, "STEPS_CAPPED"),
        (1, 50_000, 0, "STEPS_IMPLAUSIBLE"),
        (1, 98_800, 0, "STEPS_IMPLAUSIBLE"),
        (1, 1_000_000, 0, "STEPS_IMPLAUSIBLE"),
        (1, 1_000_001, 0, "STEPS_INVALID"),
        (1, -1, 0, "STEPS_INVALID"),
        (1, True, 0, "STEPS_INVALID"),
        (1, 12.5, 0, "STEPS_INVALID"),
        (1, "8000", 0, "STEPS_INVALID"),
        (-1, 100, 0, "STEPS_FUTURE_DAY"),
        (30, 8_000, 8_000, None),
        (31, 8_000, 0, "STEPS_DAY_TOO_OLD"),
        (400, 8_000, 0, "STEPS_DAY_TOO_OLD"),
    ],
)
def test_a_day_by_itself(number: int, steps: Any, counted: int, code: str | None) -> None:
    assert one(number, steps) == (counted, code)


@pytest.mark.parametrize(
    ("minutes", "steps", "code"),
    [(30, 6_000, None), (30, 6_001, "STEPS_TOO_FAST"), (0, 1, "STEPS_TOO_FAST"), (0, 0, None), (120, 20_000, None)],
)
def test_today_holds_no_more_than_a_runner_does_since_midnight(minutes: int, steps: int, code: str | None) -> None:
    measured_at = clock.start_of(TODAY) + timedelta(minutes=minutes)
    assert one(0, steps, measured_at=measured_at)[1] == code


def test_what_was_measured_yesterday_says_nothing_of_today() -> None:
    assert one(0, 100, measured_at=clock.start_of(TODAY) - timedelta(seconds=1)) == (0, "STEPS_FUTURE_DAY")


@pytest.mark.parametrize(
    ("before", "steps", "expected"),
    [
        pytest.param(known(5_000), 8_000, (8_000, None), id="a higher count tops up"),
        pytest.param(known(5_000), 5_000, (5_000, None), id="the same again"),
        pytest.param(known(5_000), 4_999, (5_000, "STEPS_NOT_HIGHER"), id="a lower one takes nothing back"),
        pytest.param(known(40_000, 30_000), 45_000, (30_000, "STEPS_CAPPED"), id="above the cap already"),
        pytest.param(known(40_000, 30_000), 40_000, (30_000, "STEPS_CAPPED"), id="the same above the cap"),
        pytest.param(known(5_000), 60_000, (5_000, "STEPS_IMPLAUSIBLE"), id="what counted stays"),
        pytest.param(known(5_000, source="yundong"), 9_000, (5_000, "STEPS_OTHER_SOURCE"), id="another source"),
        pytest.param(known(5_000, programme="staff"), 9_000, (5_000, "STEPS_OTHER_PROGRAMME"), id="other programme"),
        pytest.param(known(60_000, 0, flag="STEPS_IMPLAUSIBLE"), 61_000, (0, "STEPS_IMPLAUSIBLE"), id="still withheld"),
        pytest.param(known(60_000, 0, flag="STEPS_IMPLAUSIBLE"), 9_000, (0, "STEPS_IMPLAUSIBLE"), id="no way round"),
        pytest.param(known(60_000, 5_000, refused=True), 61_000, (5_000, "STEPS_REFUSED"), id="refused by a reviewer"),
        pytest.param(known(60_000, 30_000), 60_000, (30_000, "STEPS_CAPPED"), id="released, and told again"),
    ],
)
def test_a_day_that_is_known(before: Known, steps: int, expected: tuple[int, str | None]) -> None:
    assert one(1, steps, known={back(1): before}) == expected


def test_a_day_that_comes_twice() -> None:
    assert [(v.counted, v.code) for v in verdicts((1, 5_000), (1, 5_000))] == [(5_000, None)]
    assert [(v.counted, v.code) for v in verdicts((1, 5_000), (1, 6_000))] == [(0, "STEPS_DAY_TWICE")]


def test_what_was_typed_in_does_not_count() -> None:
    assert one(1, 5_000, by_hand=True) == (0, "STEPS_BY_HAND")


WEEK = {back(number): known(4_000 + number) for number in range(2, 9)}


@pytest.mark.parametrize(
    ("history", "steps", "code"),
    [
        pytest.param(WEEK, 20_000, None, id="not above 20,000"),
        pytest.param(WEEK, 20_001, "STEPS_UNUSUAL", id="five times the usual"),
        pytest.param(dict(list(WEEK.items())[1:]), 29_000, None, id="six days tell nothing usual"),
        pytest.param({day: known(12_000 + day.day) for day in WEEK}, 29_000, None, id="a walker"),
        pytest.param({day: known(0) for day in WEEK}, 29_000, None, id="days without steps tell nothing"),
    ],
)
def test_far_above_ones_own_median(history: dict[date, Known], steps: int, code: str | None) -> None:
    assert one(1, steps, known=history)[1] == code


def test_the_first_report_is_its_own_history() -> None:
    found = verdicts(*((number, 4_000 + number) for number in range(2, 20)), (1, 29_000))
    assert [v.code for v in found if v.code] == ["STEPS_UNUSUAL"]


def test_one_count_on_three_days_is_a_scripts() -> None:
    assert {v.code for v in verdicts((1, 9_999), (2, 9_999), (3, 5_000))} == {None}
    found = verdicts((1, 9_999), (2, 9_999), (3, 9_999), (4, 5_000))
    assert [v.code for v in found] == [None, *["STEPS_SAME_EVERY_DAY"] * 3]
    assert {v.code for v in verdicts((1, 999), (2, 999), (3, 999))} == {None}


def test_counts_of_another_member() -> None:
    alike = {back(number): {ANN} for number in (1, 2, 3)}
    days = [(1, 8_001), (2, 9_002), (3, 7_003)]
    assert {v.code for v in verdicts(*days, alike=alike)} == {"STEPS_SAME_AS_ANOTHER"}
    assert {v.code for v in verdicts(*days, alike=alike | {back(3): {BOB}})} == {None}  # by chance
    assert one(1, 24_680, alike={back(1): {BOB}}) == (0, "STEPS_SAME_AS_ANOTHER")
    assert one(1, 19_999, alike={back(1): {BOB}}) == (19_999, None)


@given(
    st.lists(st.tuples(st.integers(-2, 33), st.integers(-5, 70_000)), max_size=40),
    st.dictionaries(st.integers(0, 30).map(back), st.integers(0, 60_000).map(lambda n: known(n, min(n, 30_000)))),
)
def test_nothing_ever_counts_less_than_before_nor_more_than_a_day_can(
    days: list[tuple[int, int]], stored: dict[date, Known]
) -> None:
    found = verdicts(*days, known=stored, alike={back(1): {uuid4()}})
    assert [v.day for v in found] == sorted({back(number) for number, _ in days})
    for verdict in found:
        before = stored[verdict.day].counted if verdict.day in stored else 0
        assert before <= verdict.counted <= 30_000
        assert verdict.counted <= max(verdict.steps, before)
        assert verdict.code is None or verdict.code in REASONS
