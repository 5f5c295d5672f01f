"""Members with points, and hands to redeem with."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from backend import clock, identity, ledger, rewards
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import insert_rows
from backend.points.models import Lot
from tests.backend.world import World


class Redeemer:
    """A logged-in member with so many available points, in one lot."""

    def __init__(self, world: World, name: str, points: int = 0, *, linked: bool = False) -> None:
        self.world, self.house = world, world.house
        self.doors = rewards.Doors(sandbox=True)
        self.holder = world.person(name, linked=linked, consenting=linked)
        with self.house.transaction() as tx:
            self.session = identity.start_session(tx, self.holder, now=clock.now()).session_id
        give_points(world, self.holder, points)

    @property
    def desk(self) -> rewards.Desk:
        return rewards.Desk(self.house.sessions, self.house.vault, self.doors)

    def wish(self, reward: str, price: int, **more: Any) -> rewards.Wish:
        asked = {"account_id": self.holder, "programme": "members", "reward": reward} | more
        return rewards.Wish(self.holder, self.session, expected_price_points=price, **asked)

    def redeem(self, reward: str, price: int, key: str | None = None, **more: Any) -> tuple[int, dict[str, Any]]:
        """The status and the body of the answer."""
        answer = rewards.redeem(self.desk, self.wish(reward, price, **more), key or str(new_id()))
        return answer.status, json.loads(answer.text)

    def in_full(self, redemption_id: str, holder: UUID | None = None) -> dict[str, Any]:
        with self.house.transaction() as tx:
            found = rewards.redemption_in_full(tx, self.house.vault, holder or self.holder, UUID(redemption_id))
            listed = rewards.redemptions(tx, holder or self.holder, programme=None, before=None, limit=100)
        assert found is not None
        (told,) = [item for item in listed if item["id"] == redemption_id]
        assert told == {name: found[name] for name in told}, "a list says the same"
        return found

    def cancel(self, redemption_id: str) -> None:
        rewards.cancel(self.desk, self.holder, UUID(redemption_id))

    @property
    def points(self) -> dict[str, int]:
        found = self.world.balances(self.holder)
        return {name.removeprefix("points."): amount for name, amount in found.items()}


def give_points(world: World, holder: UUID, amount: int, *, programme: str = "members", days: int = 365) -> None:
    """Points that nothing is known of but that they are there, and for how long."""
    if not amount:
        return
    lot_id, now = new_id(), clock.now()
    row = {
        "holder_id": holder,
        "id": lot_id,
        "programme": programme,
        "activity_id": new_id(),
        "partner": "transit",
        "methodology": "metro_ride",
        "day": clock.today(),
        "rule_version": 1,
        "amount": amount,
        "remaining": amount,
        "expired": 0,
        "reserved": 0,
        "stage": "available",
        "available_at": now,
        "expires_at": now + timedelta(days=days),
    }
    with world.house.transaction() as tx:
        insert_rows(tx, Lot, [row])
        transfer = Transfer("issuer.points", "points.available", amount, lot_id)
        given = Transaction(new_id(), holder, programme, "test", f"given:{lot_id}", (transfer,))
        ledger.post(tx, [given], now=now)
