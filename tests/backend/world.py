"""A small world for database tests: one programme, four partners, people who are linked and consent."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from standardwebhooks import Webhook

from backend import House, audit, build_house, clock, identity, ledger, partners, points, rewards
from backend.settings import Settings
from tests.backend.agreeing import agree_to_all, link_everywhere

SECRET = "whsec_" + base64.b64encode(b"a secret for tests, 32 bytes....").decode()
PARTNERS = {
    "zhuanzhuan": ("device", 7),
    "dangdang": ("donation", 0),
    "transit": ("commute", 0),
    "shop": ("purchase", 7),
}


class World:
    """The house with its people, and a partner's pen to sign events with."""

    def __init__(self, database_url: str) -> None:
        self.house: House = build_house(Settings.for_tests(database_url=database_url))
        self.sent = 0
        self.to_be_proven = False
        with self.house.transaction() as tx:
            identity.save_programme(
                tx, code="members", kind="consumer", title_zh="会员计划", title_en="Members", profile="CN-DEFAULT"
            )
            points.save_rule(
                tx, programme="members", version=1, in_force_from=date(2025, 1, 1), fixed_points={"low_carbon_pc": 200}
            )
            for code, (_, return_days) in PARTNERS.items():
                partners.save_partner(tx, code=code, adapter=code, title=code, return_days=return_days)
                if not partners.has_keys(tx, code):  # a world of a database that has been lived in
                    partners.add_key(tx, self.house.vault, code, SECRET, now=datetime(2025, 1, 1, tzinfo=UTC))

    def person(self, name: str, *, linked: bool = True, consenting: bool = True) -> UUID:
        """A member whose reference at every partner is their name."""
        now, vault = clock.now(), self.house.vault
        scenes = [(partner, scene) for partner, (scene, _) in PARTNERS.items()]
        with self.house.transaction() as tx:
            holder = identity.recognise_person(tx, vault, [("wechat_openid", f"sandbox|{name}")], now=now)
            identity.enrol_in_consumer_programmes(tx, holder, now=now)
            if linked:
                link_everywhere(tx, vault, holder, name, PARTNERS, programme="members", now=now)
            if consenting:
                agree_to_all(tx, holder, scenes, now=now)
            users = [(partner, identity.user_ref_index(vault, partner, name)) for partner in PARTNERS]
            partners.wake_users(tx, users, now=now)
        return holder

    def link(self, holder: UUID, partner: str, user_ref: str) -> None:
        with self.house.transaction() as tx:
            identity.link_partner_user(
                tx,
                self.house.vault,
                holder_id=holder,
                partner=partner,
                user_ref=user_ref,
                programme="members",
                now=clock.now(),
            )
            user = (partner, identity.user_ref_index(self.house.vault, partner, user_ref))
            partners.wake_users(tx, [user], now=clock.now())

    def consent(self, holder: UUID, partner: str, *, granted: bool = True) -> None:
        with self.house.transaction() as tx:
            scene = PARTNERS[partner][0]
            identity.set_consent(tx, holder_id=holder, partner=partner, scene=scene, granted=granted, now=clock.now())
            partners.wake_holder(tx, holder, partner, now=clock.now())

    def send(self, partner: str, event: Mapping[str, Any], event_id: str | None = None) -> str:
        """Sign an event with the public package and take it in; returns its id."""
        self.sent += 1
        event_id = event_id or f"evt_{self.sent}"
        body = json.dumps(event, ensure_ascii=False)
        now = clock.now()
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(event_id, now, body),
        }
        self.house.gate.take_in(partner, headers, body.encode())
        return event_id

    def settle(self) -> None:
        while partners.settle_waiting(self.house.sessions, self.house.vault):
            pass

    def ripen(self) -> None:
        with self.house.transaction() as tx:
            points.ripen(tx, now=clock.now())

    def lines(self, partner: str, event_id: str) -> list[dict[str, Any]]:
        """What became of an event, line by line."""
        with self.house.transaction() as tx:
            found: list[dict[str, Any]] = partners.deliveries(tx, partner, event_id=event_id)[0]["lines"]
            return found

    def balances(self, holder: UUID) -> dict[str, int]:
        with self.house.transaction() as tx:
            return {name: amount for name, amount in ledger.balances(tx, holder).get("members", {}).items() if amount}

    def check_books_at_the_end(self) -> None:
        """Once, when the test is over: what helpers ask for that are called step by step. Nothing is lost by it that
        was booked, for nothing in the books is ever changed."""
        self.to_be_proven = True

    def check_books(self) -> None:
        """Every invariant that a command proves."""
        with self.house.transaction() as tx:
            assert list(ledger.differences(tx)) == []
            assert list(points.differences(tx)) == []
            assert list(rewards.differences(tx)) == []
            assert audit.replay(tx).differences == []
            system = ledger.system_balances(tx)
            for asset in ("reduction", "offset", "eac"):
                assert -system[f"issuer.{asset}"] == sum(self._all(tx, asset).values())

    @staticmethod
    def _all(tx: Any, account: str) -> dict[Any, int]:
        return ledger.all_balances(tx, (account,))


def event(kind: str, order_no: str, user: str, **data: Any) -> dict[str, Any]:
    """A house event, dated three days ago unless told otherwise."""
    occurred_at = data.pop("occurred_at", None) or days_ago(3)
    data = {"order_no": order_no, "user_ref": user, "occurred_at": occurred_at.isoformat()} | data
    return {"type": kind, "timestamp": clock.now().isoformat(), "data": data}


def days_ago(days: int, hour: int = 9, minute: int = 0) -> datetime:
    """That time of day, so many days ago, in Shanghai."""
    return clock.start_of(clock.today()) - timedelta(days=days) + timedelta(hours=hour, minutes=minute)


def trip(order_no: str, user: str, km: str = "12.4", *, at: datetime | None = None, minutes: int = 30, **data: Any):  # type: ignore[no-untyped-def]
    start = at or days_ago(3)
    return event(
        "trip.completed",
        order_no,
        user,
        occurred_at=start,
        trip_id=data.pop("trip_id", order_no),
        mode="metro",
        started_at=start.isoformat(),
        ended_at=(start + timedelta(minutes=minutes)).isoformat(),
        distance_km=km,
        **data,
    )


def trade_in(order_no: str, user: str, serial: str, category: str = "phone", **data: Any) -> dict[str, Any]:
    item = {"line": 1, "category": category, "serial": serial, "quantity": 1}
    return event("device.traded_in", order_no, user, outcome="resold", items=[item], **data)


def cancel(order_no: str, user: str, *lines: int, **data: Any) -> dict[str, Any]:
    items = {"items": [{"line": line} for line in lines]} if lines else {}
    return event("order.cancelled", order_no, user, **items, **data)


__all__ = ["PARTNERS", "SECRET", "World", "cancel", "days_ago", "event", "trade_in", "trip"]
