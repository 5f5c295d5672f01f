"""What a partner calls its user is nowhere to be read: not in a table, a log, a refusal or a delivery."""

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import select
from standardwebhooks import Webhook

from backend import clock, partners, signing
from backend.database import Base
from tests.miniprogram_api.world import SECRETS, World, cancellation, trip

#: References of three users; the middle part is plain, so that it is found however JSON spells the rest.
REFERENCES = [f"用户-Kx9Zq7wd-{number}" for number in range(3)]
TELLTALE = "Kx9Zq7wd".lower()
BATCH, DELIVERIES = "/partners/v1/events:batch", "/partners/v1/deliveries"


def post(world: World, path: str, body: bytes, signed: bytes, message_id: str, content_type: str) -> Any:
    now = clock.now()
    headers = {
        "webhook-partner": "transit",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRETS["transit"]).sign(message_id, now, signed.decode()),
    }
    return world.client.post(path, data=body, headers=headers, content_type=content_type)


def event(world: World, message_id: str, said: dict[str, Any]) -> Any:
    body = json.dumps(said).encode()
    return post(world, "/webhooks/transit", body, body, message_id, "application/json")


def batch(world: World, said: dict[str, Any]) -> Any:
    line = json.dumps(said, ensure_ascii=False).encode()
    signed = f"POST {BATCH}\n{hashlib.sha256(line).hexdigest()}\n".encode()
    answer = post(world, BATCH, line, signed, "batch_1", "application/x-ndjson")
    assert '"accepted"' in answer.text  # lines are taken in while they are answered
    return answer


def deliveries(world: World) -> Any:
    now = clock.now()
    sign = Webhook(SECRETS["transit"]).sign("ask_all", now, DELIVERIES)
    headers = {"webhook-partner": "transit", "webhook-id": "ask_all", "webhook-signature": sign}
    return world.client.get(DELIVERIES, headers=headers | {"webhook-timestamp": str(int(now.timestamp()))})


def everything_that_happens(world: World, acted_at: Any) -> Iterator[Any]:
    """Answers to partners, and refusals to members, from the first event of three users to the end of their links."""
    alice, bob, gone = world.login("alice"), world.login("bob"), world.login("gone")
    first, second, third = REFERENCES
    hours = iter(range(20))

    def ride(user: str) -> dict[str, Any]:
        number = next(hours)
        return trip(user, number, acted_at - timedelta(hours=number))

    told = ride(first)
    yield event(world, "evt_a", told)  # it waits for the link
    world.settle()
    alice.link("transit", first)
    alice.consent("transit", "commute")
    ticket = {"ticket": world.ticket("transit", first), "programme": "members"}
    yield bob.call("POST", "/me/partner-links", json=ticket)
    links = "/partners/v1/links"
    yield world.ask("transit", links, {"code": bob.link_code("transit"), "user_ref": first})
    yield world.ask("transit", links, {"code": "2345678923", "user_ref": second})
    yield world.ask("transit", links, {"code": "2345678923", "user_ref": second, "more": second})
    yield world.ask("transit", links, {"code": bob.link_code("transit"), "user_ref": second})
    bob.consent("transit", "commute")
    forged = signing.sign_link_ticket(
        signing.parse_key(SECRETS["shop"]), "transit", third, clock.now() + timedelta(minutes=5), "n" * 16
    )
    yield gone.call("POST", "/me/partner-links", json={"ticket": forged, "programme": "members"})
    gone.link("transit", third)
    yield batch(world, {"id": "evt_b"} | ride(second))
    yield event(world, "evt_a", ride(third))  # the same id with another content: refused, and kept
    yield event(world, "evt_c", ride(third) | {"timestamp": third})
    refused = ride(third)
    refused["data"]["user_ref"] += "\n"
    yield event(world, "evt_d", refused)
    yield event(world, "evt_e", ride(third))
    unusable = ride(second)
    unusable["data"]["mode"] = second
    yield event(world, "evt_f", unusable)
    world.settle()
    yield event(world, "evt_g", cancellation(first, told["data"]["order_no"], acted_at))
    yield deliveries(world)
    world.settle()
    yield world.ask("transit", f"{links}:end", {"user_ref": second})
    confirmation = gone.call("POST", "/me/deletion-requests").json["confirmation"]
    assert gone.call("DELETE", f"/me?confirmation={confirmation}").status_code == 200
    yield event(world, "evt_h", ride(second))
    world.settle()
    yield deliveries(world)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line that is logged. Loggers remember where they print, so they are listened to where they do it."""
    lines: list[str] = []
    for level in ("debug", "info", "warning", "error", "critical"):
        monkeypatch.setattr(structlog.PrintLogger, level, lambda _, line: lines.append(line))
    return lines


def test_no_table_log_refusal_or_delivery_holds_a_readable_reference(
    world: World, acted_at: Any, logged: list[str]
) -> None:
    answers = list(everything_that_happens(world, acted_at))
    assert {answer.status_code for answer in answers} == {200, 202, 409, 422}
    assert TELLTALE not in "".join(answer.text for answer in answers).lower()
    assert sum('"refused"' in line for line in logged) >= 5
    assert TELLTALE not in "".join(logged).lower()
    digests = {hashlib.sha256(each.encode()).digest() for each in REFERENCES}  # anybody could try names on these
    tables = set()
    with world.house.transaction() as tx:
        for table in Base.metadata.sorted_tables:
            for row in tx.execute(select(table)):
                tables.add(table.name)
                for name, value in row._mapping.items():
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    assert TELLTALE.encode() not in raw.lower(), f"{table.name}.{name}"
                    assert not any(digest in raw or digest.hex().encode() in raw for digest in digests), table.name
    assert tables >= {"inbox", "inbox_conflicts", "partner_batches", "partner_links", "link_codes", "activities"}
    with world.house.transaction() as tx:
        states = {item["state"] for item in partners.deliveries(tx, "transit")}
    assert states == {"done", "parked"}
