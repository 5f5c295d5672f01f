"""The webhook over HTTP: every refusal is a problem document with a stable code, and nothing is credited for it."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from backend import clock, partners
from tests.backend.world import SECRET, World, cancel, days_ago, event, trade_in, trip

LIMIT = 65_536


class Sender:
    """A partner at the other end of HTTP."""

    def __init__(self, app: Flask, world: World) -> None:
        self.client: FlaskClient = app.test_client()
        self.world = world
        self.alice: UUID = world.person("alice")
        self.sent = 0

    def post(
        self,
        body: object,
        *,
        partner: str = "transit",
        event_id: str | None = None,
        at: datetime | None = None,
        headers: dict[str, str | None] | None = None,
        secret: str = SECRET,
        **more: Any,
    ) -> TestResponse:
        self.sent += 1
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        event_id, at = event_id or f"evt_{self.sent}", at or clock.now()
        made: dict[str, str | None] = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, at, raw.decode("utf-8", "surrogateescape"))
            if _is_text(raw)
            else _sign_bytes(event_id, at, raw, secret),
        }
        made |= headers or {}
        given = {name: value for name, value in made.items() if value is not None}
        return self.client.post(f"/webhooks/{partner}", data=raw, headers=given, **more)

    def nothing_came_of_it(self) -> None:
        """Nothing waits in the inbox, and nobody got anything."""
        with self.world.house.transaction() as tx:
            assert tx.execute(text("SELECT count(*) FROM inbox")).scalar() == 0
        self.world.settle()
        assert self.world.balances(self.alice) == {}


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _sign_bytes(event_id: str, at: datetime, raw: bytes, secret: str) -> str:
    from backend import signing

    key = signing.parse_key(secret)
    assert isinstance(key, signing.SecretKey)
    return signing.sign(event_id, at, raw, [key])["webhook-signature"]


@pytest.fixture
def sender(app: Flask, database_url: str) -> Iterator[Sender]:
    yield Sender(app, World(database_url))


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    assert (response.status_code, response.content_type) == (status, "application/problem+json"), response.text
    document: dict[str, Any] = json.loads(response.text)
    assert (document["status"], document["code"], document["type"]) == (status, code, f"/docs/problems#{code}")
    assert document["title"]
    return document


# -- what is taken -----------------------------------------------------------------------------------------------


def test_an_event_is_on_disk_before_it_is_answered(sender: Sender) -> None:
    response = sender.post(trip("T1", "alice"), event_id="evt_a")
    assert (response.status_code, response.json) == (202, {"status": "accepted", "event_id": "evt_a"})
    with sender.world.house.transaction() as tx:
        assert tx.execute(text("SELECT event_id, state FROM inbox")).all() == [("evt_a", "waiting")]
        assert b"alice" not in tx.execute(text("SELECT sealed_body FROM inbox")).scalar()
    sender.world.settle()
    assert sender.world.balances(sender.alice)["reduction"] == 579


def test_the_same_event_again_is_answered_and_counts_once(sender: Sender) -> None:
    told = trip("T1", "alice")
    first = sender.post(told, event_id="evt_a")
    again = sender.post(told, event_id="evt_a", at=clock.now() + timedelta(seconds=60))
    assert (first.status_code, again.status_code, again.json["status"]) == (202, 200, "duplicate")  # type: ignore[index]
    sender.world.settle()
    assert sender.post(told, event_id="evt_a").json["status"] == "duplicate"  # type: ignore[index]
    assert sender.world.balances(sender.alice)["reduction"] == 579


def test_the_same_id_with_another_body_is_refused_and_kept_as_evidence(sender: Sender) -> None:
    sender.post(trip("T1", "alice", "10"), event_id="evt_a")
    problem(sender.post(trip("T1", "alice", "11"), event_id="evt_a"), 409, "EVENT_ID_REUSED")
    problem(sender.post(trip("T1", "alice", "11"), event_id="evt_a"), 409, "EVENT_ID_REUSED")
    sender.world.settle()
    problem(sender.post(trip("T1", "alice", "11"), event_id="evt_a"), 409, "EVENT_ID_REUSED")
    assert sender.world.balances(sender.alice)["reduction"] == 467
    with sender.world.house.transaction() as tx:
        assert tx.execute(text("SELECT event_id FROM inbox_conflicts")).scalars().all()[0] == "evt_a"


def test_two_partners_may_use_the_same_id(sender: Sender) -> None:
    assert sender.post(trip("T1", "alice"), event_id="1").status_code == 202
    assert sender.post(trade_in("D1", "alice", "SN-1"), partner="zhuanzhuan", event_id="1").status_code == 202


def test_every_valid_key_of_a_rotation_is_taken(sender: Sender) -> None:
    with sender.world.house.transaction() as tx:
        vault, now = sender.world.house.vault, clock.now() - timedelta(seconds=1)
        fresh = partners.rotate_secret(tx, vault, "transit", overlap=timedelta(hours=1), now=now)
    told = trip("T1", "alice")
    assert sender.post(told, secret=fresh).status_code == 202
    assert sender.post(told).status_code == 202
    event_id, now, raw = "evt_both", clock.now(), json.dumps(told)
    both = " ".join(Webhook(key).sign(event_id, now, raw) for key in (fresh, SECRET))
    response = sender.post(raw.encode(), event_id=event_id, at=now, headers={"webhook-signature": f"v9,xyz {both}"})
    assert response.status_code == 202


# -- who says it -------------------------------------------------------------------------------------------------

OTHER_SECRET = "whsec_" + "QUJD" * 11
BAD_HEADERS: dict[str, dict[str, str | None]] = {
    "no id": {"webhook-id": None},
    "no timestamp": {"webhook-timestamp": None},
    "no signature": {"webhook-signature": None},
    "empty id": {"webhook-id": ""},
    "id with a dot": {"webhook-id": "evt.1"},
    "another id": {"webhook-id": "evt_other"},
    "long id": {"webhook-id": "e" * 129},
    "fractional timestamp": {"webhook-timestamp": "1780000000.5"},
    "signed timestamp": {"webhook-timestamp": "+1780000000"},
    "exponent": {"webhook-timestamp": "1e9"},
    "NaN": {"webhook-timestamp": "NaN"},
    "full-width digits": {"webhook-timestamp": "１７８０"},
    "blank": {"webhook-timestamp": " "},
    "no version": {"webhook-signature": "AAAA"},
    "no known version": {"webhook-signature": "v7,AAAA"},
    "not base64": {"webhook-signature": "v1,####"},
    "short": {"webhook-signature": "v1,AAAA"},
    "zeros": {"webhook-signature": "v1," + "A" * 43 + "="},
    "many": {"webhook-signature": " ".join(["v1," + "A" * 43 + "="] * 17)},
}


def test_a_malformed_header_is_an_invalid_signature(sender: Sender) -> None:
    for fault, bad in BAD_HEADERS.items():
        headers = {name: value and value.encode().decode("latin-1") for name, value in bad.items()}
        response = sender.post(trip("T1", "alice"), headers=headers)
        assert (fault, response.status_code) == (fault, 401)
        assert json.loads(response.text)["code"] in {"INVALID_SIGNATURE", "TIMESTAMP_OUT_OF_RANGE"}
    sender.nothing_came_of_it()


def test_another_secret_is_refused(sender: Sender) -> None:
    problem(sender.post(trip("T1", "alice"), secret=OTHER_SECRET), 401, "INVALID_SIGNATURE")
    sender.nothing_came_of_it()


def test_a_body_changed_on_the_way_is_refused(sender: Sender) -> None:
    now = clock.now()
    signed = Webhook(SECRET).sign("evt_a", now, json.dumps(trip("T1", "alice", "1")))
    headers: dict[str, str | None] = {"webhook-signature": signed}
    response = sender.post(trip("T1", "alice", "59"), event_id="evt_a", at=now, headers=headers)
    problem(response, 401, "INVALID_SIGNATURE")
    sender.nothing_came_of_it()


def test_a_stale_or_future_signature_is_refused(sender: Sender) -> None:
    for seconds in (-302, -86_400, 302, 86_400, 3_000_000_000):
        at = clock.now() + timedelta(seconds=seconds)
        problem(sender.post(trip("T1", "alice"), at=at), 401, "TIMESTAMP_OUT_OF_RANGE")
    sender.nothing_came_of_it()


def test_a_clock_within_the_tolerance_is_taken(sender: Sender) -> None:
    for seconds in (-295, 295):
        assert sender.post(trip("T1", "alice"), at=clock.now() + timedelta(seconds=seconds)).status_code == 202


def test_an_unknown_partner_is_not_found(sender: Sender) -> None:
    for partner in ("nobody", "TRANSIT", "transit%00", "..", "%F0%9F%9A%B2", "a" * 300):
        response = sender.post(trip("T1", "alice"), partner=partner)
        assert (partner, response.status_code) == (partner, 404)
        assert json.loads(response.text)["code"] in {"UNKNOWN_PARTNER", "NOT_FOUND"}
    sender.nothing_came_of_it()


def test_a_partner_without_a_key_is_refused(sender: Sender) -> None:
    with sender.world.house.transaction() as tx:
        partners.save_partner(tx, code="keyless", adapter="transit", title="keyless", return_days=0)
    problem(sender.post(trip("T1", "alice"), partner="keyless"), 401, "INVALID_SIGNATURE")


def test_a_partner_that_was_put_to_rest_is_refused(sender: Sender) -> None:
    with sender.world.house.transaction() as tx:
        tx.execute(text("UPDATE partners SET active = false WHERE code = 'transit'"))
    problem(sender.post(trip("T1", "alice")), 403, "PARTNER_INACTIVE")
    problem(sender.post(trip("T1", "alice"), secret=OTHER_SECRET), 401, "INVALID_SIGNATURE")
    sender.nothing_came_of_it()


def test_only_posting_is_possible(sender: Sender) -> None:
    problem(sender.client.get("/webhooks/transit"), 405, "METHOD_NOT_ALLOWED")


# -- how it says it ----------------------------------------------------------------------------------------------

GOOD = json.dumps(trip("T1", "alice")).encode()
BAD_JSON = {
    "nothing": (b"", "INVALID_JSON"),
    "no JSON": (b"order_no=1", "INVALID_JSON"),
    "cut off": (GOOD[:-1], "INVALID_JSON"),
    "two documents": (GOOD + GOOD, "INVALID_JSON"),
    "byte order mark": (b"\xef\xbb\xbf" + GOOD, "INVALID_JSON"),
    "not UTF-8": (b'{"type": "\xff"}', "INVALID_JSON"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "INVALID_JSON"),
    "NUL": (b'{"type": "a\\u0000b"}', "INVALID_JSON"),
    "half a surrogate": (b'{"type": "\\ud800"}', "INVALID_JSON"),
    "NaN": (GOOD.replace(b'"12.4"', b"NaN"), "INVALID_JSON"),
    "Infinity": (GOOD.replace(b'"12.4"', b"Infinity"), "INVALID_JSON"),
    "-Infinity": (GOOD.replace(b'"12.4"', b"-Infinity"), "INVALID_JSON"),
    "gigantic": (GOOD.replace(b'"12.4"', b"1e400"), "JSON_NUMBER_OUT_OF_RANGE"),
    "gigantic whole": (GOOD.replace(b'"12.4"', b"9" * 5_000), "JSON_NUMBER_OUT_OF_RANGE"),
    "tiny": (GOOD.replace(b'"12.4"', b"1e-400"), "JSON_NUMBER_OUT_OF_RANGE"),
    "duplicate key": (GOOD.replace(b'{"type"', b'{"type": "x", "type"', 1), "DUPLICATE_KEY"),
    "escaped duplicate key": (GOOD.replace(b'{"type"', b'{"\\u0074ype": "x", "type"', 1), "DUPLICATE_KEY"),
    "deep": (b'{"a":' + b"[" * 60 + b"]" * 60 + b"}", "JSON_TOO_DEEP"),
    "very deep": (b"[" * 65_000, "JSON_TOO_DEEP"),
    "a list": (b"[]", "JSON_NOT_AN_OBJECT"),
    "null": (b"null", "JSON_NOT_AN_OBJECT"),
}


def test_what_is_not_strict_json_is_refused(sender: Sender) -> None:
    for body, code in BAD_JSON.values():
        problem(sender.post(body), 400, code)
    sender.nothing_came_of_it()


def test_a_stranger_learns_nothing_about_his_json(sender: Sender) -> None:
    problem(sender.post(b"[" * 10_000, secret=OTHER_SECRET), 401, "INVALID_SIGNATURE")


def test_another_content_type_is_refused(sender: Sender) -> None:
    for kind in (
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json/x",
    ):
        problem(sender.post(trip("T1", "alice"), headers={"content-type": kind}), 415, "WRONG_CONTENT_TYPE")
    sender.nothing_came_of_it()


def test_the_content_type_may_be_written_otherwise(sender: Sender) -> None:
    for kind in ("application/json; charset=utf-8", "Application/JSON"):
        assert sender.post(trip("T1", "alice"), headers={"content-type": kind}).status_code == 202


def padded(size: int) -> bytes:
    return GOOD + b" " * (size - len(GOOD))


def test_the_largest_body_is_taken_and_the_next_refused(sender: Sender) -> None:
    assert sender.post(padded(LIMIT)).status_code == 202
    problem(sender.post(padded(LIMIT + 1)), 413, "BODY_TOO_LARGE")


def test_the_size_is_counted_when_no_header_tells_it(sender: Sender) -> None:
    """Transfer-Encoding: chunked has no Content-Length; the server marks where the input ends."""
    for size in (LIMIT + 1, 10**7):
        problem(_chunked(sender, padded(size)), 413, "BODY_TOO_LARGE")
    sender.nothing_came_of_it()
    assert _chunked(sender, padded(LIMIT)).status_code == 202


def _chunked(sender: Sender, raw: bytes) -> TestResponse:
    now = clock.now()
    headers = {
        "content-type": "application/json",
        "webhook-id": "evt_chunked",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_chunked", now, raw.decode()),
        "transfer-encoding": "chunked",
    }
    return sender.client.post(
        "/webhooks/transit",
        input_stream=BytesIO(raw),
        headers=headers,
        environ_overrides={"wsgi.input_terminated": True},
    )


def test_a_false_content_length_never_breaks_anything(sender: Sender) -> None:
    for length in ("-1", "abc", "1_0", "9" * 40, "9" * 5_000, "1"):
        response = sender.post(trip("T1", "alice"), environ_overrides={"CONTENT_LENGTH": length})
        assert 400 <= response.status_code < 500, length
        assert response.content_type == "application/problem+json"
    sender.nothing_came_of_it()


# -- what it says ------------------------------------------------------------------------------------------------


def changed(where: str, value: object) -> dict[str, Any]:
    """A good trip with one field of the envelope changed; `...` removes it."""
    told = json.loads(GOOD)
    *path, name = where.split(".")
    place = told
    for step in path:
        place = place[step]
    place.pop(name, None)
    if value is not ...:
        place[name] = value
    return dict(told)


BAD_ENVELOPES = [
    ("type", ...),
    ("type", "trip.started"),
    ("type", 7),
    ("timestamp", ...),
    ("timestamp", 1_780_000_000),
    ("timestamp", "2026-06-05 08:30"),
    ("timestamp", "2026-06-05T08:30:00"),
    ("timestamp", "2026-13-05T08:30:00Z"),
    ("timestamp", "1999-12-31T00:00:00Z"),
    ("timestamp", "9999-12-31T23:59:59-14:00"),
    ("data", ...),
    ("data", []),
    ("data.order_no", ...),
    ("data.order_no", ""),
    ("data.order_no", " D1"),
    ("data.order_no", "D" * 129),
    ("data.order_no", "D\n1"),
    ("data.order_no", 17),
    ("data.user_ref", ...),
    ("data.user_ref", None),
    ("data.occurred_at", ...),
    ("data.occurred_at", "yesterday"),
    ("data.revision", 0),
    ("data.revision", -1),
    ("data.revision", 1.5),
    ("data.revision", "2"),
    ("data.revision", True),
    ("data.revision", 1_000_001),
    ("data.outcome", None),
    ("data.items", {}),
    ("data.items", [7]),
    ("data.items", [{}]),
    ("data.items", [{"line": -1}]),
    ("data.items", [{"line": 1.5}]),
    ("data.items", [{"line": True}]),
    ("data.items", [{"line": "*"}]),
    ("data.items", [{"line": 1}, {"line": "1"}]),
    ("data.items", [{"line": n} for n in range(51)]),
]


def test_a_bad_envelope_names_its_field(sender: Sender) -> None:
    for where, value in BAD_ENVELOPES:
        document = problem(sender.post(changed(where, value)), 422, "INVALID_ENVELOPE")
        assert document["field"].startswith(where)
    sender.nothing_came_of_it()


def test_an_event_this_partner_never_sends_is_refused(sender: Sender) -> None:
    problem(sender.post(trade_in("D1", "alice", "SN-1")), 422, "UNKNOWN_EVENT_TYPE")
    sender.nothing_came_of_it()


QUANTITIES = {
    "distance_km": (
        "transit",
        ["-1", 0, "0", "60.000000001", "1e3", "NaN", "abc", "", "１２", [], {}, True, 2**53 - 1],
    ),
    "weight_kg": ("dangdang", ["-1", 0, "50.000000001", -0.0, 1e15, "Infinity", [1], {"a": 1}, True, "9" * 100]),
    "quantity": ("dangdang", [-1, 0, 1.5, "1.5", 201, 9_007_199_254_740_991, "-3", "NaN", [], {}, True]),
    "retired_kg": ("shop", ["-1", 10_001, "NaN", "1e400", [], {}, True]),
}
CASES = [(partner, field, value) for field, (partner, values) in QUANTITIES.items() for value in values]


def test_a_quantity_that_cannot_be_is_taken_but_never_credited(sender: Sender) -> None:
    """The envelope is sound, so the event is taken; the line is refused with its reason in the deliveries."""
    sent = {}
    for number, (partner, field, value) in enumerate(CASES):
        response = sender.post(_with_quantity(number, field, value), partner=partner, event_id=f"q{number}")
        assert response.status_code == 202, (field, value, response.text)
        sent[f"q{number}"] = (partner, field, value)
    sender.world.settle()
    for event_id, (partner, field, value) in sent.items():
        (line,) = sender.world.lines(partner, event_id)
        assert (line["status"], bool(line["code"])) == ("refused", True), (field, value, line)
    assert sender.world.balances(sender.alice) == {}
    sender.world.check_books()


def _with_quantity(number: int, field: str, value: object) -> dict[str, Any]:
    order = f"O{number}"
    if field == "distance_km":
        return trip(order, "alice", at=days_ago(3, 8)) | {"data": trip(order, "alice")["data"] | {field: value}}
    items = {
        "weight_kg": {"category": "clothes"},
        "quantity": {"category": "books"},
        "retired_kg": {"model": "Legion Y9000K IRX9", "serial": order, "certificate_no": order, "quantity": 1},
    }[field]
    kind = "product.purchased" if field == "retired_kg" else "donation.received"
    return event(kind, order, "alice", items=[{"line": 1, field: value} | items])


UNKNOWN_CATEGORIES: list[tuple[str, str, dict[str, Any]]] = [
    ("zhuanzhuan", "device.traded_in", {"category": "spaceship", "serial": "SN-1"}),
    ("zhuanzhuan", "device.traded_in", {"category": ["phone"], "serial": "SN-1"}),
    ("dangdang", "donation.received", {"category": "gold", "weight_kg": 3}),
    ("dangdang", "device.recycled", {"category": "phone booth", "serial": "SN-1"}),
    ("shop", "product.purchased", {"model": "Commodore 64", "serial": "SN-1", "retired_kg": 300}),
    ("transit", "trip.completed", {"mode": "rocket", "distance_km": "9"}),
    ("transit", "trip.completed", {"mode": "metro", "distance_km": "9", "ended_at": "9999-12-31T23:59:59-14:00"}),
]


def test_an_unknown_category_is_refused_by_line(sender: Sender) -> None:
    for number, (partner, kind, item) in enumerate(UNKNOWN_CATEGORIES):
        told = event(kind, f"O{number}", "alice", items=[{"line": 1, "quantity": 1} | item])
        assert sender.post(told, partner=partner, event_id=f"u{number}").status_code == 202
    sender.world.settle()
    for number, (partner, _, item) in enumerate(UNKNOWN_CATEGORIES):
        (line,) = sender.world.lines(partner, f"u{number}")
        assert line["status"] == "refused", item
        assert line["code"] in {"UNKNOWN_CATEGORY", "INVALID_LINE"}, item
    assert sender.world.balances(sender.alice) == {}


def test_one_partner_cannot_cancel_the_order_of_another(sender: Sender) -> None:
    sender.post(trip("O1", "alice"))
    sender.world.settle()
    assert sender.post(cancel("O1", "alice"), partner="zhuanzhuan").status_code == 202
    sender.world.settle()
    assert sender.world.balances(sender.alice)["reduction"] == 579
