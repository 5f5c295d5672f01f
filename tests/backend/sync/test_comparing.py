"""A platform that mirrors balances is asked what it holds; what differs is kept, explained, and healed."""

import json
from datetime import timedelta
from typing import Any

import pytest
from time_machine import TimeMachineFixture

from backend import clock, identity, partners, sync
from backend.sync.destinations.loyalty import _page
from backend.sync.interfaces import Mirrored
from backend.sync.judging import Ours, Uncounted, judge
from tests.backend.operating import Acting, logged
from tests.backend.sync.following import act, add, deliver, example_module
from tests.backend.sync.receiver import Received, Receiver
from tests.backend.world import World

NOW = clock.now()


class Platform:
    """The documented receiver, with faults: what it loses it answers with 200, what it breaks with 500."""

    def __init__(self, receiver: Receiver, secret: str) -> None:
        self.example = example_module()
        self.accounts = self.example.Accounts()
        self.secret, self.loses, self.breaks = secret, False, False
        self.questions: list[Any] = []
        receiver.answer = self._answer

    def _answer(self, got: Received) -> int | bytes:
        message = self.example.verify([self.secret], got.headers, got.body, clock.now().timestamp())
        if message["type"] == "balances.asked":
            self.questions.append(message["data"])
        elif self.loses or self.breaks:
            return 500 if self.breaks else 200
        said: bytes = self.accounts.answer(message)
        return said or 200


def ask(world: World, receiver: Receiver) -> None:
    while sync.compare_step(world.house.sessions, world.house.vault, "loyalty", allowed_hosts=[receiver.host]):
        pass


def compare(world: World, receiver: Receiver) -> dict[str, tuple[str, str]]:
    """Compare now; the differences that stand, by the platform's name of the holder."""
    with world.house.transaction() as tx:
        sync.begin_comparison(tx, "loyalty", now=clock.now())
    ask(world, receiver)
    with world.house.transaction() as tx:
        done = sync.newest_comparison(tx, "loyalty")
        standing = sync.differences(tx, "loyalty")
    assert done is not None and done.finished_at is not None and done.error is None
    assert done.differing == len(standing)
    return {item.holder: (item.reason, item.state) for item in standing}


def test_every_difference_is_found_kept_and_healed_and_notices_under_way_are_none(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, time_machine: TimeMachineFixture, app: Any
) -> None:
    start = clock.now()
    monkeypatch.setattr("backend.sync.comparing.PAGE", 2)
    monkeypatch.setattr("backend.sync.differing.CHUNK", 3)
    platform = Platform(receiver, add(world, "loyalty", receiver, kind="loyalty"))
    people = {name: world.person(name) for name in ("alice", "bob", "carol", "dan", "eve")}
    names = {n: sync.holder_pseudonym(world.house.vault, "loyalty", holder) for n, holder in people.items()}
    for name in people:
        act(world, f"{name}-1", name)
    deliver(world, "loyalty", receiver)
    assert compare(world, receiver) == {}
    assert [question["after"] for question in platform.questions] == [None, *sorted(names.values())[1:4:2]]

    platform.breaks = True
    act(world, "alice-2", "alice", days=4)
    deliver(world, "loyalty", receiver)
    platform.breaks, platform.loses = False, True
    act(world, "bob-2", "bob", days=4)
    deliver(world, "loyalty", receiver)
    act(world, "alice-3", "alice", days=5)  # not even passed on
    assert compare(world, receiver) == {}, "what is being sent again, or was taken in just now, is no difference"

    time_machine.move_to(start + timedelta(hours=2))
    platform.loses = False
    del platform.accounts.told[names["carol"], "members"]
    platform.accounts.told[names["dan"], "members"][1]["changes"]["reduction"] += 1
    stranger = "f" * 32, "members"
    platform.accounts.told[stranger] = {1: {"balances": {"reduction": 5}}}
    found = compare(world, receiver)
    wrong = {names["bob"]: "LOST", names["carol"]: "ABSENT", names["dan"]: "DIFFERENT"}
    wrong[stranger[0]] = "UNKNOWN_ACCOUNT"
    assert found == {holder: (reason, "open") for holder, reason in wrong.items()}
    with world.house.transaction() as tx:
        before = {item.holder: item for item in sync.differences(tx)}
    dan = before[names["dan"]]
    assert dan.ours == world.balances(people["dan"]) and dan.theirs is not None
    assert dan.theirs["balances"]["reduction"] == dan.ours["reduction"] + 1

    time_machine.move_to(start + timedelta(hours=3))
    assert compare(world, receiver) == found
    with world.house.transaction() as tx:
        again = {item.holder: item for item in sync.differences(tx)}
    assert {item.id for item in again.values()} == {item.id for item in before.values()}
    assert all(again[key].first_seen_at == before[key].first_seen_at < again[key].last_seen_at for key in again)
    wang = Acting(app, world, "wang", "viewer")
    shown = wang("sync", "differences", "loyalty").output.splitlines()
    (read,) = logged(app, "destination.")
    assert (read["action"], read["subject"]) == ("destination.differences_read", "loyalty")
    assert {json.loads(line)["reason"] for line in shown} == set(wrong.values())
    healed = Acting(app, world, "ada")("sync", "heal", "loyalty")
    assert healed.output.startswith("the balances of 3 accounts"), "a stranger cannot be told"
    (told,) = logged(app, "destination.healed")
    assert told["before"] == {"differing": len(found)}
    assert told["after"] == {"differing": len(found), "balances_stated": 3}
    deliver(world, "loyalty", receiver)
    del platform.accounts.told[stranger]
    assert compare(world, receiver) == {}
    for name, holder in people.items():
        assert platform.accounts.balances((names[name], "members")) == world.balances(holder), name
    with world.house.transaction() as tx:
        states = {item.state for item in sync.differences(tx, healed=True)}
        partners.forget_member(tx, people["eve"], source=identity.DELETION, now=clock.now())
    assert states == {"healed"}
    platform.loses = True
    deliver(world, "loyalty", receiver)
    assert compare(world, receiver) == {names["eve"]: ("ENDED", "open")}, "it was told to delete what it holds"


