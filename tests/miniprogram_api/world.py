"""A small world to test the API in: a programme, four partners, members, and events signed as partners sign them."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from standardwebhooks import Webhook

from backend import clock, identity, partners, points, sync
from tests.backend.agreeing import agree_to_all, link_everywhere

SECRETS = {
    code: "whsec_" + base64.b64encode((code * 8)[:32].encode()).decode()
    for code in ("zhuanzhuan", "dangdang", "transit", "shop")
}
RETURN_DAYS = {"zhuanzhuan": 7, "shop": 7}
API = "/api/v1"


class World:
    """The application with its seed data, and hands to act with."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.client = app.test_client()
        self.house = app.extensions["house"]
        self._numbers = count(1)
        with self.house.transaction() as tx:
            identity.save_programme(
                tx, code="members", kind="consumer", title_zh="联萌乐碳圈", title_en="Members", profile="CN-DEFAULT"
            )
            identity.save_programme(
                tx, code="staff", kind="staff", title_zh="员工计划", title_en="Staff", profile="CN-DEFAULT"
            )
            points.save_rule(
                tx,
                programme="members",
                version=1,
                in_force_from=date(2025, 1, 1),
                fixed_points={"low_carbon_pc": 500},
                note="每克减排量 1 积分",
            )
            for code, secret in SECRETS.items():
                partners.save_partner(
                    tx, code=code, adapter=code, title=code, return_days=RETURN_DAYS.get(code, 0)
                )
                partners.add_key(tx, self.house.vault, code, secret, now=datetime(2020, 1, 1, tzinfo=UTC))

    def login(self, name: str) -> "Member":
        """A member logged in through the API."""
        answer = self.client.post(f"{API}/auth/wechat", json={"code": f"sandbox:{name}"})
        assert answer.status_code == 200, answer.text
        return Member(self, name, answer.json)

    def ticket(self, partner: str, user_ref: str) -> str:
        """A link ticket, signed as the partner would."""
        asked = {"partner": partner, "user_ref": user_ref}
        answer = self.client.post("/partners/v1/sandbox/link-tickets", json=asked)
        assert answer.status_code == 201, answer.text
        ticket: str = answer.json["ticket"]
        return ticket

    def send(self, partner: str, event: dict[str, Any]) -> None:
        """One signed event through the webhook."""
        body = json.dumps(event)
        event_id, signed_at = f"evt_{next(self._numbers)}", clock.now()
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": Webhook(SECRETS[partner]).sign(event_id, signed_at, body),
        }
        answer = self.client.post(
            f"/webhooks/{partner}", data=body, headers=headers, content_type="application/json"
        )
        assert answer.status_code == 202, answer.text

    def ask(self, partner: str, path: str, body: dict[str, Any] | str, request_id: str = "", **headers: str) -> Any:
        """One signed request of a partner that is no event; several can ask at once."""
        text, signed_at = body if isinstance(body, str) else json.dumps(body), clock.now()
        request_id = request_id or f"ask_{next(self._numbers)}"
        made = {
            "webhook-partner": partner,
            "webhook-id": request_id,
            "webhook-timestamp": str(int(signed_at.timestamp())),
            "webhook-signature": Webhook(SECRETS[partner]).sign(request_id, signed_at, f"POST {path}\n{text}"),
        }
        client = self.app.test_client()
        return client.post(path, data=text, headers=made | headers, content_type="application/json")

    def settle(self) -> None:
        """Let the worker settle everything that waits."""
        while partners.settle_waiting(self.house.sessions, self.house.vault):
            pass

    def ripen(self) -> None:
        """Let the points ripen and lapse whose time has come."""
        with self.house.transaction() as tx:
            for job in (points.ripen, points.lapse):
                while job(tx, now=clock.now()):
                    pass

    def active_member(self, name: str) -> "Member":
        """A member linked to every partner under their name, with every consent granted: in one transaction, as the
        API would in some twenty calls."""
        member, vault, now = self.login(name), self.house.vault, clock.now()
        keys = self.house.settings.token_keys
        given: dict[str, Any] = {"holder_id": identity.read_access(keys, member.tokens["access_token"], now).holder_id}
        with self.house.transaction() as tx:
            known = partners.partners(tx, vault)
            linked = [code for code in known if code in SECRETS]
            scenes = [(code, scene) for code, one in known.items() if one.active for scene in one.adapter.scenes]
            link_everywhere(tx, vault, given["holder_id"], name, linked, programme="members", now=now)
            agree_to_all(tx, given["holder_id"], scenes, now=now)
            users = {(code, identity.user_ref_index(vault, code, name)) for code in SECRETS}
            partners.wake_users(tx, users, now=now)
            for code, handler in sync.handlers(tx).items():
                if not handler.retired:
                    identity.set_consent(tx, **given, partner=code, scene=identity.SHARING, granted=True, now=now)
        return member


