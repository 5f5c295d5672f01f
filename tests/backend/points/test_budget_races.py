"""Budgets while many workers settle, on PostgreSQL: they end at exactly their limit, and what is cut is told."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from backend import clock, partners, points
from backend.points import NewBudget
from tests.backend.world import World, cancel, days_ago, trip

WORKERS, PEOPLE, RIDES = 6, 5, 6
MEMBERS = NewBudget("members", "programme", "members", "会员预算 / Members' budget", date(2025, 1, 1), None, 1)


def settle(world: World) -> None:
    """Everything that waits, in small batches by several workers at once."""

    def work(_: int) -> None:
        while partners.settle_waiting(world.house.sessions, world.house.vault, limit=3):
            pass

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(work, range(WORKERS)))


def rides(world: World, name: str) -> None:
    for person in range(PEOPLE):
        for number in range(RIDES):
            at = days_ago(2 + number, 7 + person)
            world.send("transit", trip(f"{name}-{person}-{number}", f"p{person}", at=at, km="9"))


def test_a_budget_that_ends_in_the_middle_ends_at_exactly_its_limit(postgresql_url: str) -> None:
    world = World(postgresql_url)
    people = [world.person(f"p{person}", linked=False, consenting=False) for person in range(PEOPLE)]
    for person, holder in enumerate(people):
        world.link(holder, "transit", f"p{person}")
        world.consent(holder, "transit")
    world.send("transit", trip("first", "p0", at=days_ago(20), km="9"))
    settle(world)
    each = world.balances(people[0])["points.pending"]
    limit = each * PEOPLE * RIDES // 2 + 1
    with world.house.transaction() as tx:
        own = points.open_budget(tx, replace(MEMBERS, points=limit), now=clock.now())
        metro = replace(MEMBERS, scope="partner", scope_code="transit", points=10 * limit)
        points.open_budget(tx, metro, now=clock.now())
    rides(world, "O")
    settle(world)

    def given() -> int:
        return sum(world.balances(holder).get("points.pending", 0) for holder in people) - each

    assert given() == limit
    with world.house.transaction() as tx:
        assert [(item.drawn, item.left > 0) for item in points.budgets_of(tx)] == [(limit, False), (limit, True)]
        cuts = [row for holder in people for row in points.holdings(tx, holder)["points_cuts"]]
    assert {row["code"] for row in cuts} == {"POINTS_BUDGET_USED_UP"}
    assert limit + sum(row["earned"] - row["granted"] for row in cuts) == each * PEOPLE * RIDES
    grams = sum(world.balances(holder)["reduction"] for holder in people)
    assert grams == each * (PEOPLE * RIDES + 1), "at a point for a gram: grams are credited in any case"
    world.check_books()

    for person in range(PEOPLE):
        world.send("transit", cancel(f"O-{person}-0", f"p{person}"))
        world.send("transit", cancel(f"O-{person}-{RIDES - 1}", f"p{person}"))
        world.send("transit", trip(f"N-{person}", f"p{person}", at=days_ago(15, 7 + person), km="9"))
    settle(world)
    with world.house.transaction() as tx:
        points.take_up_returned(tx)
        assert points.budgets_of(tx)[own - 1].drawn == given() <= limit
    world.check_books()
