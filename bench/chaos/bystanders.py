"""Scenario: further members who change their minds all the time, and operators who take acts back meanwhile.

What they end with depends on the moment, so it is compared with nothing; it must never break what `checks` looks at.
"""

import json
import random
import secrets
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from backend import clock, identity, partners, settlement, signing
from backend.errors import Refusal
from backend.safe_http import OutsideUnavailable
from backend.sandbox.member_client import MemberClient
from backend.sandbox.platform import Unexpected
from backend.sandbox.programme import PARTNERS, PROGRAMME
from bench.chaos.ground import Ground

MEMBERS, THREADS = 18, 3
#: Partner → the scene of what is sent in its name.
SENDING = {"transit": "commute", "zhuanzhuan": "device"}
#: What happens, and how often in relation to the rest.
DOINGS = {"send": 8, "change their mind": 10, "agree": 6, "link": 4, "take back": 3, "review": 3, "forget": 0.1}
#: Whoever changes their mind does so at most so long after the partner told of them, in seconds: a worker looks into
#: the inbox twice a second, so that the event is often being settled at that very moment.
HESITATION_S = 0.7
#: The acts of a member lie on so many days.
DAYS = 25


class _Member(MemberClient):
    """Somebody who goes back on what they agreed to."""

    def decide(self, partner: str, scene: str, *, granted: bool) -> None:
        version = self._call("GET", "/me/consents")["text"]["version"] if granted else None
        said = {"partner": partner, "scene": scene, "granted": granted} | ({"text_version": version} if version else {})
        self._call("PUT", "/me/consents", said)

    def end_link(self, partner: str) -> bool:
        """False when there was none."""
        links = [link for link in self._call("GET", "/me/partner-links")["links"] if link["partner"] == partner]
        for link in links:
            self._call("DELETE", f"/me/partner-links/{link['id']}")
        return bool(links)


