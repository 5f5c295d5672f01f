"""Points in lots: pending, available, spent, owed, lapsed. After every step the open lots sum to the accounts."""

import json
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from backend import clock, create_app, ledger, points
from backend.points import Rule, rule_on
from tests.backend.operating import run
from tests.backend.spending import net_points, spend
from tests.backend.world import World, cancel, days_ago, event, trade_in, trip

PHONE, TABLET, LAPTOP = 23_750, 23_940, 74_480
SCHEDULED = timedelta(days=30)


@pytest.fixture
def alice(world: World) -> UUID:
    return world.person("alice")


def send(world: World, partner: str, told: dict[str, object]) -> None:
    world.send(partner, told)
    world.settle()
    world.check_books_at_the_end()


def ripen(world: World, after: timedelta = SCHEDULED) -> None:
    with time_machine.travel(clock.now() + after, tick=False):
        world.ripen()
    world.check_books_at_the_end()


def lapse(world: World, after: timedelta) -> None:
    with time_machine.travel(clock.now() + after, tick=False), world.house.transaction() as tx:
        points.lapse(tx, now=clock.now())
    world.check_books_at_the_end()


def held(world: World, holder: UUID) -> dict[str, int]:
    """The points accounts by their short names; empty ones are left out."""
    return {
        name.removeprefix("points."): amount
        for name, amount in world.balances(holder).items()
        if name.startswith("points.")
    }


# -- debt --------------------------------------------------------------------------------------------------------


def test_spent_points_are_owed_when_their_act_is_taken_back(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    ripen(world)
    assert spend(world, alice, 20_000) == 20_000
    world.check_books()
    assert held(world, alice) == {"available": PHONE - 20_000}
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    assert held(world, alice) == {"debt": 20_000}
    assert world.balances(alice).get("reduction") is None
    assert net_points(world, alice) == 0


def test_other_available_points_pay_at_once_the_soonest_to_lapse_first(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(9)))
    ripen(world)
    spend(world, alice, PHONE)
    send(world, "zhuanzhuan", trade_in("D2", "alice", "SN-2", occurred_at=days_ago(3)))
    send(world, "zhuanzhuan", trade_in("D3", "alice", "SN-3", category="tablet", occurred_at=days_ago(6)))
    ripen(world)
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    assert held(world, alice) == {"available": PHONE + TABLET - PHONE}
    assert remaining(world) == {"D1": 0, "D2": PHONE, "D3": TABLET - PHONE}


def remaining(world: World) -> dict[str, int]:
    query = """
        SELECT a.order_no, SUM(l.remaining) AS remaining FROM points_lots l
        JOIN activities a ON a.holder_id = l.holder_id AND a.id = l.activity_id GROUP BY a.order_no"""
    with world.house.transaction() as tx:
        return {row.order_no: int(row.remaining) for row in tx.execute(text(query))}


