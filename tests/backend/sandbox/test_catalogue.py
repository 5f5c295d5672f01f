"""The rewards of the sandbox: one of each kind and of each kind of provider, and each can really be redeemed."""

import json
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from backend import House, clock, identity, ledger, points, rewards
from backend.ids import new_id
from backend.rewards.catalogue.models import KINDS
from backend.rewards.providers import INSIDE, OUTSIDE
from backend.sandbox import catalogue, programme, school
from backend.sandbox.catalogue import CLASS_REWARD, MILES, REWARDS, SandboxReward
from tests.backend.rewards.ordering import ADDRESS
from tests.backend.rewards.redeeming import give_points
from tests.backend.sandbox.serving import serving

PATIENCE_S = 60
RECIPIENTS = {"goods": ADDRESS, "platform_points": {"member": "MU-100"}}


def test_every_reward_of_the_sandbox_can_be_redeemed(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where the platforms keep their ledgers
    with serving(postgresql_url) as (house, url):
        desk = rewards.Desk(house.sessions, house.vault, rewards.Doors((url.removeprefix("http://"),), sandbox=True))
        with house.transaction() as tx:
            catalogue.load_catalogue(tx, house, programme.PROGRAMME, "http://127.0.0.1:1")
            catalogue.load_catalogue(tx, house, programme.PROGRAMME, url)  # served elsewhere than the last time
            lin = programme.load_member(tx, house, programme.Member(school.STEWARD))
            session = identity.start_session(tx, lin, now=clock.now()).session_id
        give_points(SimpleNamespace(house=house), lin, 20_000)  # type: ignore[arg-type]
        class_id = school.load(house)
        assert school.load(house) == class_id
        wait_for_points(house, class_id, CLASS_REWARD.price_points)

        def redeem(reward: SandboxReward, account_id: UUID, code: str) -> str:
            given = RECIPIENTS.get(reward.kind)
            more: dict[str, Any] = {"recipient": rewards.recipient_of(given), "accepts_sharing": True} if given else {}
            wish = rewards.Wish(lin, session, account_id, code, reward.code, reward.price_points, "phone", **more)
            return str(json.loads(rewards.redeem(desk, wish, str(new_id())).text)["state"])

        states = {reward.code: redeem(reward, lin, programme.PROGRAMME) for reward in REWARDS}
        states[CLASS_REWARD.code] = redeem(CLASS_REWARD, class_id, school.SCHOOL)
        assert states == dict.fromkeys(states, "confirmed")
        told = rewards.reconcile_orders(house.reading, house.vault, desk.doors, MILES, clock.today())
        assert (told.listed, told.ordered, told.differences) == (1, 1, ()), "its list is of what was ordered there"
        offered = [*REWARDS, CLASS_REWARD]
        with house.transaction() as tx:
            kinds = {known.code: known.kind for known in rewards.outside_providers(tx)}
            assert not list(rewards.differences(tx))
        assert {reward.kind for reward in offered} == set(KINDS)
        assert {kinds.get(reward.provider, reward.provider) for reward in offered} == {*INSIDE, *OUTSIDE}


def wait_for_points(house: House, holder_id: UUID, wanted: int) -> None:
    ends = time.monotonic() + PATIENCE_S
    while True:
        with house.transaction() as tx:
            points.ripen(tx, now=clock.now())  # a job of the worker's
            found = ledger.balances(tx, holder_id).get(school.SCHOOL, {})
        if found.get("points.available", 0) >= wanted:
            return
        assert time.monotonic() < ends, found
        time.sleep(0.05)