def test_a_platform_that_cannot_be_asked_is_asked_again_and_then_given_up(
    world: World, receiver: Receiver, time_machine: TimeMachineFixture, app: Any
) -> None:
    start = clock.now()
    time_machine.move_to(start)
    add(world, "loyalty", receiver, kind="loyalty")
    add(world, "ranking", receiver)
    receiver.answer = lambda _: b'{"accounts": [], "complete": false}'
    with world.house.transaction() as tx:
        assert sync.begin_comparisons(tx, now=clock.now()) == 1, "a webhook mirrors nothing"
        assert sync.begin_comparisons(tx, now=clock.now()) == 0
        assert sync.due_destinations(tx, now=clock.now()) == ["loyalty"]
    for attempt in range(10):
        time_machine.move_to(start + timedelta(minutes=11 * attempt + 1))
        ask(world, receiver)
        assert len(receiver.received) == attempt + 1, "each failure waits for its time"
    with world.house.transaction() as tx:
        done = sync.newest_comparison(tx, "loyalty")
        assert done is not None and done.finished_at is not None
        assert done.error == "the page of balances cannot be read"
        assert sync.begin_comparisons(tx, now=clock.now()) == 0
    time_machine.move_to(start + timedelta(hours=24))
    with world.house.transaction() as tx:
        assert sync.begin_comparisons(tx, now=clock.now()) == 1
    wang = Acting(app, world, "wang")
    failed = wang("sync", "compare", "loyalty")
    assert failed.exit_code == 1 and "ADDRESS_REFUSED" in failed.output
    assert wang("sync", "compare", "ranking").output.startswith("NO_MIRROR")
    narrow = ("sync", "add", "x", "https://x.example/", "--basis", "entrusted", "--kind", "loyalty")
    assert wang(*narrow, "--topic", "reduction.issued").output.startswith("INVALID_DESTINATION")


GOOD = {"holder": "a" * 32, "programme": "members", "sequence": 3, "missing": [2], "balances": {"reduction": 5}}


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {"accounts": []},
        {"accounts": [], "complete": False},
        {"accounts": [GOOD], "complete": "yes"},
        {"accounts": [GOOD, GOOD], "complete": True},
        {"accounts": [GOOD | {"holder": "b" * 32}, GOOD], "complete": True},
        {"accounts": [GOOD | {"holder": "Alice"}], "complete": True},
        {"accounts": [GOOD | {"sequence": "3"}], "complete": True},
        {"accounts": [GOOD | {"sequence": True}], "complete": True},
        {"accounts": [GOOD | {"missing": list(range(1_001))}], "complete": True},
        {"accounts": [GOOD | {"balances": {"reduction": 2**63}}], "complete": True},
        {"accounts": [{"holder": "a" * 32}], "complete": True},
        {"accounts": [GOOD | {"holder": f"{n:032x}"} for n in range(1, 4)], "complete": True},
    ],
)
def test_a_page_that_makes_no_sense_is_refused(answer: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        _page(answer, "0" * 32, 2)
    assert _page({"accounts": [GOOD], "complete": True}, "0" * 32, 2).accounts[0].missing == {2}


HELD = {"reduction": 10}
DEAD, FRESH = Uncounted("dead", None, {"reduction": 4}), Uncounted("delivered", NOW, {"reduction": 4})
OLD = Uncounted("delivered", NOW - timedelta(hours=2), {"reduction": 4})


@pytest.mark.parametrize(
    ("ours", "theirs", "reason", "state"),
    [
        (Ours("told", 2, HELD), {"reduction": 10}, None, None),
        (Ours("told", 2, HELD, (FRESH,)), {"reduction": 6}, None, None),
        (Ours("told", 2, HELD, (Uncounted("waiting", None, {"reduction": 4}),)), {"reduction": 6}, None, None),
        (Ours("told", 2, HELD, (Uncounted("waiting", None, {"reduction": 4}),)), {"reduction": 7}, "DIFFERENT", "open"),
        (Ours("told", 2, HELD, (DEAD,)), {"reduction": 6}, "UNDELIVERED", "explained"),
        (Ours("told", 2, HELD, (Uncounted("waiting", None, None),)), {}, "UNDELIVERED", "explained"),
        (Ours("told", 2, HELD, (OLD,)), {"reduction": 6}, "LOST", "open"),
        (Ours("told", 1, HELD), {"reduction": 10}, "AHEAD", "open"),
        (Ours("told", 2, HELD), None, "ABSENT", "open"),
        (Ours("told", 2, {}), None, None, None),
        (Ours("interrupted", 2, {}), {"reduction": 7}, None, None),
        (Ours("ended", 2, {}), {}, "ENDED", "open"),
        (Ours("ended", 2, {}), None, None, None),
        (None, {}, "UNKNOWN_ACCOUNT", "open"),
    ],
)
def test_what_is_a_difference(ours: Any, theirs: Any, reason: Any, state: Any) -> None:
    mirrored = None if theirs is None else Mirrored("a" * 32, "members", 2, frozenset(), theirs)
    verdict = judge(ours, mirrored, now=NOW)
    assert (verdict and verdict.reason, verdict and verdict.state) == (reason, state)
