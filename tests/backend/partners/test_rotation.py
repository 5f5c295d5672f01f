"""Keys that partners change themselves: once per request, with an overlap, in every process, and written down."""

import hashlib
import json
from datetime import timedelta
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from backend import clock, create_app, partners, signing
from backend.partners import registry
from backend.partners.models import KeyChange, PartnerKey
from backend.settings import Settings
from tests.backend.partners.asking import ask, request_text, send, signed_headers
from tests.backend.world import SECRET, World, trip

ROTATE, SECRETS = "/partners/v1/secrets:rotate", "/partners/v1/secrets"
END_LINK = "/partners/v1/links:end"
#: What rotation compares whole seconds with.
NOW = "2026-06-08T04:00:00Z"


@pytest.fixture
def world(app: Flask, database_url: str) -> World:
    return World(database_url)


def code(response: TestResponse) -> tuple[int, Any]:
    return response.status_code, (json.loads(response.text) or {}).get("code")


def counts(world: World) -> tuple[int, int]:
    with world.house.transaction() as tx:
        rows = [list(tx.scalars(select(table).where(table.partner == "transit"))) for table in (PartnerKey, KeyChange)]
    return len(rows[0]), len(rows[1])


def webhook(app: Flask, event_id: str, *secrets: str) -> int:
    return send(app, json.dumps(trip(event_id, "alice")), event_id, secrets=secrets).status_code


def test_a_partner_rotates_its_secret_and_a_captured_request_is_worth_nothing(app: Flask, world: World) -> None:
    with time_machine.travel(NOW, tick=False) as travel:
        captured = signed_headers(request_text("POST", ROTATE, "{}"), message_id="rotate_1")
        first = ask(app, "POST", ROTATE, "{}", headers=captured)
        assert (first.status_code, first.headers["Cache-Control"]) == (201, "no-store")
        told: dict[str, Any] = json.loads(first.text)
        fresh = told.pop("secret")
        assert (told["status"], told["others_end_at"]) == ("rotated", "2026-06-09T04:00:00Z")
        assert told["key"]["id"] == partners.key_id(signing.parse_key(fresh))
        travel.shift(timedelta(seconds=290))
        for again in (ask(app, "POST", ROTATE, "{}", headers=captured), rotate(app, "{}", message_id="rotate_1")):
            assert (again.status_code, json.loads(again.text)) == (200, told | {"status": "duplicate"})
        assert counts(world) == (2, 2)
        other = rotate(app, '{"overlap_hours": 0}', message_id="rotate_1")
        assert code(other) == (409, "EVENT_ID_REUSED")
        assert code(rotate(app, "{}", message_id="rotate_2")) == (409, "KEY_ENDING")
        assert counts(world) == (2, 2)

        assert [webhook(app, "e1", SECRET), webhook(app, "e2", fresh), webhook(app, "e3", SECRET, fresh)] == [202] * 3
        keys = json.loads(ask(app, "GET", SECRETS, secrets=(fresh,)).text)
        assert [(key["kind"], key["valid_until"]) for key in keys["keys"]] == [
            ("secret", "2026-06-09T04:00:00Z"),
            ("secret", None),
        ]
        assert [change["by"] for change in keys["changes"]] == ["partner", "operator"]
        assert fresh not in json.dumps(keys) and SECRET not in json.dumps(keys)
        travel.shift(timedelta(hours=24))
        assert [webhook(app, "e4", SECRET), webhook(app, "e5", fresh)] == [401, 202]
        assert len(json.loads(ask(app, "GET", SECRETS, secrets=(fresh,)).text)["keys"]) == 1


def rotate(app: Flask, body: str, **signing: Any) -> TestResponse:
    return ask(app, "POST", ROTATE, body, **signing)


