"""What hangs on an act goes back with it: in the same transaction, in every way an act can go, or not at all."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import build_house, clock, settlement
from backend.activities import ActivityKey
from backend.errors import Misconfigured
from backend.settings import Settings
from tests.backend.operating import signed_in
from tests.backend.settlement.effects import WAYS, Case, Trial, goes_back_whole
from tests.backend.world import World, cancel, trade_in


class Badges:
    """A small effect for these tests: a badge per act, struck out when the act goes."""

    name = "badges"

    def __init__(self) -> None:
        self.calls: list[list[ActivityKey]] = []
        self.fails = False

    def derive(self, tx: Session, keys: Sequence[ActivityKey], now: datetime) -> None:
        for _, activity_id in keys:
            tx.execute(text("INSERT INTO badges (activity, struck_out) VALUES (:a, 0)"), {"a": activity_id.hex})

    def take_back(self, tx: Session, activity_keys: Sequence[ActivityKey], *, now: datetime) -> None:
        self.calls.append(list(activity_keys))
        for _, activity_id in activity_keys:
            tx.execute(text("UPDATE badges SET struck_out = 1 WHERE activity = :a"), {"a": activity_id.hex})
        if self.fails:
            raise RuntimeError("the badge cannot be struck out")


@pytest.fixture
def badges(world: World) -> Iterator[Badges]:
    with world.house.transaction() as tx:
        tx.execute(text("CREATE TABLE badges (activity TEXT NOT NULL, struck_out INTEGER NOT NULL)"))
    yield Badges()
    with world.house.transaction() as tx:  # so that the next test finds the schema as it was, and need not copy it anew
        tx.execute(text("DROP TABLE badges"))


def case_of(badges: Badges) -> Case:
    return Case(badges, badges.derive, {"badges": "struck_out = 0"})


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_effect_goes_back_in_every_way_an_act_can_go(
    world: World, badges: Badges, way: Callable[[Trial], None]
) -> None:
    goes_back_whole(world, case_of(badges), way)


def test_the_common_test_notices_an_effect_that_stays(world: World, badges: Badges) -> None:
    badges.take_back = lambda tx, activity_keys, *, now: None  # type: ignore[method-assign]
    with pytest.raises(AssertionError):
        goes_back_whole(world, case_of(badges), WAYS[0])


def test_no_act_goes_back_without_what_hangs_on_it(world: World, badges: Badges) -> None:
    trial = Trial(world, case_of(badges))
    keys = trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    before, badges.fails = world.balances(trial.alice), True
    with pytest.raises(RuntimeError), world.house.transaction() as tx:
        settlement.reverse(tx, keys, now=clock.now())
    trial.settled("zhuanzhuan", cancel("D1", "alice"))
    assert world.balances(trial.alice) == before, "the event waits until the effect can be taken back"
    badges.fails = False
    with world.house.transaction() as tx:
        assert settlement.reverse(tx, keys, now=clock.now()) == keys
    trial.ends_as_if_nothing_had_been()


def test_acts_of_one_batch_come_together_and_sorted(world: World, badges: Badges) -> None:
    trial = Trial(world, case_of(badges))
    orders = [(trade_in(f"D{n}", name, f"SN-{n}"), name) for n, name in enumerate(("bob", "alice", "bob"))]
    holders = {"alice": trial.alice, "bob": trial.bob}
    keys = [key for event, name in orders for key in trial.derived("zhuanzhuan", event, holders[name])]
    assert badges.calls == [], "what is credited takes nothing back"
    with world.house.transaction() as tx:
        settlement.reverse(tx, [*reversed(keys), keys[0]], now=clock.now())
    assert badges.calls == [sorted(keys)]


def test_effects_go_back_while_partners_and_reviewers_are_at_it(world: World, badges: Badges) -> None:
    """Cancellations and decisions about the same acts at the same moment: every badge is struck out."""
    trial = Trial(world, case_of(badges))
    wang = signed_in(world, "wang", "reviewer")
    acts = [trial.derived("zhuanzhuan", trade_in(f"D{n}", "alice", f"SN-{n}"), trial.alice)[0] for n in range(8)]
    for number in range(8):
        world.send("zhuanzhuan", cancel(f"D{number}", "alice"))

    def review() -> None:
        for _, activity_id in reversed(acts):
            settlement.reverse_after_review(world.house.sessions, activity_id, operator=wang, reason="x")

    threads = [threading.Thread(target=job) for job in (review, review, world.settle, world.settle)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.settle()
    world.check_books()
    assert set(acts) == {key for call in badges.calls for key in call}
    with world.house.transaction() as tx:
        assert tx.execute(text("SELECT DISTINCT struck_out FROM badges")).scalars().all() == [1]


def test_effects_are_called_in_the_order_of_the_house(world: World, badges: Badges) -> None:
    seen: list[str] = []

    class Watch:
        def __init__(self, name: str) -> None:
            self.name = name

        def take_back(self, tx: Session, activity_keys: Sequence[ActivityKey], *, now: datetime) -> None:
            seen.append(self.name)

    settings = Settings.for_tests(database_url=str(world.house.settings.database_url))
    house = build_house(settings, [Watch("certificates"), Watch("adoptions")])
    trial = Trial(world, case_of(badges))
    keys = trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    with house.transaction() as tx:
        settlement.reverse(tx, keys, now=clock.now())
    assert seen == ["certificates", "adoptions"]
    with pytest.raises(Misconfigured):
        build_house(settings, [Watch("adoptions"), Watch("adoptions")])