class Bystanders:
    name = "bystanders"

    def __init__(self) -> None:
        self._done: Counter[str] = Counter()
        self._faults: list[str] = []
        self._lock = threading.Lock()

    def environment(self) -> dict[str, str]:
        return {}

    def prepare(self, ground: Ground) -> None:
        self._names = [f"bystander-{number}" for number in range(MEMBERS)]
        with ground.house.transaction() as tx:
            _, token = identity.add_operator(tx, "chaos", identity.REVIEWER, now=clock.now())
            self._operator = identity.authenticate_operator(tx, "chaos", token)
        for name in self._names:
            member = _Member(ground.url, name)
            for partner, scene in SENDING.items():
                _link(ground, member, name, partner)
                member.decide(partner, scene, granted=True)

    def play(self, ground: Ground) -> None:
        threads = [threading.Thread(target=self._live, args=(ground, number)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _live(self, ground: Ground, number: int) -> None:
        """Some of the members, one doing after another, until the run is over."""
        doing = _Doing(ground, self._names[number::THREADS], ground.chance(f"bystanders {number}"), self._operator)
        while not ground.over.wait(doing.chance.uniform(0, 0.15)):
            what = doing.chance.choices(list(DOINGS), list(DOINGS.values()))[0]
            try:
                done = doing.do(what)
            except OutsideUnavailable:
                done = "nobody answered"
            except Refusal as refusal:
                done = f"{what}: {refusal.code}"
            except Unexpected as error:
                done = f"{what}: refused"
                if "was answered 5" in str(error):
                    self._faults.append(str(error))
            except Exception as error:
                done = f"{what}: failed"
                self._faults.append(f"{what}: {error!r}")
            with self._lock:
                self._done[done] += 1

    def faults(self, ground: Ground) -> list[str]:
        return self._faults

    def figures(self) -> dict[str, Any]:
        return dict(sorted(self._done.items()))


class _Doing:
    """What one thread does for its members, each time about another hour and another device."""

    def __init__(
        self, ground: Ground, names: list[str], chance: random.Random, operator: identity.OperatorView
    ) -> None:
        self.chance = chance
        self._ground, self._names, self._operator = ground, names, operator
        self._platforms = {code: ground.platform(code) for code in SENDING}
        self._sent: list[tuple[str, str, str]] = []  # partner, order number, user
        self._members: dict[str, _Member] = {}
        self._turn = 0

    def do(self, what: str) -> str:
        """One thing; returns what was done."""
        name = self.chance.choice(self._names)
        partner = self.chance.choice(list(SENDING))
        if what == "send":
            return self._send(name, partner)
        if what == "take back":
            return self._take_back()
        if what == "review":
            return self._review()
        if what == "forget":
            return self._forget(name)
        member = self._members.pop(name, None) or _Member(self._ground.url, name)
        done = self._decide(what, member, name, partner)
        self._members[name] = member  # who was refused or not answered logs in again
        return done

    def _decide(self, what: str, member: _Member, name: str, partner: str) -> str:
        if what == "agree":
            member.decide(partner, SENDING[partner], granted=True)
            return "consents given"
        if what == "link":
            _link(self._ground, member, name, partner)
            return "links made"
        self._send(name, partner)
        time.sleep(self.chance.uniform(0, HESITATION_S))
        if self.chance.random() < 0.7:
            member.decide(partner, SENDING[partner], granted=False)
            return "events sent and consents withdrawn"
        return "events sent and links ended" if member.end_link(partner) else "events sent without a link"

    def _send(self, name: str, partner: str) -> str:
        self._turn += 1
        order = f"{self._names[0]}-{self._turn}"
        user = PARTNERS[partner].user_ref(name)
        at = clock.start_of(clock.today()) - timedelta(days=2 + self._turn % DAYS)
        at += timedelta(hours=6 + self._turn // DAYS % 16)
        self._sent.append((partner, order, user))
        self._tell(partner, order, _event(partner, order, user, at))
        return "events sent"

    def _take_back(self) -> str:
        if not self._sent:
            return "nothing to take back"
        partner, order, user = self.chance.choice(self._sent)
        data = {"order_no": order, "user_ref": user, "occurred_at": clock.iso(clock.now())}
        event = {"type": "order.cancelled", "timestamp": clock.iso(clock.now()), "data": data}
        self._tell(partner, f"{order}-cancelled-{secrets.token_hex(4)}", event)
        return "cancellations sent"

    def _tell(self, partner: str, event_id: str, event: dict[str, Any]) -> None:
        reply = self._platforms[partner].send(event_id, json.dumps(event).encode())
        assert reply.ok, reply

    def _review(self) -> str:
        query = "SELECT id FROM activities WHERE status IN ('issued', 'outdone') AND order_no LIKE :mine"
        with self._ground.house.transaction() as tx:
            acts = tx.execute(text(query), {"mine": f"{self._names[0]}-%"}).scalars().all()
        if not acts:
            return "nothing to review"
        activity_id: UUID = self.chance.choice(acts)
        house = self._ground.house
        settlement.reverse_after_review(house.sessions, activity_id, operator=self._operator, reason="chaos")
        return "acts taken back after a review"

    def _forget(self, name: str) -> str:
        with self._ground.house.transaction() as tx:
            query = "SELECT holder_id FROM partner_links WHERE partner = 'transit' AND user_ref_index = :index LIMIT 1"
            index = identity.user_ref_index(self._ground.house.vault, "transit", PARTNERS["transit"].user_ref(name))
            holder = tx.execute(text(query), {"index": index}).scalar()
            if holder is None:
                return "nobody to forget"
            partners.forget_member(tx, holder, now=clock.now())
        return "members forgotten"


def _link(ground: Ground, member: _Member, name: str, partner: str) -> None:
    secret = ground.platform(partner).secret
    user_ref, nonce = PARTNERS[partner].user_ref(name), secrets.token_urlsafe(24)
    expires_at = clock.now() + timedelta(minutes=5)
    member.link(signing.sign_link_ticket(secret, partner, user_ref, expires_at, nonce), PROGRAMME)


def _event(partner: str, order: str, user: str, at: datetime) -> dict[str, Any]:
    begins_at, ends_at = at.isoformat(), (at + timedelta(minutes=25)).isoformat()
    data: dict[str, Any] = {"order_no": order, "user_ref": user, "occurred_at": begins_at}
    if partner == "transit":
        data |= {"trip_id": order, "mode": "metro", "started_at": begins_at, "ended_at": ends_at, "distance_km": "9.9"}
        return {"type": "trip.completed", "timestamp": begins_at, "data": data}
    item = {"line": 1, "category": "phone", "serial": f"SN-{order}", "quantity": 1}
    data |= {"outcome": "resold", "items": [item]}
    return {"type": "device.traded_in", "timestamp": begins_at, "data": data}
