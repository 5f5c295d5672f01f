"""What the bank's points can be exchanged for, members who redeem over HTTP, and what must be true of it afterwards.

Vouchers from a pool, goods that are counted, and points transferred to a platform that refuses, answers twice, or times
out after it succeeded.
"""

import json
import random
import time
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from backend import House, clock, rewards, safe_http
from backend.ids import new_id
from backend.rewards import Terms
from backend.rewards.providers.sandbox import Shop
from backend.safe_http import OutsideFailure
from backend.sandbox.member_client import MemberClient
from bench.chaos.checks import rows_of
from bench.chaos.ground import PATIENCE_S

BEGIN = date(2025, 1, 1)
CODES, MUGS = 3_000, 3_000
#: Reward → its price. Transfers differ in how the platform treats them.
PRICES = {"coffee": 30, "mug": 40, "points": 20, "points-late": 20, "points-twice": 20, "points-refused": 20}
MANNERS = {
    "points": "",
    "points-late": "#timeout_after_success:1",
    "points-twice": "#twice",
    "points-refused": "#refuse:NO",
}
#: What may become of the points of a redemption in each of its states.
_USES = """
    SELECT r.id FROM redemptions r LEFT JOIN points_uses u ON u.holder_id = r.holder_id AND u.id = r.id
    WHERE u.state IS NULL OR u.points <> r.points OR u.state <> CASE r.state
        WHEN 'confirmed' THEN 'spent' WHEN 'refunded' THEN 'refunded'
        WHEN 'cancelled' THEN 'released' WHEN 'expired' THEN 'released' ELSE 'reserved' END
"""
_OPEN = "SELECT count(*) FROM redemptions WHERE state IN ('reserved', 'requested', 'review')"


def stock(house: House, programme: str, ledger: Path) -> None:
    """Put the rewards into the catalogue, and codes and pieces into the stock."""
    given: dict[str, Any] = {"operator_id": None, "now": clock.now()}
    with house.transaction() as tx:
        doors = rewards.Doors(house.settings.sandbox_hosts, house.settings.sandbox)
        about = {
            "recipient": "演示 / for trying out",
            "contact": "bank@sandbox.example",
            "hands_over": "账号 / account",
        }
        rewards.add_provider(
            tx, house.vault, doors, code="mall", kind="sandbox", url=f"sandbox:{ledger}", now=clock.now(), **about
        )
        for code, price in PRICES.items():
            kind, provider, pieces = {
                "coffee": ("voucher", "voucher_pool", "pool"),
                "mug": ("charity", "recorded", "counted"),
            }.get(code, ("platform_points", "sandbox", "unlimited"))
            outside = {"provider": "mall", "item": f"POINTS{MANNERS[code]}"} if provider == "sandbox" else {}
            titles = {"zh": code, "en": code}
            rewards.save_reward(
                tx,
                code=code,
                kind=kind,
                titles=titles,
                provider_kind=provider,
                stock_kind=pieces,
                now=clock.now(),
                **outside,
            )
            units = {"platform_points": (10, "platform_points"), "charity": (1, "trees")}.get(kind, (None, None))
            terms = Terms(BEGIN, price, ((programme, "personal"),), delivered_amount=units[0], delivered_unit=units[1])
            rewards.save_terms(tx, code, terms, announced_on=BEGIN)
        rewards.change_stock(tx, "mug", MUGS, kind="restock", reason="bank", **given)
        lines = "\n".join(f"BANK-{number:06}" for number in range(CODES))
        until = clock.today() + timedelta(days=365)
        rewards.import_codes(
            tx, house.vault, "coffee", rewards.CodeFile(lines.encode(), is_csv=False), expires_on=until, **given
        )


class Teller(MemberClient):
    """A member who redeems, and says it again with the same key until there is an answer; sometimes once more."""

    def redeem(self, chance: random.Random, programme: str, told: Counter[str]) -> list[str]:
        """One redemption; what was wrong with it."""
        reward = chance.choice(list(PRICES))
        said: dict[str, Any] = {"programme": programme, "reward": reward, "expected_price_points": PRICES[reward]}
        if reward in MANNERS:
            said |= {"recipient": {"member": "mall-1"}, "accepts_sharing": True}
        key = str(new_id())
        first = self._insist("/redemptions", said, key)
        told[_name(first)] += 1
        if chance.random() < 0.3:
            again = self._insist("/redemptions", said, key)
            if (again.status, again.body) != (first.status, first.body):
                return [
                    f"a repeated redemption was answered otherwise: {first.body[:200]!r}, then {again.body[:200]!r}"
                ]
        if first.status == 201 and chance.random() < 0.2:
            self._insist(f"/redemptions/{first.json()['id']}/cancel", {}, key)
        return [] if first.status in (201, 409) else [f"a redemption was answered {first.status}: {first.body[:300]!r}"]

    def _insist(self, path: str, said: dict[str, Any], key: str) -> safe_http.Answer:
        ends = time.monotonic() + PATIENCE_S
        while True:
            headers = self._headers | {"Content-Type": "application/json", "Idempotency-Key": key}
            try:
                answer = safe_http.call(
                    "POST",
                    f"{self._url}/api/v1{path}",
                    body=json.dumps(said).encode(),
                    headers=headers,
                    deadline_s=30,
                    allowed_hosts=(urlsplit(self._url).netloc,),
                )
                running = answer.status == 409 and answer.json().get("code") == "REQUEST_UNDER_WAY"
                if answer.status == 401 and time.monotonic() < ends:
                    self.log_in()  # a run outlasts an access token
                elif answer.status < 500 and not running:
                    return answer
            except OutsideFailure:
                pass
            if time.monotonic() > ends:
                raise TimeoutError(f"no answer to {path} for {PATIENCE_S:.0f} s")
            time.sleep(0.3)


def _name(answer: safe_http.Answer) -> str:
    document = answer.json()
    return str(document.get("code") or document["state"])


def wait_until_settled(engine: Engine) -> None:
    """Until every redemption has ended, or the worker had its time."""
    ends = time.monotonic() + 3 * PATIENCE_S
    while time.monotonic() < ends:
        with engine.connect() as connection:
            if not connection.scalar(text(_OPEN)):
                return
        time.sleep(0.5)


def faults(engine: Engine, ledger: Path) -> list[str]:
    """Redemptions against uses, stock, codes, and the platform's own ledger, when everything has ended."""
    with Session(engine) as tx:
        found = [f"redemptions against their points: {row}" for row in rows_of(tx.connection(), _USES)]
        found += [f"rewards: {row}" for row in rewards.differences(tx)]
        if left := tx.scalar(text(_OPEN)):
            found.append(f"{left} redemptions have not ended")
        confirmed = "SELECT id FROM redemptions WHERE reward LIKE 'points%' AND state = 'confirmed'"
        meant = {f"rdm_{redemption_id.hex}" for redemption_id in tx.scalars(text(confirmed))}
    orders = Shop(str(ledger)).orders()
    booked = {order.request_no for order in orders if order.booked and order.status == "done"}
    found += [f"the platform carried an order out twice: {order}" for order in orders if order.booked > 1]
    found += [f"paid and not transferred: {number}" for number in sorted(meant - booked)[:3]]
    return found + [f"transferred and not paid: {number}" for number in sorted(booked - meant)[:3]]
