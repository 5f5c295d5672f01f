"""Who wins a PK, and how often somebody may be asked: the rules alone."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from backend import clock
from backend.campaigns.challenges.policy import (
    Asked,
    Side,
    bounded,
    counted,
    due_at,
    lapses_at,
    limit_reached,
    winner,
)

ME, THEM, OTHERS = UUID(int=1), UUID(int=2), [UUID(int=number) for number in range(3, 30)]
TODAY = date(2026, 6, 3)


def sides(challenger: Side, opponent: Side) -> dict[str, Side]:
    return {"challenger": challenger, "opponent": opponent}


@pytest.mark.parametrize(
    ("challenger", "opponent", "won"),
    [
        (Side(10, 6, 600), Side(100, 60, 5_999), "challenger"),  # 100 against 99.98 each
        (Side(10, 6, 600), Side(100, 60, 6_000), None),
        (Side(10, 5, 9_000), Side(10, 6, 6), "opponent"),  # half of a side is not enough
        (Side(10, 5, 9_000), Side(10, 5, 8_000), None),
        (Side(5, 3, 3), Side(5, 2, 900), "challenger"),  # exactly 60 %
        (Side(10, 10, 0), Side(10, 0, 0), None),
        (Side(0, 0, 0), Side(5, 3, 1), "opponent"),
    ],
)
def test_the_better_mean_wins_where_enough_take_part(challenger: Side, opponent: Side, won: str | None) -> None:
    assert winner("team", sides(challenger, opponent)) == won


def test_a_person_needs_nobody_else() -> None:
    assert winner("person", sides(Side(1, 1, 5), Side(1, 0, 0))) == "challenger"
    assert winner("person", sides(Side(1, 1, 5), Side(1, 1, 5))) is None
    assert Side(5, 3, 10).mean == Fraction(10, 3)


def test_a_correction_takes_away_and_never_adds() -> None:
    a, b = ME, THEM
    final = {a: {TODAY: 100, TODAY + timedelta(1): 50}, b: {TODAY: 7}}
    now = {a: {TODAY: 40, TODAY + timedelta(1): 500, TODAY + timedelta(2): 9}, OTHERS[0]: {TODAY: 1}}
    left = bounded(now, final)
    assert left == {a: {TODAY: 40, TODAY + timedelta(1): 50}}
    people = {"challenger": 5, "opponent": 6}
    assert counted(people, {"challenger": left, "opponent": {}}) == sides(Side(5, 1, 90), Side(6, 0, 0))


def test_nobody_is_drowned() -> None:
    def reached(*before: tuple[UUID, UUID, str]) -> str | None:
        return limit_reached([Asked(*item, TODAY) for item in before], ME, THEM, TODAY)

    assert reached() is None
    assert reached((ME, THEM, "invited")) == reached((THEM, ME, "accepted")) == "already_between_the_two"
    assert reached((ME, THEM, "declined")) == "declined_before"
    assert reached((THEM, ME, "declined")) is None, "who said no may ask"
    assert reached((ME, THEM, "lapsed")) is None
    assert reached((ME, THEM, "lapsed"), (ME, THEM, "withdrawn")) == "asked_often_enough"
    assert reached((THEM, ME, "final")) == "asked_often_enough"
    assert reached(*((ME, other, "invited") for other in OTHERS[:2])) is None
    assert reached(*((ME, other, "invited") for other in OTHERS[:3])) == "too_many_open"
    assert reached(*((ME, other, "withdrawn") for other in OTHERS[:10])) == "too_many_today"
    assert reached(*((other, THEM, "invited") for other in OTHERS[:4])) is None
    assert reached(*((other, THEM, "invited") for other in OTHERS[:5])) == "too_many_received"


def test_times() -> None:
    noon = datetime(2026, 6, 3, 4, tzinfo=UTC)
    assert lapses_at(noon, date(2026, 6, 4)) == clock.start_of(date(2026, 6, 4))
    assert lapses_at(noon, date(2026, 6, 30)) == noon + timedelta(days=3)
    closes = clock.start_of(date(2026, 6, 10))
    assert due_at(date(2026, 6, 5), closes) == clock.start_of(date(2026, 6, 8)), "two whole days behind the last one"
    assert due_at(date(2026, 6, 7), clock.start_of(date(2026, 6, 9))) == clock.start_of(date(2026, 6, 9))