def test_every_process_knows_a_new_key_at_once_and_an_ended_one_within_five_seconds(
    app: Flask, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed = [1_000.0]
    monkeypatch.setattr(registry, "time", SimpleNamespace(monotonic=lambda: elapsed[0]))
    other = create_app(settings)
    assert webhook(other, "e1", SECRET) == 202
    elapsed[0] += 1.1
    fresh = rotate(app, '{"overlap_hours": 0}').json["secret"]  # type: ignore[index]
    assert webhook(app, "e2", SECRET) == 401
    assert webhook(other, "e3", SECRET) == 202  # it has not looked since
    assert webhook(other, "e4", fresh) == 202
    assert webhook(other, "e5", SECRET) == 401
    newest = rotate(app, '{"overlap_hours": 0}', secrets=(fresh,), message_id="again").json["secret"]  # type: ignore[index]
    assert webhook(other, "e6", newest) == 401  # looked a moment ago
    elapsed[0] += registry.CACHE_SECONDS
    assert [webhook(other, "e7", newest), webhook(other, "e8", fresh)] == [202, 401]


def test_a_public_key_is_named_by_the_one_before_it(app: Flask, world: World) -> None:
    (old, old_public), (new, new_public), (stolen, _) = (signing.new_ed25519_pair() for _ in range(3))
    with world.house.transaction() as tx:
        partners.add_key(tx, world.house.vault, "transit", old_public, now=clock.now() - timedelta(seconds=1))
    body = json.dumps({"public_key": new_public})

    def with_keys(*keys: str, message_id: str = "rotate_1") -> TestResponse:
        signers = [signing.parse_signing_key(key) for key in keys]
        text = request_text("POST", ROTATE, body).encode()
        return ask(app, "POST", ROTATE, body, headers=signing.sign(message_id, clock.now(), text, signers))

    assert code(with_keys(SECRET, new)) == (409, "KEY_ENDING")  # we hold that secret as well
    assert code(with_keys(old)) == (422, "INVALID_ROTATION")
    assert code(with_keys(old, stolen)) == (422, "INVALID_ROTATION")
    done = with_keys(old, new)
    assert (done.status_code, done.json["key"]["public_key"]) == (201, new_public)  # type: ignore[index]
    assert "secret" not in done.text
    assert code(with_keys(new, message_id="rotate_2")) == (409, "KEY_EXISTS")
    with world.house.transaction() as tx:
        change = tx.scalars(select(KeyChange).where(KeyChange.message_id == "rotate_1")).one()
        headers = {
            "webhook-id": "rotate_1",
            "webhook-timestamp": str(int(change.signed_at.timestamp())),
            "webhook-signature": change.signature,
        }
        said = request_text("POST", ROTATE, change.body.decode()).encode()
        assert signing.verify(headers, said, [signing.parse_key(old_public)], now=change.signed_at)
        keys = partners.keys_in_force(tx, world.house.vault, "transit", now=clock.now())
    assert [key.public_key for key in keys if key.valid_until] == [old_public]


def test_what_is_no_request_to_rotate_is_refused(app: Flask, world: World) -> None:
    for body, problem in (
        ("", (400, "INVALID_JSON")),
        ("[]", (400, "JSON_NOT_AN_OBJECT")),
        ('{"secret": "whsec_mine"}', (422, "INVALID_ROTATION")),
        ('{"overlap_hours": 25}', (422, "INVALID_ROTATION")),
        ('{"overlap_hours": true}', (422, "INVALID_ROTATION")),
        ('{"overlap_hours": -1}', (422, "INVALID_ROTATION")),
        ('{"public_key": null}', (422, "INVALID_ROTATION")),
        (json.dumps({"public_key": SECRET}), (422, "INVALID_ROTATION")),
        (json.dumps(trip("T1", "alice")), (422, "INVALID_ROTATION")),
    ):
        assert code(rotate(app, body)) == problem, body
    assert code(rotate(app, "{}", secrets=("whsec_" + "QUJD" * 11,))) == (401, "INVALID_SIGNATURE")
    assert code(ask(app, "POST", f"{ROTATE}?overlap_hours=0", "{}")) == (422, "INVALID_ROTATION")
    assert counts(world) == (1, 1)
    fresh = SECRET
    for number in range(7):
        fresh = rotate(app, "{}", secrets=(fresh,), message_id=f"r{number}").json["secret"]  # type: ignore[index]
    assert code(rotate(app, "{}", secrets=(fresh,), message_id="one too many")) == (401, "INVALID_SIGNATURE")
    assert code(rotate(app, "{}", secrets=(fresh,), message_id="one_too_many")) == (409, "TOO_MANY_KEYS")
    # What ends at once makes room, and ends the keys in their overlap as well: nobody has to go on with a lost key.
    lost = rotate(app, '{"overlap_hours": 0}', secrets=(fresh,), message_id="lost")
    assert (lost.status_code, counts(world)) == (201, (9, 9))
    last: str = json.loads(lost.text)["secret"]
    assert len(json.loads(ask(app, "GET", SECRETS, secrets=(last,)).text)["keys"]) == 1
    assert [webhook(app, "e1", SECRET), webhook(app, "e2", fresh), webhook(app, "e3", last)] == [401, 401, 202]


def test_no_signature_serves_another_purpose(app: Flask, world: World) -> None:
    """Whoever captures a request may also choose the body it is sent with: what was signed, for one."""
    event = json.dumps(trip("T1", "alice"))
    line = json.dumps({"id": "evt_1"} | trip("T2", "alice"))
    signed = {
        ("webhook", "", event): event,
        ("batch", "", line): f"POST /partners/v1/events:batch\n{hashlib.sha256(line.encode()).hexdigest()}\n",
        ("GET", SECRETS, ""): SECRETS,
        ("GET", "/partners/v1/deliveries", ""): "/partners/v1/deliveries",
        ("POST", ROTATE, "{}"): f"POST {ROTATE}\n{{}}",
        ("POST", END_LINK, '{"user_ref": "alice"}'): f'POST {END_LINK}\n{{"user_ref": "alice"}}',
    }
    for own, text in signed.items():
        for kind, target, body in signed:
            if (kind, target) == own[:2]:
                continue
            for given in {body, text, own[2]}:
                answer = _try(app, kind, target, given, signed_headers(text))
                assert answer.status_code in (400, 401, 422), (own, kind, target, given)
    assert counts(world) == (1, 1)
    with world.house.transaction() as tx:
        assert partners.deliveries(tx, "transit") == []


def _try(app: Flask, kind: str, target: str, body: str, headers: dict[str, str]) -> TestResponse:
    ways = {
        "webhook": ("POST", "/webhooks/transit", "application/json"),
        "batch": ("POST", "/partners/v1/events:batch", "application/x-ndjson"),
    }
    method, path, content_type = ways.get(kind, (kind, target, "application/json"))
    headers = headers | {"webhook-partner": "transit"}
    return app.test_client().open(path, method=method, data=body, headers=headers, content_type=content_type)


def test_two_rotations_at_once_make_one_secret_each_or_none(postgresql_url: str) -> None:
    World(postgresql_url)
    app = create_app(Settings.for_tests(database_url=postgresql_url))
    answers: list[TestResponse] = []

    def ask_for_one(secret: str, name: str) -> None:
        answers.append(rotate(app, "{}", secrets=(secret,), message_id=name))

    def at_once(secret: str, *names: str) -> list[TestResponse]:
        answers.clear()
        threads = [Thread(target=ask_for_one, args=(secret, name)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(answers, key=lambda answer: answer.status_code)

    again, made = at_once(SECRET, "same", "same")
    assert (again.status_code, made.status_code) == (200, 201)
    made, late = at_once(json.loads(made.text)["secret"], "one", "other")
    assert (made.status_code, code(late)) == (201, (409, "KEY_ENDING"))
