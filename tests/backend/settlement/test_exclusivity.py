"""A car-free day and its commutes exclude each other; charging and driving share energy, walking and donating steps."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from backend import clock, identity, ledger, settlement
from backend.activities import ORIGINAL, Contended
from backend.ids import new_id
from backend.settlement import Draft, Outcome, Statement
from tests.backend.world import World, days_ago

#: Grams of each act below under CN-DEFAULT on those days.
METRO_G, CAR_FREE_G, EV_TRIP_G, CHARGING_G = 579, 5_524, 2_458, 11_708
PARKED = {"parked_min": 1_560, "car_class": "compact"}  # 26 h: 1 day × 33 km × 167.4 g


@pytest.fixture
def alice(world: World) -> UUID:
    holder = world.person("alice")
    with world.house.transaction() as tx:
        for scene in ("energy", "engagement"):
            identity.set_consent(tx, holder_id=holder, partner="transit", scene=scene, granted=True, now=clock.now())
    return holder


def act(
    holder: UUID,
    order_no: str,
    methodology: str,
    data: Mapping[str, str | int],
    at: datetime,
    *,
    grade: str = "E3",
    minutes: int = 0,
    revision: int = 1,
    serial: str = "CAR-1",
    programme: str = "members",
) -> Statement:
    """One line of the transit operator's about one act; with `minutes` it is a trip."""
    ended_at = at + timedelta(minutes=minutes) if minutes else None
    named = {"partner": "transit", "order_no": order_no, "line": "1", "trip_id": order_no}
    named["serial"] = serial
    draft = Draft(methodology, data, named, at, grade, 0, at if minutes else None, ended_at)
    return Statement(
        source_id=new_id(),
        partner="transit",
        order_no=order_no,
        line="1",
        revision=revision,
        rank=ORIGINAL,
        order_type="trip.completed",
        receiver=identity.Receiver(holder, programme, b""),
        content_hash=f"{order_no} {revision}".encode(),
        evidence="{}",
        translate=lambda order_type: draft,
    )


def metro(holder: UUID, order_no: str = "M1", at: datetime | None = None, **more: Any) -> Statement:
    return act(holder, order_no, "metro_ride", {"distance_km": "12.4"}, at or days_ago(1, 8), minutes=30, **more)


def car_free(holder: UUID, order_no: str = "F1", at: datetime | None = None, **more: Any) -> Statement:
    return act(holder, order_no, "car_free_day", more.pop("data", PARKED), at or days_ago(1, 0), **more)


def settle(world: World, *statements: Statement, now: datetime | None = None) -> list[Outcome]:
    with world.house.transaction() as tx:
        outcomes = settlement.settle(tx, world.house.vault, statements, now=now or clock.now())
    world.check_books_at_the_end()
    return outcomes


def reduction(world: World, holder: UUID) -> int:
    return world.balances(holder).get("reduction", 0)


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_car_free_day_rules_out_the_commutes_of_that_day_in_any_order(
    world: World, alice: UUID, order: tuple[int, ...], together: bool
) -> None:
    """It begins at midnight, before the commutes, and its evidence is as good; the next day is not concerned."""
    statements = [car_free(alice), metro(alice), metro(alice, "M2", days_ago(0, 0, 5))]
    now = days_ago(0, 1)
    if together:
        settle(world, *(statements[position] for position in order), now=now)
    else:
        for position in order:
            settle(world, statements[position], now=now)
    assert reduction(world, alice) == CAR_FREE_G + METRO_G


def test_the_act_with_the_better_evidence_wins_until_the_second_day(world: World, alice: UUID) -> None:
    (parked,) = settle(world, car_free(alice, grade="E2"), now=days_ago(1, 23))
    assert (parked.status, reduction(world, alice)) == ("issued", CAR_FREE_G)
    (ride,) = settle(world, metro(alice), now=days_ago(0, 23, 59))  # the last minute of the day after
    assert (ride.status, reduction(world, alice)) == ("issued", METRO_G)
    assert world.balances(alice)["points.pending"] == METRO_G


def test_from_the_second_day_on_what_was_credited_stays(world: World, alice: UUID) -> None:
    settle(world, car_free(alice, grade="E2"), now=days_ago(1, 23))
    (ride,) = settle(world, metro(alice), now=clock.start_of(clock.today()) + timedelta(days=1))
    assert (ride.status, ride.code) == ("outdone", "EXCLUDED_BY")
    assert reduction(world, alice) == CAR_FREE_G


