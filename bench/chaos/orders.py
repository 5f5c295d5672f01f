"""Scenario: members redeem at a platform that carries out and does not say so, while web and workers are killed.

Most orders are carried out without an answer: the platform hangs up, at once or after everybody's deadline. Others are
refused, come late, or never arrive. Every member repeats a request that broke off, with its key. In the end nothing was
ordered twice, and what a member paid for is what the platform carried out.
"""

import logging
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from werkzeug.serving import make_server

from backend import clock, identity, ledger, rewards
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import insert_rows
from backend.points.models import Lot
from backend.rewards.providers.sandbox import Shop
from backend.safe_http import OutsideUnavailable
from backend.sandbox import reward_platform
from backend.sandbox.member_client import MemberClient
from backend.sandbox.platform import Unexpected
from backend.sandbox.programme import PROGRAMME
from backend.sandbox.running import HOST
from bench.chaos.ground import PATIENCE_S, Ground

MEMBERS, THREADS, PRICE = 20, 12, 100
PROVIDER = "twin"
#: What the platform does with an order, and how often in relation to the rest.
BEHAVIOURS = {
    "timeout_after_success:0": 80,
    "timeout_after_success:6": 6,
    "": 4,
    "silent:0": 3,
    "late:0": 3,
    "refuse:OUT_OF_STOCK": 2,
    "other_number": 1,
    "huge": 1,
}
#: What a member is told where the first request is still under way.
UNDER_WAY = 409


class _Member(MemberClient):
    """Somebody who repeats a request with its key until it is answered."""

    def redeem(self, reward: str, key: str) -> str:
        """The id of the redemption."""
        said = {"programme": PROGRAMME, "reward": reward, "expected_price_points": PRICE}
        ends = time.monotonic() + PATIENCE_S * 2
        while True:
            try:
                answer = self._ask("POST", "/redemptions", said, {"Idempotency-Key": key})
                if answer.ok:
                    document = answer.json()
                    assert isinstance(document, dict)
                    return str(document["id"])
                if answer.status != UNDER_WAY and answer.status < 500:
                    raise Unexpected(f"a redemption was answered {answer.status}: {answer.body.decode()[:300]}")
            except OutsideUnavailable:
                pass
            if time.monotonic() > ends:
                raise Unexpected("a redemption was never answered")
            time.sleep(0.5)


