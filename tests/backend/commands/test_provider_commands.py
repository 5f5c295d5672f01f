"""Providers, stuck orders and handovers at a terminal: everybody named, everything in the operator log."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from backend import clock, create_app, rewards
from backend.settings import Settings
from tests.backend.operating import Acting, logged, run
from tests.backend.rewards.ordering import ADDRESS, PRICE, outside_reward
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.rewards.stocked import stock_up
from tests.backend.world import World

TOLD = ("--recipient", "小包裹 / Little parcels", "--contact", "400-100", "--hands-over", "地址 / the address")


@pytest.fixture
def app(postgresql_url: str) -> Flask:
    return create_app(Settings.for_tests(database_url=postgresql_url))


def added(done: Any) -> str:
    assert done.exit_code == 0, done.output + done.stderr
    return str(done.stdout.strip())


def lines(done: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_provider_from_its_beginning_to_its_end(app: Flask, postgresql_url: str) -> None:
    ada = Acting(app, World(postgresql_url), "ada")
    add = ("reward", "provider", "add", "gifts", "https://gifts.example/orders?key=k4", "--kind", "http_order", *TOLD)
    secret = added(ada(*add))
    assert secret.startswith("whsec_")
    assert ada(*add).stderr.startswith("PROVIDER_EXISTS")
    assert ada(*add[:4], "http://10.0.0.1/", *add[5:]).stderr.startswith("ADDRESS_REFUSED")
    assert ada(*add[:3], "recorded", *add[4:]).stderr.startswith("INVALID_PROVIDER")
    rotated = ada("reward", "provider", "rotate", "gifts").stdout.strip()
    assert rotated.startswith("whsec_") and rotated != secret
    assert ada("reward", "provider", "move", "gifts", "http://10.0.0.1/").stderr.startswith("ADDRESS_REFUSED")
    assert ada("reward", "provider", "move", "gifts", "https://gifts.example/v2?key=k5").exit_code == 0
    day = clock.today().isoformat()
    assert run(app, "reward", "reconcile", "gifts", day).stderr.startswith("NO_DAILY_LIST")
    assert ada("reward", "provider", "retire", "gifts").exit_code == 0
    assert ada("reward", "provider", "rotate", "gifts").stderr.startswith("UNKNOWN_PROVIDER")
    (shown,) = lines(run(app, "reward", "provider", "list"))
    assert (shown["code"], shown["kind"], shown["retired"]) == ("gifts", "http_order", True)
    rows = logged(app, "provider.")
    done = ["provider.added", "provider.key_rotated", "provider.moved", "provider.retired"]
    assert [row["action"] for row in rows] == done
    assert rows[2]["after"] == {"url": "https://gifts.example/v2?…"}
    assert shown["url"] == "https://gifts.example/v2?key=k5"
    before, after = rows[1]["before"]["secrets_end"], rows[1]["after"]["secrets_end"]
    assert (before, len(after), after[1]) == ([None], 2, None) and after[0] is not None
    assert secret not in str(rows) + str(shown)
    assert rows[0]["after"]["url"] == "https://gifts.example/orders?…", "a query may hold a key"


def test_what_is_stuck_is_settled_by_two_and_what_is_recorded_is_handed_over(
    app: Flask, postgresql_url: str, tmp_path: Path
) -> None:
    with time_machine.travel(clock.start_of(clock.today()) + timedelta(hours=9), tick=False) as moment:
        world = World(postgresql_url)
        fay, finn, li = (Acting(app, world, name, role) for name, role in STAFF.items())
        outside_reward(world, tmp_path).tell("fail")
        stock_up(world, mugs=1)
        alice = Redeemer(world, "alice", PRICE + 300)
        unknown = alice.redeem("parcel", PRICE)[1]["id"]
        assert run(app, "redemption", "stuck").exit_code == 0
        moment.shift(timedelta(days=2))
        stuck = run(app, "redemption", "stuck")
        assert stuck.exit_code == 1 and [row["redemption"] for row in lines(stuck)] == [unknown]
        settle = ("redemption", "settle", unknown, "--not-delivered")
        assert li(*settle).stderr.startswith("OPERATOR_NOT_ALLOWED")
        asked = fay(*settle).stdout.strip()
        decide = ("approval", "decide", asked, "--grant")
        assert fay(*decide).stderr.startswith("SECOND_OPERATOR_NEEDED")
        assert finn(*decide).exit_code == 0 and finn(*decide).stderr.startswith("APPROVAL_DECIDED")
        assert fay(*settle).stderr.startswith("OUTCOME_KNOWN")
        assert alice.in_full(unknown)["state"] == "cancelled"

        mug = alice.redeem("mug", 300, recipient=rewards.recipient_of(ADDRESS))[1]["id"]
        (waiting,) = lines(run(app, "reward", "handover", "list", "--reward", "mug"))
        assert waiting["redemption"] == mug and "street" not in waiting
        assert json.loads(li("reward", "handover", "recipient", mug).stdout) == ADDRESS
        assert li("reward", "handover", "done", mug).exit_code == 0
        assert li("reward", "handover", "done", mug).stderr.startswith("ALREADY_CARRIED_OUT")
        assert li("reward", "handover", "recipient", mug).stderr.startswith("NOT_FOUND")
        assert lines(run(app, "reward", "handover", "list")) == []
        assert alice.in_full(mug)["recipient"]["deleted_because"] == "delivered"
        rows = [row for row in logged(app, "reward") if not row["action"].startswith("reward.stock")]
        done = ["rewards.outcome_requested", "rewards.outcome_granted", "reward.recipient_read", "reward.carried_out"]
        assert [row["action"] for row in rows] == done and ADDRESS["street"] not in str(rows)
        assert rows[1]["after"]["outcome"] == "not_delivered" and UUID(rows[1]["after"]["redemption_id"])


STAFF = {"fay": "finance", "finn": "finance", "li": "reviewer"}
