"""`flask methodology restate`: the dry run first, the run with its progress, Ctrl-C, and where it goes on."""

import json
import signal
from typing import Any

import pytest
from sqlalchemy import event

from backend import settlement
from tests.backend.corrected import corrected
from tests.backend.operating import Acting, logged, operator_with_token, run
from tests.backend.world import World, days_ago, trip

RIDE, LESS = 579, 496


@pytest.fixture
def misstated(world: World) -> World:
    """Four rides of three members, restated by a library that was wrong: the command has to put them right again."""
    for number, name in enumerate(("alice", "alice", "bob", "cy")):
        world.person(name)
        world.send("transit", trip(f"T{number}", name, at=days_ago(3, 8 + number)))
    world.settle()
    wrong = corrected("metro_ride", "reduction_per_km", "0.04")
    list(settlement.restate(world.house.sessions, "metro_ride", "V01", library=wrong))
    return world


@pytest.fixture
def restate(app: Any, world: World) -> Any:
    """The command, run by an administrator in the application of the same database."""
    wang = Acting(app, world, "wang")
    return lambda *how, **options: wang("methodology", "restate", "metro_ride", "V01", *how, **options)


def grams(world: World) -> dict[str, int]:
    return {name: world.balances(world.person(name))["reduction"] for name in ("alice", "bob", "cy")}


def test_the_dry_run_is_a_table_and_writes_nothing(misstated: World, restate: Any) -> None:
    done = restate("--dry-run")
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["减排量", "reduction", "g", "1,984", "2,316", "+332"] in lines
    assert ["涉及会员", "members", "affected", "3"] in lines
    assert ["已得", "earned", "2,316"] in lines and ["按重述应得", "would", "have", "earned", "2,316"] in lines
    assert [str(misstated.person("alice")), "2", "+166", "+0", "+0"] in lines
    assert "试算 dry run 4/4" in done.stderr
    assert grams(misstated) == {"alice": 2 * LESS, "bob": LESS, "cy": LESS}


def test_the_dry_run_speaks_to_programs(misstated: World, restate: Any) -> None:
    told = json.loads(restate("--dry-run", "--json").stdout)
    assert (told["methodology"], told["version"]) == ("metro_ride", "V01")
    assert (told["examined"], told["acts"], told["holders"], told["refused_acts"]) == (4, 4, 3, [])
    assert told["amounts"]["reduction_g"] == {"before": 4 * LESS, "after": 4 * RIDE, "difference": 4 * (RIDE - LESS)}
    assert told["points"]["pending"] == told["points"]["would_be"] == 4 * RIDE
    assert told["largest"][0]["differences"] == {"reduction_g": 166, "offset_g": 0, "eac_wh": 0}


def test_a_run_asks_first_and_says_what_it_did(misstated: World, app: Any, restate: Any) -> None:
    asked = restate(input="n\n")
    assert (asked.exit_code, grams(misstated)["bob"]) == (1, LESS)
    done = restate(input="y\n")
    assert done.exit_code == 0, done.output
    assert ["已重述", "restated", "4"] in [line.split() for line in done.stdout.splitlines()]
    assert "重述 restate 4/4" in done.stderr
    assert grams(misstated) == {"alice": 2 * RIDE, "bob": RIDE, "cy": RIDE}
    misstated.check_books()
    again = json.loads(restate("--yes", "--json").stdout)
    assert (again["examined"], again["restated"], again["finished"]) == (4, 0, True)
    begun, ended = logged(app, "methodology.")[:2]
    assert (begun["action"], ended["action"]) == ("methodology.restatement_begun", "methodology.restated")
    assert (ended["before"]["examined"], ended["after"]["restated"], ended["operator"]) == (0, 4, "wang")


def test_ctrl_c_finishes_the_batch_and_the_next_run_goes_on(misstated: World, app: Any, restate: Any) -> None:
    commits = []

    def interrupt(_connection: Any) -> None:
        commits.append(1)
        if len(commits) == 3:  # the run's row, the first batch, the second batch
            signal.raise_signal(signal.SIGINT)

    engine = app.extensions["house"].sessions.kw["bind"]
    event.listen(engine, "commit", interrupt)
    stopped = restate("--yes", "--batch", "1")
    event.remove(engine, "commit", interrupt)
    assert stopped.exit_code == 130, stopped.output
    assert "resume with: flask methodology restate metro_ride V01" in stopped.stderr
    assert sum(grams(misstated).values()) == 2 * RIDE + 2 * LESS
    misstated.check_books()
    assert logged(app)[-1]["action"] == "methodology.restatement_interrupted"
    done = restate("--yes", "--batch", "1")
    assert (done.exit_code, "resuming behind 2/4" in done.stderr) == (0, True)
    assert sum(grams(misstated).values()) == 4 * RIDE
    misstated.check_books()


def test_names_nobody_knows_are_refused_with_their_code(world: World, app: Any) -> None:
    wang, (_, finance) = Acting(app, world, "wang"), operator_with_token(world, "sun", "finance")
    why = ("methodology", "restate", "metro_ride", "V01", "--yes", "--reason", "x")
    assert run(app, *why, "--operator", "sun", token=finance).stderr.startswith("OPERATOR_NOT_ALLOWED")
    assert run(app, *why).exit_code == 2 and run(app, *why[:-3], "--dry-run").exit_code == 0
    assert logged(app) == []
    for code, version, said in (("metro_ride", "V99", "UNKNOWN_VERSION"), ("teleport", "V01", "UNKNOWN_METHODOLOGY")):
        for how in ("--dry-run", "--yes"):
            done = wang("methodology", "restate", code, version, how)
            assert (done.exit_code, said in done.stderr) == (1, True), done.output
