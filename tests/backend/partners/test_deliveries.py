"""What an integrator reads of what became of the events: all of it, page by page, and nothing of anybody else."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask

from backend import clock, partners
from tests.backend.partners.asking import ask, signed_headers
from tests.backend.world import World, days_ago, trade_in, trip

PATH = "/partners/v1/deliveries"


@pytest.fixture
def world(app: Flask, database_url: str) -> World:
    return World(database_url)


def read(app: Flask, query: str = "", **more: Any) -> dict[str, Any]:
    answer = ask(app, "GET", PATH + query, **more)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = json.loads(answer.text)
    return told


def ids(told: dict[str, Any]) -> list[str]:
    return [item["event_id"] for item in told["deliveries"]]


def test_a_partner_reads_what_became_of_each_event_and_goes_on_to_the_next_page(app: Flask, world: World) -> None:
    world.person("alice")
    world.person("bob", linked=False)
    begun = clock.now()
    for number in range(3):
        world.send("transit", trip(f"T{number}", "alice", at=days_ago(3 + number)), f"e{number}")
    world.send("transit", trip("T3", "bob"), "parked")
    world.send("transit", trip("T4", "alice", "-1"), "refused")
    world.send("zhuanzhuan", trade_in("D1", "alice", "SN-1"), "theirs")
    with pytest.raises(partners.EventIdReused):
        world.send("transit", trip("T5", "alice"), "e1")
    world.settle()
    first = read(app, "?limit=2")
    pages, onward = [ids(first)], first["next"]
    while onward:
        told = read(app, onward.removeprefix(PATH))
        pages, onward = [*pages, ids(told)], told["next"]
    assert pages == [["refused", "parked"], ["e2", "e1"], ["e0"]]
    everything = {item["event_id"]: item for item in read(app)["deliveries"]}
    assert [everything[name]["state"] for name in ("e0", "parked", "refused")] == ["done", "parked", "done"]
    (line,) = everything["refused"]["lines"]
    assert (line["status"], line["reason"].count(" / ")) == ("refused", 1)
    assert everything["e0"]["lines"][0]["standing"] == "issued"
    assert everything["e0"]["parked_until"] is everything["e0"]["lines"][0]["reason"] is None
    waits = everything["parked"]
    assert (waits["waiting_for"], waits["lines"][0]["code"]) == ("LINK", "NO_LINK")
    until = clock.parse_instant(waits["parked_until"]) - clock.parse_instant(waits["received_at"])
    assert until == timedelta(days=30)
    (conflict,) = everything["e1"]["conflicts"]
    assert conflict["code"] == "EVENT_ID_REUSED" and conflict["reason"] and everything["e0"]["conflicts"] == []
    assert ids(read(app, "?event_id=parked")) == ids(read(app, "?state=parked")) == ["parked"]
    assert ids(read(app, "?conflicts=true")) == ["e1"]
    assert ids(read(app, "?event_id=theirs")) == ids(read(app, "?state=dead")) == []
    assert ids(read(app, f"?since={quote(begun.isoformat())}&state=done&limit=1")) == ["refused"]
    assert ids(read(app, f"?since={quote((clock.now() + timedelta(hours=1)).isoformat())}")) == []
    with world.house.transaction() as tx:
        partners.rotate_secret(tx, world.house.vault, "transit", overlap=timedelta(hours=1), now=clock.now())
    (ending,) = read(app)["keys_ending"]
    assert (ending["kind"], bool(ending["valid_until"])) == ("secret", True)
    assert read(app, partner="zhuanzhuan")["keys_ending"] == []


def test_a_filter_that_cannot_be_followed_is_refused(app: Flask, world: World) -> None:
    for query, code in (
        ("?before=rubbish", "INVALID_POSITION"),
        ("?before=", "INVALID_POSITION"),
        ("?sate=parked", "INVALID_FILTER"),
        ("?state=lost", "INVALID_FILTER"),
        ("?state=done&state=parked", "INVALID_FILTER"),
        ("?event_id=%00", "INVALID_FILTER"),
        ("?event_id=" + "a" * 129, "INVALID_FILTER"),
        ("?since=2026-06-05", "INVALID_FILTER"),
        ("?since=2026-06-05T00:00:00+08:00", "INVALID_FILTER"),
        ("?since=0001-01-01T00:00:00Z", "INVALID_FILTER"),
        ("?limit=0", "INVALID_FILTER"),
        ("?limit=101", "INVALID_FILTER"),
        ("?limit=%D9%A1", "INVALID_FILTER"),
        ("?conflicts=yes", "INVALID_FILTER"),
    ):
        answer = ask(app, "GET", PATH + query)
        assert (answer.status_code, json.loads(answer.text)["code"]) == (400, code), query


def test_nobody_else_reads_them(app: Flask, world: World) -> None:
    for method, target, more, expected in (
        ("GET", PATH, {"secrets": ("whsec_" + "QUJD" * 11,)}, (401, "INVALID_SIGNATURE")),
        ("GET", PATH, {"partner": "nobody"}, (404, "UNKNOWN_PARTNER")),
        ("GET", PATH, {"headers": {"webhook-id": "a"}}, (401, "INVALID_SIGNATURE")),
        ("GET", PATH + "?event_id=2", {"headers": signed_headers(PATH)}, (401, "INVALID_SIGNATURE")),
    ):
        answer = ask(app, method, target, **more)
        assert (answer.status_code, json.loads(answer.text)["code"]) == expected, (target, more)
