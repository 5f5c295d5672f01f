"""What the members of a plan have in the end: as the server tells them, and as the clean list gives it.

The clean list is settled in order in a fresh database of its own, which has never seen a duplicate, a late correction
or another worker.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backend import House, build_house, clock, database, ledger, partners, signing
from backend.progress import Progress
from backend.sandbox import programme
from backend.sandbox.member_client import MemberClient
from backend.sandbox.platform import Platform
from backend.sandbox.programme import PARTNERS, PROGRAMME, Member
from backend.sandbox.simulator.plan import Plan
from backend.settings import Settings

#: How many members do something at once, and how many events of the clean list are settled together.
AT_ONCE, BATCH = 8, 200
_TICKET_LIFE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member has. `points`: all of them, ripe or not, less what is owed."""

    reduction_g: int = 0
    offset_g: int = 0
    eac_wh: int = 0
    points: int = 0

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(
            self.reduction_g + other.reduction_g,
            self.offset_g + other.offset_g,
            self.eac_wh + other.eac_wh,
            self.points + other.points,
        )


def join(platform: Platform, plan: Plan, look_after: Callable[[], None]) -> None:
    """Every member of the plan logs in, links their user of the partner, and consents, all over HTTP."""

    def act(name: str) -> None:
        member = MemberClient(platform.url, name)
        expires_at = clock.now() + _TICKET_LIFE
        user_ref, nonce = PARTNERS[plan.partner].user_ref(name), secrets.token_urlsafe(24)
        member.link(signing.sign_link_ticket(platform.secret, plan.partner, user_ref, expires_at, nonce), PROGRAMME)
        member.consent(plan.partner)
        member.log_out()

    _each("加入 join", plan, act, look_after)


def found(platform: Platform, plan: Plan, look_after: Callable[[], None]) -> dict[str, Balance]:
    """What every member of the plan is told they have."""
    balances: dict[str, Balance] = {}

    def act(name: str) -> None:
        member = MemberClient(platform.url, name)
        account = member.account(PROGRAMME)
        amounts: Mapping[str, Any] = account["points"]
        points = amounts["pending"] + amounts["available"] + amounts["reserved"] - amounts["debt"]
        balances[name] = Balance(account["reduction_g"], account["offset_g"], account["eac_wh"], points)
        member.log_out()

    _each("查账 read", plan, act, look_after)
    return balances


def _each(title: str, plan: Plan, act: Callable[[str], None], look_after: Callable[[], None]) -> None:
    progress = Progress(title, len(plan.members))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done, _ in enumerate(pool.map(act, plan.members), start=1):
            look_after()
            progress.show(done)
    progress.end()


def expected(plan: Plan, settings: Settings, look_after: Callable[[], None]) -> dict[str, Balance]:
    """What every member of the plan has once the clean list was settled, in order, in a fresh database."""
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'clean.sqlite3'}"
        database.migrate(url)
        house = build_house(replace(settings, database_url=url))
        at = (PARTNERS[plan.partner],)
        with house.transaction() as tx:
            programme.load_programme(tx, house)
            members = [Member(name) for name in plan.members]
            holders = {one.name: programme.load_member(tx, house, one, at=at, now=clock.now()) for one in members}
        _settle(house, plan, look_after)
        with house.transaction() as tx:
            return {name: _balance(ledger.balances(tx, id).get(PROGRAMME, {})) for name, id in holders.items()}


def _settle(house: House, plan: Plan, look_after: Callable[[], None]) -> None:
    key = programme.newest_secret(house, plan.partner)
    progress = Progress("预期 expect", len(plan.events))
    for begin in range(0, len(plan.events), BATCH):
        look_after()
        some = plan.events[begin : begin + BATCH]
        for event in some:
            headers = signing.sign(event.id, clock.now(), event.body, [key])
            house.gate.take_in(plan.partner, headers, event.body)
        while partners.settle_waiting(house.sessions, house.vault):
            pass
        progress.show(begin + len(some))
    progress.end()


def _balance(amounts: Mapping[str, int]) -> Balance:
    stages = (amounts.get(f"points.{stage}", 0) for stage in ("pending", "available", "reserved"))
    points = sum(stages) - amounts.get("points.debt", 0)
    return Balance(amounts.get("reduction", 0), amounts.get("offset", 0), amounts.get("eac", 0), points)
