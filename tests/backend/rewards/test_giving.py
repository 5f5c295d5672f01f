"""What was given to charities by the month, and the proof that stock and codes agree with what was redeemed."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import text

from backend import clock, rewards
from backend.rewards import Donation, Terms
from tests.backend.rewards.redeeming import Redeemer
from tests.backend.rewards.stocked import PERSONAL, stock_up
from tests.backend.world import World

LAST_OF_MAY = datetime(2026, 5, 31, 23, 59, 59, tzinfo=clock.SHANGHAI)


def test_a_month_of_donations_and_a_refund_in_the_next(world: World) -> None:
    with time_machine.travel(LAST_OF_MAY, tick=False) as moment:
        with world.house.transaction() as tx:
            titles = {"zh": "种一棵树", "en": "A tree"}
            kind = {"kind": "charity", "provider_kind": "recorded", "stock_kind": "unlimited"}
            rewards.save_reward(tx, code="tree", titles=titles, now=clock.now(), **kind)  # type: ignore[arg-type]
            terms = Terms(clock.today(), 100, PERSONAL, delivered_amount=250, delivered_unit="fen")
            rewards.save_terms(tx, "tree", terms, announced_on=clock.today())
        alice = Redeemer(world, "alice", 1_000)
        first = alice.redeem("tree", 100)[1]["id"]
        alice.redeem("tree", 100)
        moment.shift(timedelta(seconds=1))  # June begins in Shanghai; in UTC it is still May
        for _ in range(3):
            alice.redeem("tree", 100)
        alice.cancel(first)
    told = {}
    with world.house.transaction() as tx:
        for month in ("2026-05-01", "2026-06-01", "2026-07-01"):
            told[month] = rewards.donations(tx, datetime.fromisoformat(month).date())
    assert told == {
        "2026-05-01": [Donation("tree", "种一棵树", "2026-05", 2, 0, 500, "fen")],
        "2026-06-01": [Donation("tree", "种一棵树", "2026-06", 3, 1, 500, "fen")],
        "2026-07-01": [],
    }


@pytest.mark.parametrize(
    ("harm", "faults"),
    [
        ("UPDATE reward_stock SET pieces_left = pieces_left + 1", {("REWARD_STOCK", 2)}),
        ("DELETE FROM reward_vouchers", {("VOUCHER", None)}),
    ],
)
def test_what_does_not_agree_is_found(world: World, harm: str, faults: set[tuple[str, int | None]]) -> None:
    stock_up(world, codes=["AAA-1", "AAA-2"], mugs=2)
    alice = Redeemer(world, "alice", 1_000)
    alice.redeem("coffee", 100)
    alice.cancel(alice.redeem("mug", 300)[1]["id"])
    alice.redeem("mug", 300)
    world.check_books()
    with world.house.transaction() as tx:
        tx.execute(text(harm))
        found = list(rewards.differences(tx))
    assert {(fault["fault"], fault.get("pieces_left")) for fault in found} == faults