class Orders:
    name = "orders"

    def __init__(self) -> None:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._folder = tempfile.TemporaryDirectory(prefix="carbon-chaos-")
        path = str(Path(self._folder.name) / "platform.sqlite")
        self._shop = Shop(path)
        self._server = make_server(HOST, 0, reward_platform.standalone(path), threaded=True)
        self.host = f"{HOST}:{self._server.server_port}"
        self._made: dict[str, str] = {}
        self._holders: dict[str, UUID] = {}
        self._states: Counter[str] = Counter()

    def environment(self) -> dict[str, str]:
        return {"SANDBOX_HOSTS": self.host}

    def prepare(self, ground: Ground) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._members = [_Member(ground.url, f"redeemer-{number}") for number in range(MEMBERS)]
        each = PRICE * (ground.orders // MEMBERS + 1)
        with ground.house.transaction() as tx:
            self._offer(tx, ground)
            for number in range(MEMBERS):
                found = identity.SandboxWeChat(ground.house.settings.wechat_appid).exchange(
                    f"sandbox:redeemer-{number}"
                )
                known_by = [("wechat_openid", f"{found.appid}|{found.openid}")]
                holder = identity.recognise_person(tx, ground.house.vault, known_by, now=clock.now())
                self._holders[f"redeemer-{number}"] = holder
                give(tx, holder, each)
        self._given = each

    def _offer(self, tx: Any, ground: Ground) -> None:
        """A reward for each behaviour, all delivered by the one platform."""
        now, today = clock.now(), clock.today()
        told = {"recipient": "小包裹 / Little parcels", "contact": "400-100", "hands_over": "无 / nothing"}
        reached = {"kind": "http_order", "url": f"http://{self.host}{reward_platform.PATH}", "now": now}
        doors = rewards.Doors((self.host,), sandbox=True)
        secret = reward_platform.SECRET
        rewards.add_provider(tx, ground.house.vault, doors, code=PROVIDER, **reached, **told, secret=secret)
        for number, behaviour in enumerate(BEHAVIOURS):
            code, titles = f"parcel-{number}", {"zh": "包裹", "en": "Parcel"}
            outside = {"provider_kind": "http_order", "provider": PROVIDER, "item": f"parcel#{behaviour}"}
            rewards.save_reward(
                tx, code=code, kind="charity", titles=titles, stock_kind="unlimited", now=now, **outside
            )
            terms = rewards.Terms(today, PRICE, ((PROGRAMME, "personal"),))
            rewards.save_terms(tx, code, terms, announced_on=today)

    def play(self, ground: Ground) -> None:
        chance = ground.chance("orders")
        drawn = chance.choices(range(len(BEHAVIOURS)), list(BEHAVIOURS.values()), k=ground.orders)
        pause_s = ground.seconds / max(ground.orders, 1)
        began = time.monotonic()

        def redeem(number: int) -> None:
            time.sleep(max(0.0, began + number * pause_s - time.monotonic()))
            key = f"{ground.seed}-{number}"
            self._made[key] = self._members[number % MEMBERS].redeem(f"parcel-{drawn[number]}", key)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(redeem, range(ground.orders)))

    def faults(self, ground: Ground) -> list[str]:
        booked = {row.request_no: row for row in self._shop.orders()}
        with ground.house.transaction() as tx:
            query = "SELECT id, holder_id, state FROM redemptions WHERE reward LIKE 'parcel-%'"  # others redeem as well
            rows = [(UUID(str(row.id)), UUID(str(row.holder_id)), row.state) for row in tx.execute(text(query))]
            balances = {holder: ledger.balances(tx, holder).get(PROGRAMME, {}) for holder in self._holders.values()}
        self._states = Counter(state for _, _, state in rows)
        found = [f"{number} came {row.arrivals} times" for number, row in booked.items() if row.arrivals > 1]
        found += [f"{number} was carried out {row.booked} times" for number, row in booked.items() if row.booked > 1]
        if {str(id) for id, _, _ in rows} != set(self._made.values()) or len(rows) != ground.orders:
            found.append(f"{ground.orders} wishes, {len(set(self._made.values()))} answered, {len(rows)} redemptions")
        for id, _, state in rows:
            standing = booked.pop(f"rdm_{id.hex}", None)
            carried_out = standing is not None and standing.booked > 0
            if (state, carried_out) not in (("confirmed", True), ("cancelled", False)):
                found.append(f"redemption {id} is {state}, carried out: {carried_out}")
        found += [f"{number} was carried out for nobody" for number in booked]
        for holder in self._holders.values():
            spent = PRICE * sum(owner == holder and state == "confirmed" for _, owner, state in rows)
            wanted = {"points.available": self._given - spent}
            held = {name: amount for name, amount in balances[holder].items() if amount}
            if held != {name: amount for name, amount in wanted.items() if amount}:
                found.append(f"{holder} holds {held}, should hold {wanted}")
        self._server.shutdown()
        return found

    def figures(self) -> dict[str, Any]:
        return {"redeemed": len(self._made), **dict(self._states)}


def give(tx: Any, holder: UUID, amount: int) -> None:
    """Points that nothing is known of but that they are there."""
    lot_id, now = new_id(), clock.now()
    row: Mapping[str, Any] = {
        "holder_id": holder,
        "id": lot_id,
        "programme": PROGRAMME,
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
        "expires_at": now + timedelta(days=365),
    }
    insert_rows(tx, Lot, [row])
    transfer = Transfer("issuer.points", "points.available", amount, lot_id)
    ledger.post(tx, [Transaction(new_id(), holder, PROGRAMME, "given", f"given:{lot_id}", (transfer,))], now=now)