def test_a_late_act_comes_to_its_right_when_the_other_is_taken_back(world: World, alice: UUID) -> None:
    (parked,) = settle(world, car_free(alice, grade="E2"), now=days_ago(1, 23))
    later = clock.start_of(clock.today()) + timedelta(days=5)
    settle(world, metro(alice), now=later)
    assert parked.activity is not None
    with world.house.transaction() as tx:
        settlement.reverse(tx, [parked.activity], now=later)
    world.check_books()
    assert reduction(world, alice) == METRO_G


def test_a_correction_stays_what_was_credited_for_good(world: World, alice: UUID) -> None:
    """Its day is closed for the late car-free day, whether that comes before the correction or after it."""
    for days, correction_first in ((9, True), (11, False)):
        day, order = days_ago(days, 0), f"M{days}"
        settle(world, metro(alice, order, day + timedelta(hours=8)), now=days_ago(days, 23))
        late = car_free(alice, f"F{days}", day), metro(alice, order, day + timedelta(hours=9), revision=2)
        for statement in reversed(late) if correction_first else late:
            settle(world, statement)
    assert reduction(world, alice) == 2 * METRO_G
    settle(world, metro(alice, "M9", days_ago(8, 8), revision=3))
    assert reduction(world, alice) == CAR_FREE_G + 2 * METRO_G, "moved to another day, it leaves its own to others"


def test_a_late_act_takes_nobodys_claim(world: World, alice: UUID) -> None:
    """Alice's car-free day comes after her ride was credited for good: bob, who parked that car, keeps what he has."""
    bob, day = world.person("bob"), days_ago(9, 0)
    settle(world, metro(alice, at=day + timedelta(hours=8)), car_free(bob, "F2", day, grade="E2"), now=days_ago(9, 23))
    (late,) = settle(world, car_free(alice, at=day))
    assert (late.status, late.code) == ("outdone", "ALREADY_CLAIMED")
    assert (reduction(world, alice), reduction(world, bob)) == (METRO_G, CAR_FREE_G)


def test_an_act_gives_way_only_to_what_counts(world: World, alice: UUID) -> None:
    """The ride that ruled the late car-free day out loses to a better trip; a journey by rail excludes no parking."""
    day = days_ago(9, 0)
    with world.house.transaction() as tx:
        identity.set_consent(tx, holder_id=alice, partner="transit", scene="travel", granted=True, now=clock.now())
    settle(world, metro(alice, at=day + timedelta(hours=8)), now=days_ago(9, 23))
    (parked,) = settle(world, car_free(alice, at=day, grade="E2"))
    assert (parked.status, parked.code) == ("outdone", "EXCLUDED_BY")
    rail = act(alice, "R1", "rail_travel", {"air_km": "320", "rail_km": "340"}, day + timedelta(hours=7), minutes=120)
    (journey,) = settle(world, rail)
    assert reduction(world, alice) == CAR_FREE_G + journey.reduction_g
    before = world.balances(alice)
    settle(world, metro(alice, "M2", day + timedelta(hours=8, minutes=1), grade="E2"))
    assert world.balances(alice) == before


def test_two_late_acts_are_decided_by_their_merit_when_they_come_together(world: World, alice: UUID) -> None:
    day = days_ago(9, 0)
    outcomes = settle(world, metro(alice, at=day + timedelta(hours=8), grade="E2"), car_free(alice, at=day))
    assert [(outcome.status, outcome.code) for outcome in outcomes] == [("outdone", "EXCLUDED_BY"), ("issued", None)]


def test_commutes_do_not_exclude_each_other(world: World, alice: UUID) -> None:
    bus = act(alice, "B1", "bus_ride", {"distance_km": "10"}, days_ago(1, 18), minutes=30)
    settle(world, metro(alice), bus)
    assert reduction(world, alice) == METRO_G + 269


def test_somebody_else_parking_their_car_changes_nothing(world: World, alice: UUID) -> None:
    settle(world, metro(alice), car_free(world.person("bob")))
    assert reduction(world, alice) == METRO_G