def test_pending_points_pay_a_debt_only_when_they_ripen(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", category="laptop"))
    ripen(world)
    spend(world, alice, LAPTOP)
    send(world, "zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    send(world, "zhuanzhuan", trade_in("D3", "alice", "SN-3"))
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    assert held(world, alice) == {"pending": 2 * PHONE, "debt": LAPTOP}
    ripen(world)
    assert held(world, alice) == {"debt": LAPTOP - 2 * PHONE}
    send(world, "zhuanzhuan", trade_in("D4", "alice", "SN-4", category="laptop"))
    ripen(world)
    assert held(world, alice) == {"available": 2 * PHONE}
    assert net_points(world, alice) == 2 * PHONE + LAPTOP


def test_points_that_paid_a_debt_are_owed_when_their_own_act_goes_too(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    ripen(world)
    spend(world, alice, PHONE)
    send(world, "zhuanzhuan", trade_in("D2", "alice", "SN-2"))
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    ripen(world)
    assert held(world, alice) == {}
    send(world, "zhuanzhuan", cancel("D2", "alice"))
    assert held(world, alice) == {"debt": PHONE}


def test_several_acts_of_one_member_are_taken_back_together(world: World, alice: UUID) -> None:
    """Both lots are gone at once: neither pays for the other."""
    items = [{"line": n, "category": "phone", "serial": f"SN-{n}", "quantity": 1} for n in (1, 2, 3)]
    send(world, "zhuanzhuan", event("device.traded_in", "D1", "alice", outcome="resold", items=items))
    ripen(world)
    spend(world, alice, PHONE + 1_000)
    send(world, "zhuanzhuan", cancel("D1", "alice", 1, 2))
    assert held(world, alice) == {"debt": 1_000}, "the third lot paid what it could"
    assert net_points(world, alice) == PHONE
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    assert held(world, alice) == {"debt": PHONE + 1_000}


def test_an_act_that_comes_to_its_right_again_pays_the_debt_it_left(world: World, alice: UUID) -> None:
    """Displaced by an earlier claim after its points were spent, then promoted when that claim goes."""
    bob = world.person("bob")
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(3)))
    ripen(world)
    spend(world, alice, PHONE)
    send(world, "zhuanzhuan", trade_in("D2", "bob", "SN-1", occurred_at=days_ago(5)))
    assert (held(world, alice), held(world, bob)) == ({"debt": PHONE}, {"pending": PHONE})
    send(world, "zhuanzhuan", cancel("D2", "bob"))
    assert (held(world, alice), held(world, bob)) == ({"pending": PHONE, "debt": PHONE}, {})
    ripen(world)
    assert held(world, alice) == {}
    assert net_points(world, alice) == PHONE


def test_nobody_spends_what_is_not_there(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    assert spend(world, alice, 1) == 0, "pending points cannot be spent"
    ripen(world)
    assert spend(world, alice, PHONE + 1) == PHONE
    assert spend(world, alice, 1) == 0


# -- lapsing -----------------------------------------------------------------------------------------------------


def test_points_lapse_two_years_after_they_ripened(world: World, alice: UUID) -> None:
    send(world, "transit", trip("T1", "alice", at=days_ago(3)))
    ripen(world)
    life = clock.start_of_day_after(clock.today(), -1) + timedelta(days=730) - clock.now()
    lapse(world, life - timedelta(seconds=5))
    assert held(world, alice) == {"available": 579}
    lapse(world, life + timedelta(seconds=5))
    assert held(world, alice) == {}
    assert world.balances(alice) == {"reduction": 579}, "grams never lapse"
    lapse(world, life + timedelta(days=1))


def test_what_lapsed_unused_is_not_owed(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    ripen(world)
    spend(world, alice, 3_000)
    lapse(world, timedelta(days=800))
    send(world, "zhuanzhuan", cancel("D1", "alice"))
    assert held(world, alice) == {"debt": 3_000}


def test_pending_points_never_lapse_before_they_ripened(world: World, alice: UUID) -> None:
    send(world, "zhuanzhuan", trade_in("D1", "alice", "SN-1"))
    lapse(world, timedelta(days=2_000))
    assert held(world, alice) == {"pending": PHONE}
    ripen(world, timedelta(days=2_000))
    lapse(world, timedelta(days=2_000))
    assert held(world, alice) == {}


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_the_jobs_work_in_steps_and_come_to_an_end(world: World, alice: UUID, limit: int) -> None:
    for number in range(5):
        world.send("transit", trip(f"T{number}", "alice", at=days_ago(3, 7 + number)))
    world.settle()
    for verb, later in ((points.ripen, timedelta(days=10)), (points.lapse, timedelta(days=900))):
        done = []
        while not done or done[-1]:
            with world.house.transaction() as tx:
                done.append(verb(tx, now=clock.now() + later, limit=limit))
        assert (sum(done), max(done)) == (5, min(limit, 5))
        world.check_books()
    assert held(world, alice) == {}


# -- rules -------------------------------------------------------------------------------------------------------


def rule(version: int, day: str, per_gram: str = "1", **stated: Any) -> Rule:
    texts = {
        name: json.dumps(stated.get(name, empty)) for name, empty in (("rates", {}), ("fixed_points", {}), ("caps", []))
    }
    days = {"announced_on": date(2024, 12, 1), "in_force_from": date.fromisoformat(day)}
    plain = {"programme": "members", "version": version, "expires_after_days": 730, "note": ""}
    return Rule.parse(points_per_gram=per_gram, **texts, **days, **plain)


RULES = [rule(1, "2025-01-01"), rule(2, "2026-01-01", "1/3"), rule(3, "2026-01-01", "1/2")]


@pytest.mark.parametrize(
    ("day", "version"), [("2024-12-31", None), ("2025-01-01", 1), ("2025-12-31", 1), ("2026-01-01", 3)]
)
def test_the_rule_of_the_activitys_day_counts(day: str, version: int | None) -> None:
    found = rule_on(RULES, "members", date.fromisoformat(day))
    assert (found.version if found else None) == version
    assert rule_on(RULES, "others", date.fromisoformat(day)) is None


@pytest.mark.parametrize(
    ("per_gram", "grams", "earned"), [("1/3", 2, 0), ("1/3", 3, 1), ("1/3", 299, 99), ("0.1", 19, 1), ("2", 7, 14)]
)
def test_points_are_whole_and_rounded_down(per_gram: str, grams: int, earned: int) -> None:
    assert rule(1, "2025-01-01", per_gram).points_for("metro_ride", grams, 0) == earned


def test_offset_backed_claims_earn_a_fixed_amount_whatever_their_grams() -> None:
    fixed = rule(1, "2025-01-01", fixed_points={"low_carbon_pc": 200})
    assert fixed.points_for("low_carbon_pc", 0, 1) == fixed.points_for("low_carbon_pc", 0, 10**9) == 200
    assert fixed.points_for("low_carbon_pc", 500, 0) == 500
    assert fixed.points_for("metro_ride", 0, 300) == 0
    assert fixed.points_per_gram == Fraction(1)


def test_a_day_before_the_first_rule_earns_grams_and_no_points(world: World, alice: UUID) -> None:
    with world.house.transaction() as tx:
        # Nothing in the house does this: the triggers keep what is published.
        off = "DROP TRIGGER points_rules_append_only ON points_rules"
        tx.execute(text(off if tx.get_bind().dialect.name == "postgresql" else "DROP TRIGGER points_rules_no_update"))
        tx.execute(text("UPDATE points_rules SET in_force_from = :day"), {"day": clock.today().isoformat()})
    send(world, "transit", trip("T1", "alice", at=days_ago(3)))
    assert world.balances(alice) == {"reduction": 579}
    send(world, "transit", cancel("T1", "alice"))
    assert world.balances(alice) == {}


def test_a_published_version_is_never_rewritten(world: World) -> None:
    with world.house.transaction() as tx:
        points.save_rule(tx, programme="members", version=1, in_force_from=date(2025, 1, 1), points_per_gram="1000")
        assert [item.points_per_gram for item in points.rules(tx)] == [Fraction(1)]


# -- the database and the trial balance --------------------------------------------------------------------------

FORBIDDEN = [
    "UPDATE points_lots SET remaining = -1",
    "UPDATE points_lots SET remaining = amount + 1",
    "UPDATE points_lots SET expired = 1",
    "UPDATE points_lots SET stage = 'closed'",
    "UPDATE points_lots SET stage = 'available to all'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_the_database_refuses_an_impossible_lot(world: World, alice: UUID, statement: str) -> None:
    send(world, "transit", trip("T1", "alice"))
    with pytest.raises(IntegrityError), world.house.transaction() as tx:
        tx.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "accounts"),
    [
        ("UPDATE points_lots SET remaining = remaining - 1", {"points.pending"}),
        ("UPDATE points_lots SET stage = 'available'", {"points.pending", "points.available"}),
        ("UPDATE points_lots SET stage = 'closed', remaining = 0", {"points.pending"}),
    ],
)
def test_lots_that_do_not_sum_to_the_accounts_are_named(
    world: World, alice: UUID, statement: str, accounts: set[str]
) -> None:
    send(world, "transit", trip("T1", "alice"))
    with world.house.transaction() as tx:
        tx.execute(text(statement))
        assert {row["account"] for row in points.differences(tx)} == accounts
        tx.rollback()


def test_the_trial_balance_looks_at_one_moment(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots and balances are read one after the other; what ripens between them is no difference."""
    world = World(postgresql_url)
    world.person("alice")
    send(world, "transit", trip("T1", "alice"))
    read = ledger.all_balances

    def ripened_meanwhile(*arguments: Any) -> Any:
        monkeypatch.setattr(ledger, "all_balances", read)
        with world.house.transaction() as other:
            assert points.ripen(other, now=clock.now() + SCHEDULED) == 1
        return read(*arguments)

    monkeypatch.setattr(ledger, "all_balances", ripened_meanwhile)
    told = run(create_app(world.house.settings), "ledger", "trial-balance")
    assert (told.exit_code, told.stdout.splitlines()[0]) == (0, "the books balance")


def test_a_lot_says_when_it_ripens_by_the_day_of_the_act(world: World, alice: UUID) -> None:
    """A trip of one minute to midnight belongs to that day, whatever the day is in UTC."""
    send(world, "transit", trip("T1", "alice", at=days_ago(3, 23, 59)))
    send(world, "transit", trip("T2", "alice", at=days_ago(2, 0, 29)))
    with world.house.transaction() as tx:
        rows = tx.execute(text("SELECT available_at FROM points_lots ORDER BY available_at")).all()
    found = [_aware(row.available_at) for row in rows]
    assert found == [clock.start_of_day_after(clock.today(), -1), clock.start_of_day_after(clock.today(), 0)]


def _aware(value: datetime | str) -> datetime:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant
