"""What arrives in parallel spends once: one balance, one key, one device, one reversal at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event, text

from backend import clock, points, rewards
from backend.errors import Refusal
from backend.idempotency import RequestUnderWay
from backend.rewards import Limits, TooLateToCancel
from backend.rewards.catalogue.stock import pieces_left
from tests.backend.rewards.redeeming import Redeemer, give_points
from tests.backend.rewards.stocked import stock_up
from tests.backend.world import World, cancel, trip

ROUNDS, AT_ONCE = 4, 12
Act = Callable[[int], Any]


@pytest.fixture
def world(postgresql_url: str) -> Iterator[World]:
    made = World(postgresql_url)
    stock_up(made, codes=[f"CODE-{number}" for number in range(ROUNDS + 5)], mugs=2, per_person=None)
    yield made
    made.check_books()


def together(acts: list[Act]) -> list[Any]:
    """Each act in a thread of its own, all at the same moment; what they gave, refusals included."""
    gate = Barrier(len(acts))

    def one(number: int) -> Any:
        gate.wait()
        try:
            return acts[number](number)
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(one, range(len(acts))))


def test_a_balance_that_pays_for_one_pays_for_one(world: World) -> None:
    """Different keys, the same points: one is redeemed, and every other is told why not."""
    for number in range(ROUNDS):
        member = Redeemer(world, f"member{number}", 100)
        answers = together([lambda _, by=member: by.redeem("coffee", 100)] * AT_ONCE)
        told = Counter((status, said.get("code")) for status, said in answers)
        assert told == {(201, None): 1, (409, "INSUFFICIENT_POINTS"): AT_ONCE - 1}
        assert member.points == {}
    with world.house.transaction() as tx:
        taken = tx.execute(
            text("SELECT count(*), count(DISTINCT redemption_id) FROM reward_codes WHERE state = 'taken'")
        )
        assert tuple(taken.one()) == (ROUNDS, ROUNDS)
        assert tx.scalar(text("SELECT count(*) FROM reward_vouchers")) == ROUNDS


def test_one_key_is_carried_out_once_however_often_it_comes(world: World) -> None:
    member = Redeemer(world, "alice", 10_000)
    answers = together([lambda _: member.redeem("coffee", 100, "k1")] * AT_ONCE)
    told = [answer for answer in answers if not isinstance(answer, RequestUnderWay)]
    assert len({said["id"] for _, said in told}) == 1 and {status for status, _ in told} == {201}
    assert member.points == {"available": 9_900}
    refused = together([lambda _: member.redeem("coffee", 1, "k2")] * AT_ONCE)
    assert {(status, said["code"]) for status, said in refused} == {(409, "PRICE_CHANGED")}
    with world.house.transaction() as tx:
        assert tx.scalar(text("SELECT count(*) FROM redemptions")) == 1


def test_limits_hold_for_what_comes_at_once(world: World) -> None:
    today, members = clock.today(), [Redeemer(world, f"member{number}", 1_000) for number in range(AT_ONCE)]
    limits = Limits(points_per_day=200, device_count=3, device_minutes=60)
    with world.house.transaction() as tx:
        rewards.save_limits(tx, "members", limits, in_force_from=today, announced_on=today)
    answers = together([lambda n: members[n].redeem("coffee", 100, device="phone")] * AT_ONCE)
    assert Counter(said.get("limit") for _, said in answers) == {None: 3, "DEVICE_WINDOW": AT_ONCE - 3}
    answers = together([lambda n: members[0].redeem("coffee", 100, device=f"phone {n}")] * AT_ONCE)
    spent = 1_000 - members[0].points["available"]
    assert spent == 200 and {said.get("limit") for _, said in answers} == {None, "POINTS_PER_DAY"}


def test_the_last_piece_and_a_cancellation(world: World) -> None:
    members = [Redeemer(world, f"member{number}", 900) for number in range(AT_ONCE)]
    answers = together([lambda n: members[n].redeem("mug", 300)] * AT_ONCE)
    assert Counter(status for status, _ in answers) == {201: 2, 409: AT_ONCE - 2}
    winner, said = next((by, said) for by, (status, said) in zip(members, answers, strict=True) if status == 201)
    cancelled = together([lambda _: winner.cancel(said["id"])] * 5)
    assert [told for told in cancelled if told is not None and not isinstance(told, TooLateToCancel)] == []
    assert winner.points == {"available": 900}
    with world.house.transaction() as tx:
        assert pieces_left(tx, "mug") == 1


def test_redeeming_against_a_reversal(world: World) -> None:
    """Whoever is first: the points are spent and then owed, or taken back and then not there."""
    for number in range(ROUNDS):
        member = Redeemer(world, f"member{number}", linked=True)
        world.send("transit", trip(f"T{number}", f"member{number}"))
        world.settle()
        world.ripen()
        assert member.points["available"] > 100
        world.send("transit", cancel(f"T{number}", f"member{number}"))
        answers = together([lambda _, by=member: by.redeem("coffee", 100), lambda _: world.settle()])
        if answers[0][0] == 201:
            assert member.points == {"debt": 100}
        else:
            assert answers[0][1]["code"] == "INSUFFICIENT_POINTS" and member.points == {}


def test_redeeming_against_lapsing(world: World) -> None:
    for number in range(ROUNDS):
        member = Redeemer(world, f"member{number}")
        give_points(world, member.holder, 100, days=1)

        def lapse(_: int) -> None:
            with world.house.transaction() as tx:
                points.lapse(tx, now=clock.now() + timedelta(days=2))

        answers = together([lambda _, by=member: by.redeem("coffee", 100), lapse])
        assert answers[0][0] == 201 or answers[0][1]["code"] == "INSUFFICIENT_POINTS"
        assert answers[1] is None and member.points == {}


def test_nothing_is_left_of_a_redemption_that_broke_off(world: World) -> None:
    """The process dies at each of its statements in turn: afterwards the same request is carried out once."""
    member = Redeemer(world, "alice", 1_000)
    engine: Any = world.house.sessions.kw["bind"]
    fatal = [0]

    def die(*_: Any) -> None:
        fatal[0] -= 1
        if fatal[0] == 0:
            raise KeyboardInterrupt  # nothing of ours catches it

    event.listen(engine, "before_cursor_execute", die)
    try:
        for at in range(1, 60):
            fatal[0] = at
            try:
                first = member.redeem("coffee", 100, "k1")
                break
            except KeyboardInterrupt:
                assert member_points(world, member, fatal) == {"available": 1_000}, at
        else:
            pytest.fail("it never came to its end")
    finally:
        event.remove(engine, "before_cursor_execute", die)
    assert at > 10 and first[0] == 201
    assert member.redeem("coffee", 100, "k1") == first and member.points == {"available": 900}


def member_points(world: World, member: Redeemer, fatal: list[int]) -> dict[str, int]:
    fatal[0] = 0
    return member.points