def test_a_car_stands_still_once_a_day_for_whoever_says_so(world: World, alice: UUID) -> None:
    """The day is that of the act: no source may spell it its own way. The next day is another act."""
    bob = world.person("bob")
    settle(world, car_free(alice), now=days_ago(0, 1))
    (again,) = settle(world, car_free(bob, "F2", days_ago(1, 1), serial="car-1"), now=days_ago(0, 1))
    settle(world, car_free(bob, "F3", days_ago(2, 1), serial="car-1"), now=days_ago(0, 1))
    assert (again.code, reduction(world, bob)) == ("ALREADY_CLAIMED", CAR_FREE_G)


def test_two_days_of_parking_are_two_acts(world: World, alice: UUID) -> None:
    (parked,) = settle(world, car_free(alice, data=PARKED | {"parked_min": 2_880}))
    assert (parked.status, parked.code) == ("outdone", "DAILY_PARKING")
    settle(world, car_free(alice, "F2", days_ago(2, 0)), car_free(alice, revision=2))
    assert reduction(world, alice) == 2 * CAR_FREE_G


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_accounts_of_one_person_share_their_days(world: World, order: tuple[int, ...]) -> None:
    """A car-free day for the employer, and commutes as a member: one person, one day, one credit."""
    alice = world.person("alice")
    with world.house.transaction() as tx:
        identity.save_programme(tx, code="staff", kind="staff", title_zh="员工", title_en="Staff", profile="CN-DEFAULT")
        identity.enrol(tx, alice, "staff", "staff", now=clock.now())
    statements = [
        car_free(alice, programme="staff"),
        metro(alice),
        metro(alice, "M2", days_ago(2, 8, 10)),
    ]
    for position in order:
        settle(world, statements[position], now=days_ago(1, 23))
    settle(world, metro(alice, "M3", days_ago(2, 8, 0), programme="staff"), now=days_ago(1, 23))
    with world.house.transaction() as tx:
        held = {code: accounts.get("reduction", 0) for code, accounts in ledger.balances(tx, alice).items()}
    assert held == {"members": 0, "staff": CAR_FREE_G + METRO_G}  # the earlier of two overlapping rides counts


@pytest.mark.parametrize("driving_first", [True, False])
def test_charging_and_driving_share_their_energy(world: World, alice: UUID, driving_first: bool) -> None:
    drive = act(alice, "E1", "ev_trip", {"distance_km": "28"}, days_ago(1, 8), minutes=40)
    charge = act(alice, "C1", "ev_charging", {"charged_kwh": "20"}, days_ago(1, 20))
    for statement in (drive, charge) if driving_first else (charge, drive):
        settle(world, statement)
    assert reduction(world, alice) == EV_TRIP_G
    settle(world, act(alice, "C2", "ev_charging", {"charged_kwh": "20"}, days_ago(2, 20)))
    assert reduction(world, alice) == EV_TRIP_G + CHARGING_G


@pytest.mark.parametrize("walked_first", [True, False])
def test_walked_and_donated_steps_use_up_one_limit(world: World, alice: UUID, walked_first: bool) -> None:
    """12,000 steps walked in the morning and 9,000 donated in the evening are more than 20,000."""
    walked = act(alice, "W1", "walking", {"steps": 12_000}, days_ago(1, 7), minutes=120)
    donated = act(alice, "D1", "step_donation", {"steps": 9_000}, days_ago(1, 21))
    fitting = act(alice, "D2", "step_donation", {"steps": 8_000}, days_ago(1, 22))
    for statement in (walked, donated) if walked_first else (donated, walked):
        outcomes = settle(world, statement)
    assert reduction(world, alice) == 240
    (last,) = settle(world, donated, fitting)[1:]
    assert last.status == "issued"
    if walked_first:
        assert outcomes[0].code == "DAILY_STEPS"


def test_whoever_comes_first_on_many_connections_the_same_act_counts(postgresql_url: str) -> None:
    """A car-free day and seven commutes settle at once; the day began before them all."""
    world = World(postgresql_url)
    for name in ("p1", "p2", "p3"):
        holder = world.person(name)
        rides = [metro(holder, f"{name}-M{hour}", days_ago(1, hour)) for hour in range(7, 14)]
        parked = car_free(holder, f"{name}-F", serial=f"{name}-CAR")
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(partial(_settle_until_uncontended, world), [*rides[:4], parked, *rides[4:]]))
        assert reduction(world, holder) == CAR_FREE_G
    world.check_books()


def _settle_until_uncontended(world: World, statement: Statement) -> None:
    while True:
        try:
            with world.house.transaction() as tx:
                settlement.settle(tx, world.house.vault, [statement], now=days_ago(1, 23))
            return
        except Contended:
            continue