class Member:
    """A logged-in client."""

    def __init__(self, world: World, name: str, tokens: dict[str, Any]) -> None:
        self.world = world
        self.name = name
        self.tokens = tokens

    def log_in_again(self) -> None:
        """Fresh tokens, for when the time has moved on."""
        self.tokens = self.world.login(self.name).tokens

    def call(self, method: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}", **options.pop("headers", {})}
        return self.world.client.open(API + path, method=method, headers=headers, **options)

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def link(self, partner: str, user_ref: str) -> dict[str, Any]:
        asked = {"ticket": self.world.ticket(partner, user_ref), "programme": "members"}
        answer = self.call("POST", "/me/partner-links", json=asked)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json
        return found

    def link_code(self, partner: str, programme: str = "members") -> str:
        answer = self.call("POST", "/me/link-codes", json={"partner": partner, "programme": programme})
        assert answer.status_code == 201, answer.text
        code: str = answer.json["code"]
        return code

    def consent(self, partner: str, scene: str, granted: bool = True) -> Any:
        asked = {"partner": partner, "scene": scene, "granted": granted, "text_version": "2026-01"}
        answer = self.call("PUT", "/me/consents", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json

    def account(self) -> dict[str, Any]:
        (account,) = self.get("/me/accounts").json["accounts"]
        found: dict[str, Any] = account
        return found

    def entries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/me/entries?limit=100").json["items"]
        return found

    def receipt(self, entry_id: str) -> dict[str, Any]:
        answer = self.get(f"/me/entries/{entry_id}/receipt")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found


def trip(user_ref: str, number: int, began: datetime, *, km: str = "12.4", mode: str = "metro") -> dict:
    """A completed trip of half an hour."""
    return {
        "type": "trip.completed",
        "timestamp": began.isoformat(),
        "data": {
            "order_no": f"T{number}",
            "user_ref": user_ref,
            "occurred_at": began.isoformat(),
            "trip_id": f"trip-{number}",
            "mode": mode,
            "started_at": began.isoformat(),
            "ended_at": (began + timedelta(minutes=30)).isoformat(),
            "distance_km": km,
        },
    }


def order(kind: str, user_ref: str, order_no: str, at: datetime, *items: dict, outcome: str = "completed") -> dict:
    """An order with its lines."""
    return {
        "type": kind,
        "timestamp": at.isoformat(),
        "data": {
            "order_no": order_no,
            "revision": 1,
            "user_ref": user_ref,
            "occurred_at": at.isoformat(),
            "outcome": outcome,
            "items": [{"line": number, **item} for number, item in enumerate(items, 1)],
        },
    }


def cancellation(user_ref: str, order_no: str, at: datetime) -> dict:
    """An order cancelled as a whole."""
    return {
        "type": "order.cancelled",
        "timestamp": at.isoformat(),
        "data": {"order_no": order_no, "user_ref": user_ref, "occurred_at": at.isoformat()},
    }
