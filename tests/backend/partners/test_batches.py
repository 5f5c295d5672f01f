"""Batches over HTTP: a line each, proven each, and never at the cost of another."""

import hashlib
import json
import runpy
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from backend import clock, identity, partners, signing
from backend.partners import batches
from backend.partners.models import Batch, InboxConflict, InboxEvent
from tests.backend.world import SECRET, World, cancel, days_ago, trade_in, trip
from tests.house_rules import ROOT

PATH = "/partners/v1/events:batch"
DEEP = b'{"id": "deep", "a":' + b"[" * 60 + b"]" * 60 + b"}"


def line(event_id: str, event: dict[str, Any], **style: Any) -> bytes:
    return json.dumps({"id": event_id} | event, ensure_ascii=False, **style).encode()


def text_to_sign(body: bytes, target: str = PATH) -> str:
    """What an integrator signs, from the description alone."""
    lines = body.removesuffix(b"\n").split(b"\n")
    return f"POST {target}\n" + "".join(hashlib.sha256(each).hexdigest() + "\n" for each in lines)


class Sender:
    """A partner that keeps its events for a while and sends them together."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world

    def post(self, body: bytes, *, batch: str = "batch_1", signed: str | None = None, **headers: str) -> TestResponse:
        now = clock.now()
        made = {
            "content-type": "application/x-ndjson",
            "webhook-partner": "transit",
            "webhook-id": batch,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign(batch, now, text_to_sign(body) if signed is None else signed),
        }
        return self.app.test_client().post(PATH, data=body, headers=made | headers)

    def answers(self, lines: Sequence[bytes], **more: Any) -> list[dict[str, Any]]:
        with closing(self.post(b"\n".join(lines), **more)) as response:
            assert (response.status_code, response.mimetype) == (200, "application/x-ndjson"), response.text
            return [json.loads(each) for each in response.text.splitlines()]

    def refused(self, status: int, code: str, body: bytes, **more: Any) -> None:
        with closing(self.post(body, **more)) as response:
            document = json.loads(response.text)
            assert (response.status_code, document["code"]) == (status, code), response.text
            assert response.content_type == "application/problem+json"


@pytest.fixture
def sender(app: Flask, database_url: str) -> Iterator[Sender]:
    yield Sender(app, World(database_url))


def said(answers: Sequence[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(item["line"], item["event_id"], item["status"], item.get("code")) for item in answers]


def test_every_line_is_answered_and_none_costs_another(sender: Sender) -> None:
    world = sender.world
    alice, bob = world.person("alice"), world.person("bob")
    by_webhook = trip("T0", "alice", "10")
    world.send("transit", by_webhook, "evt_0")
    told = trip("T1", "bob")
    lines = [
        line("evt_1", told),
        line("evt_0", by_webhook, sort_keys=True, indent=None, separators=(",", ":")),  # the same, written otherwise
        line("evt_0", trip("T0", "alice", "59")),
        line("evt_1", told) + b"\r",
        line("evt_1", told | {"type": "order.corrected"}),
        b"",
        b"\xef\xbb\xbf" + line("evt_2", told),
        b'{"id": "evt_2", "type": "\xff"}',
        DEEP,
        line("evt_2", told)[:-1],
        line("evt_2", told) + b" " * 65_536,
        json.dumps(told).encode(),
        line("evt.2", told),
        line("evt_2", trade_in("D1", "alice", "SN-1")),
        line("evt_2", {"type": "trip.completed"}),
        b"[" * 60_000,
        line("evt_9", trip("T9", "alice", "9", at=days_ago(4))),
    ]
    expected = [
        (1, "evt_1", "accepted", None),
        (2, "evt_0", "duplicate", None),
        (3, "evt_0", "refused", "EVENT_ID_REUSED"),
        (4, "evt_1", "duplicate", None),
        (5, "evt_1", "refused", "EVENT_ID_REUSED"),
        (6, None, "refused", "INVALID_JSON"),
        (7, None, "refused", "INVALID_JSON"),
        (8, None, "refused", "INVALID_JSON"),
        (9, None, "refused", "JSON_TOO_DEEP"),
        (10, None, "refused", "INVALID_JSON"),
        (11, None, "refused", "BODY_TOO_LARGE"),
        (12, None, "refused", "INVALID_ENVELOPE"),
        (13, None, "refused", "INVALID_ENVELOPE"),
        (14, "evt_2", "refused", "UNKNOWN_EVENT_TYPE"),
        (15, "evt_2", "refused", "INVALID_ENVELOPE"),
        (16, None, "refused", "JSON_TOO_DEEP"),
        (17, "evt_9", "accepted", None),
    ]
    first = sender.answers(lines)
    assert said(first) == expected
    assert all(item["title"] for item in first if item["status"] == "refused")
    assert first[14]["field"] == "timestamp"
    world.settle()
    again = [(*row[:2], row[2].replace("accepted", "duplicate"), row[3]) for row in expected]
    assert said(sender.answers(lines)) == said(sender.answers(lines, batch="another")) == again
    world.settle()
    assert (world.balances(alice)["reduction"], world.balances(bob)["reduction"]) == (467 + 420, 579)
    with world.house.transaction() as tx:
        conflicts = tx.execute(select(InboxConflict.event_id, InboxConflict.batch_line)).all()
        assert sorted(conflicts) == [("evt_0", 3), ("evt_1", 5)]
        assert len(tx.execute(select(Batch)).all()) == 2
    world.check_books()


def test_a_line_stays_proven_when_another_one_is_forgotten(sender: Sender) -> None:
    """Whoever holds the line, the list of digests and the partner's public key needs nobody else."""
    world = sender.world
    alice = world.person("alice")
    world.person("bob")
    private, public = signing.new_ed25519_pair()
    with world.house.transaction() as tx:
        partners.add_key(tx, world.house.vault, "transit", public, now=clock.now())
    lines = [line("evt_a", trip("T1", "alice")), line("evt_b", trip("T2", "bob"))]
    body = b"\n".join(lines) + b"\n"
    headers = signing.sign("batch_1", clock.now(), text_to_sign(body).encode(), [signing.parse_signing_key(private)])
    with closing(sender.post(body, **headers)) as response:
        assert [json.loads(each)["status"] for each in response.text.splitlines()] == ["accepted"] * 2
    world.settle()
    with world.house.transaction() as tx:
        partners.forget_member(tx, alice, now=clock.now())
    with world.house.transaction() as tx:
        rows = {row.event_id: row for row in tx.scalars(select(InboxEvent))}
        proof = partners.batch_proof(tx, world.house.vault, rows["evt_b"].batch_id)
        receiver = identity.person_sealers(tx, world.house.vault, [rows["evt_b"].holder_id])
        kept = receiver[rows["evt_b"].holder_id].open(rows["evt_b"].sealed_body, b"inbox:transit:evt_b")
        evidence = json.loads(tx.execute(text("SELECT evidence FROM activities ORDER BY id DESC LIMIT 1")).scalar_one())
    assert rows["evt_a"].sealed_body is None
    assert kept == lines[1]
    assert (evidence["source"], evidence["batch_id"], evidence["line"]) == ("batch", proof["batch_id"], 2)
    assert proof["line_digests"][1] == hashlib.sha256(kept).hexdigest() == evidence["body_sha256"]
    assert proof["key"] == public
    assert "alice" not in json.dumps(proof)
    proves = runpy.run_path(str(ROOT / "docs" / "examples" / "verify_batch_line.py"))["verify"]
    assert proves(proof, 2, kept, public)
    # The erased line is proven as well, by whoever still has a copy of it: the partner, say.
    assert proves(proof, 1, lines[0], public)
    others = [(1, kept, public), (3, kept, public), (0, kept, public), (2, kept + b" ", public)]
    assert not any(proves(proof, *other) for other in (*others, (2, kept, signing.new_ed25519_pair()[1])))
    assert not proves(proof | {"webhook-id": "batch_2"}, 2, kept, public)


