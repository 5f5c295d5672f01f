"""Who is first when several want the same points, on PostgreSQL: none spent twice or lost, and nobody owes and has."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from backend import clock, points, settlement
from backend.ids import new_id
from backend.points import InsufficientPoints, Overtaken
from tests.backend.spending import net_points, spend, use
from tests.backend.world import World, days_ago, trade_in, trip

PHONE, RIDE = 23_750, 579
Acts = dict[str, tuple[UUID, UUID]]  # order → holder, act


@pytest.fixture
def world(postgresql_url: str) -> World:
    return World(postgresql_url)


def riches(world: World, name: str, *, rides: int = 0, phones: int = 0) -> tuple[UUID, Acts]:
    """A member with available points of so many acts."""
    holder = world.person(name)
    for number in range(rides):
        at = days_ago(4 + number % 5, 6 + number // 5)
        world.send("transit", trip(f"{name}-R{number}", name, at=at, trip_id=f"{name}-{number}"))
    for number in range(phones):
        at = days_ago(10 + number)
        world.send("zhuanzhuan", trade_in(f"{name}-P{number}", name, f"{name}-SN{number}", occurred_at=at))
    world.settle()
    world.ripen()
    query = "SELECT order_no, id FROM activities WHERE holder_id = :holder"
    with world.house.transaction() as tx:
        return holder, {row[0]: (holder, row[1]) for row in tx.execute(text(query), {"holder": holder})}


def at_once(jobs: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the jobs in threads that begin together; what a job raised stands for its answer."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        start.wait()
        try:
            return job()
        except InsufficientPoints as refusal:
            return refusal

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result(timeout=120) for each in [pool.submit(run, job) for job in jobs]]


def step(world: World, verb: str, **asked: Any) -> str:
    with world.house.transaction() as tx:
        getattr(points, verb)(tx, **({"now": clock.now()} | asked))
    return verb


def taking(world: World, verb: str, holder: UUID, wanted: int) -> Callable[[], UUID]:
    asked = use(holder, wanted)
    return lambda: step(world, verb, **asked) and asked["use_id"]  # type: ignore[return-value]


def test_of_thirty_and_of_a_hundred_at_once_one_gets_what_pays_for_one(world: World) -> None:
    """The balance lies in twelve lots, so that everybody wants several, and comes back after each round."""
    holder, _ = riches(world, "alice", rides=12)
    whole = 12 * RIDE
    for verb, crowd in (("reserve", 30), ("spend", 100), ("reserve", 30)):
        answers = at_once([taking(world, verb, holder, whole - number % 3) for number in range(crowd)])
        (won,) = [each for each in answers if not isinstance(each, InsufficientPoints)]
        assert all(each.facts["available"] < 3 for each in answers if each is not won)
        back = "release" if verb == "reserve" else "refund"
        asked = {"holder_id": holder, "use_id": won, "reason": "CANCELLED"}
        assert at_once([lambda: step(world, back, **asked)] * 4) == [back] * 4  # noqa: B023
        assert world.balances(holder)["points.available"] == whole
    shares = [taking(world, "spend", holder, 1 + RIDE // 2 * (number % 4)) for number in range(40)]
    refused = sum(isinstance(each, InsufficientPoints) for each in at_once(shares))
    wanted = sum(1 + RIDE // 2 * (number % 4) for number in range(40))
    assert refused and wanted - whole < refused * (1 + RIDE // 2 * 3)
    assert net_points(world, holder) == whole
    world.check_books()


def test_the_same_use_at_once_is_begun_once(world: World) -> None:
    holder, _ = riches(world, "alice", rides=3)
    asked = use(holder, RIDE + 1)
    at_once([lambda: step(world, "reserve", **asked)] * 8)
    assert world.balances(holder)["points.reserved"] == RIDE + 1
    at_once([lambda: step(world, "confirm", holder_id=holder, use_id=asked["use_id"])] * 8)
    assert (world.balances(holder)["points.available"], net_points(world, holder)) == (2 * RIDE - 1, 3 * RIDE)
    world.check_books()


def test_redeeming_against_reversal_leaves_points_or_a_debt(world: World) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(6):
        holder, acts = riches(world, f"p{number}", phones=2)
        acted = sorted(acts.values())

        def reverse(acted: Sequence[tuple[UUID, UUID]] = acted) -> str:
            with world.house.transaction() as tx:
                settlement.reverse(tx, acted[:1], now=clock.now())
            return "reversed"

        spent, _ = at_once([taking(world, "spend", holder, PHONE + 1_000), reverse])
        late = isinstance(spent, InsufficientPoints)
        outcomes["refused" if late else "spent"] += 1
        held = {name: amount for name, amount in world.balances(holder).items() if name.startswith("points.")}
        assert held == ({"points.available": PHONE} if late else {"points.debt": 1_000})
        assert net_points(world, holder) == PHONE
    world.check_books()


def test_redeeming_against_lapsing_at_midnight_gives_each_point_to_one_of_them(world: World) -> None:
    holder, _ = riches(world, "alice", rides=9)
    with world.house.transaction() as tx:
        ends = [due.at for due in points.standings(tx, holder, now=clock.now())["members"].lapsing]
    assert all(clock.start_of(clock.day_of(end)) == end for end in ends)
    for end in ends:

        def lapse(now: Any = end) -> int:
            with world.house.transaction() as tx:
                return points.lapse(tx, now=now)

        second = timedelta(seconds=1)
        asked = [use(holder, RIDE // 2, now=end - second), use(holder, RIDE, now=end), use(holder, 1, now=end - second)]
        at_once([*(lambda each=each: step(world, "spend", **each) for each in asked), lapse, lapse])
        lapse()
        with world.house.transaction() as tx:
            assert (
                tx.scalar(
                    text("SELECT count(*) FROM points_lots WHERE stage <> 'closed' AND expires_at <= :end"),
                    {"end": end},
                )
                == 0
            )
    assert world.balances(holder).get("points.available", 0) == 0
    world.check_books()


def waits(world: World) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with world.house.transaction() as tx:
        return bool(tx.scalar(text(query)))


@pytest.mark.parametrize("back", ["release", "refund"])
def test_what_comes_back_while_a_debt_arises_pays_it(world: World, back: str) -> None:
    """The member never owed before: whoever waits for the reversal must see a debt that was not there when it began."""
    holder, acts = riches(world, "alice", phones=2)
    first, kept = new_id(), new_id()
    step(world, "spend", **use(holder, PHONE, use_id=first))
    step(world, "reserve" if back == "release" else "spend", **use(holder, PHONE, use_id=kept))
    with ThreadPoolExecutor(1) as pool:
        with world.house.transaction() as tx:
            settlement.reverse(tx, [acts["alice-P1"]], now=clock.now())  # the older one, so the one that lapses first
            asked = {"holder_id": holder, "use_id": kept, "reason": "CANCELLED"}
            coming = pool.submit(step, world, back, **asked)
            while not waits(world) and not coming.done():
                pass
        coming.result(timeout=60)
    held = {name: amount for name, amount in world.balances(holder).items() if name.startswith("points.")}
    assert held == {}, "neither owes nor has"
    assert net_points(world, holder) == PHONE
    world.check_books()


def test_redeeming_against_ripening_with_a_debt(world: World) -> None:
    """What ripens pays the debt first: nobody spends it meanwhile."""
    holder, acts = riches(world, "alice", phones=1)
    assert spend(world, holder, PHONE) == PHONE
    for number in range(8):
        world.send(
            "transit", trip(f"T{number}", "alice", at=days_ago(3 + number % 2, 6 + number), trip_id=f"T{number}")
        )
    world.settle()
    with world.house.transaction() as tx:
        settlement.reverse(tx, [acts["alice-P0"]], now=clock.now())
    ripe = clock.now() + timedelta(days=9)

    def ripen() -> int:
        with world.house.transaction() as tx:
            return points.ripen(tx, now=ripe, limit=2)

    answers = at_once([*[taking(world, "spend", holder, 1)] * 6, *[ripen] * 6])
    assert all(isinstance(each, InsufficientPoints) for each in answers[:6])
    while ripen():
        pass
    assert world.balances(holder)["points.debt"] == PHONE - 8 * RIDE
    world.check_books()


def test_who_looks_once_is_told_that_others_were_quicker(world: World) -> None:
    """The first lot is taken while it is waited for: the others would pay, but they are not looked at again."""
    holder, _ = riches(world, "alice", rides=3)
    asked = use(holder, RIDE)
    with ThreadPoolExecutor(1) as pool:
        with world.house.transaction() as tx:
            points.spend(tx, **use(holder, RIDE))
            second = pool.submit(step, world, "spend", **asked, once=True)
            while not waits(world) and not second.done():
                pass
        with pytest.raises(Overtaken):
            second.result(timeout=60)
    assert world.balances(holder)["points.available"] == 2 * RIDE
    step(world, "spend", **asked)
    world.check_books()