def test_a_batch_as_a_whole_is_refused_with_a_problem(sender: Sender) -> None:
    one = line("evt_1", trip("T1", "alice"))
    sender.refused(422, "EMPTY_BATCH", b"")
    sender.refused(422, "TOO_MANY_LINES", b"\n" * 10_001)
    sender.refused(422, "TOO_MANY_LINES", b"\n" * 10_000 + b"x")
    sender.refused(413, "BODY_TOO_LARGE", b" " * (batches.MAX_BYTES + 1))
    sender.refused(415, "WRONG_CONTENT_TYPE", one, **{"content-type": "application/json"})
    sender.refused(404, "UNKNOWN_PARTNER", one, **{"webhook-partner": "nobody"})
    for signed in (one.decode(), "", text_to_sign(one + b"\n" + one), text_to_sign(one, "/partners/v1/secrets:rotate")):
        sender.refused(401, "INVALID_SIGNATURE", one, signed=signed)
    with sender.world.house.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM partner_batches")).scalar() == 0
    largest = sender.answers([b""] * 9_999 + [one])
    assert said(largest)[-1] == (10_000, "evt_1", "accepted", None)
    assert {item["code"] for item in largest[:-1]} == {"INVALID_JSON"}


def test_what_was_answered_is_on_disk_however_the_connection_ends(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PIECE", 2)
    lines = [line(f"evt_{n}", trip(f"T{n}", "alice")) for n in range(6)]
    with closing(sender.post(b"\n".join(lines))) as response:
        heard = next(response.iter_encoded())
    assert [item["status"] for item in map(json.loads, heard.splitlines())] == ["accepted"] * 2
    with sender.world.house.transaction() as tx:
        _fail_from(tx, "evt_4")
    broken = sender.answers(lines)
    assert [item["status"] for item in broken] == ["duplicate"] * 2 + ["accepted"] * 2 + ["retry"] * 2
    assert all(item["code"] for item in broken[4:])
    with sender.world.house.transaction() as tx:
        tx.execute(text("DROP TRIGGER poison" + ("" if _is_sqlite(tx) else " ON inbox")))
    # The rest alone is another batch; the whole is the same one. Both are taken.
    assert [item["status"] for item in sender.answers(lines[4:])] == ["accepted"] * 2
    assert [item["status"] for item in sender.answers(lines)] == ["duplicate"] * 6


def _is_sqlite(tx: Any) -> bool:
    return bool(tx.get_bind().dialect.name == "sqlite")


def _fail_from(tx: Any, event_id: str) -> None:
    """Let the database itself fail when this event is written."""
    when = f"WHEN (NEW.event_id = '{event_id}')"
    if _is_sqlite(tx):
        tx.execute(text(f"CREATE TRIGGER poison BEFORE INSERT ON inbox {when} BEGIN SELECT RAISE(ABORT, 'x'); END"))
        return
    tx.execute(text("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'x'; END $$"))
    tx.execute(text(f"CREATE TRIGGER poison BEFORE INSERT ON inbox FOR EACH ROW {when} EXECUTE FUNCTION fail()"))


def test_any_order_and_any_way_of_arrival_gives_the_same(sender: Sender) -> None:
    world = sender.world
    alice = world.person("alice")
    corrected = trip("T1", "alice", "11", revision=2)
    events = [trip("T1", "alice", "10"), corrected, cancel("T2", "alice"), trip("T2", "alice")]
    world.send("transit", events[3], "evt_3")
    statuses = [item["status"] for item in sender.answers([line(f"evt_{n}", events[n]) for n in (2, 3, 1, 0)])]
    assert statuses == ["accepted", "duplicate", "accepted", "accepted"]
    world.settle()
    assert world.balances(alice)["reduction"] == 513


def test_the_same_events_in_opposite_orders_at_once(postgresql_url: str) -> None:
    """Nobody waits in a circle, and each event is accepted once."""
    world = World(postgresql_url)
    lines = [line(f"evt_{n}", trip(f"T{n}", "alice")) for n in range(600)]
    found: list[str] = []

    def send(order: Sequence[bytes], batch: str) -> None:
        body = b"\n".join(order)
        key = signing.parse_signing_key(SECRET)
        headers = signing.sign(batch, clock.now(), text_to_sign(body).encode(), [key])
        for piece in world.house.gate.take_in_batch("transit", headers, body):
            found.extend(item["status"] for item in piece)

    orders = [lines, lines[::-1]] * 2
    threads = [threading.Thread(target=send, args=(order, f"b{number}")) for number, order in enumerate(orders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found.count("accepted"), found.count("duplicate")) == (600, 1_800)


def test_only_so_many_batches_at_once(sender: Sender) -> None:
    one = line("evt_1", trip("T1", "alice"))
    with closing(sender.post(one)), closing(sender.post(one)), closing(sender.post(one)) as third:
        assert (third.status_code, third.headers["Retry-After"]) == (429, "5")
    sender.refused(401, "INVALID_SIGNATURE", one, signed="")
    assert sender.answers([one])[0]["status"] in ("accepted", "duplicate")
