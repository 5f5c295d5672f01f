"""A partner's sender on trial: the senders of the documents pass, and every bad habit is found."""

import importlib.util
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import clock, signing
from backend.errors import NotFound
from backend.sandbox import conformance, programme
from backend.sandbox.conformance import script
from backend.sandbox.conformance.checks import CHECKS
from backend.sandbox.conformance.judging import Seen
from backend.sandbox.conformance.observing import Facts
from backend.sandbox.conformance.script import ACCEPTED, DUPLICATE, SCRIPT
from backend.sandbox.programme import PARTNERS
from tests.backend.sandbox.serving import serving
from tests.backend.world import days_ago, event, trip
from tests.house_rules import ROOT

EXAMPLES = ROOT / "docs" / "examples"
#: Growing, and the last one longer than a busy machine makes the first.
PAUSES_S = (0.1, 0.3, 0.1, 0.8, 2.4)
Deliver = Callable[[str, str, str, str, bytes, Sequence[float]], Any]


def example() -> Any:
    """The Python sender of the documents."""
    spec = importlib.util.spec_from_file_location("partner_example", EXAMPLES / "partner.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PARTNER = example()


def by_node(url: str, partner: str, keys: str, event_id: str, body: bytes, pauses_s: Sequence[float]) -> Any:
    """The JavaScript sender of the documents."""
    pauses = ",".join(map(str, pauses_s))
    command = ("node", str(EXAMPLES / "partner.mjs"), "deliver", url, partner, keys, event_id, pauses)
    done = subprocess.run(command, input=body, capture_output=True, timeout=60)
    status, _, text = done.stdout.decode().partition(" ")
    return PARTNER.Answer(int(status), text)


def read(answer: Any) -> Any:
    assert 200 <= answer.status < 300, answer
    return json.loads(answer.text)


def send_well(deliver: Deliver, url: str, partner: str, told: dict[str, Any]) -> None:
    """What an integrator does: open a run, and point the sender at it."""
    key = PARTNERS[partner].secret
    opened = told["opened"] = read(PARTNER.conformance(url, partner, key))
    target = (opened["base_url"], partner, f"{key},{opened['second_secret']}")
    ride = trip("T1", "u-1", at=days_ago(3)) if partner == "transit" else donation("D1", "3.5")
    again = event("order.corrected", ride["data"]["order_no"], "u-1", revision=2, **changed(ride))
    told["answers"] = [
        deliver(*target, event_id, json.dumps(body).encode(), PAUSES_S).status
        for event_id, body in (("evt_1", ride), ("evt_2", again))
    ]
    told["report"] = read(PARTNER.conformance(url, partner, key, opened["run"]))


def donation(order_no: str, kilograms: str) -> dict[str, Any]:
    items = [{"line": 1, "category": "clothes", "weight_kg": kilograms}]
    return event("donation.received", order_no, "u-1", outcome="received", items=items)


def changed(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of an order as its correction tells them."""
    if "items" in told["data"]:
        return {"items": [told["data"]["items"][0] | {"weight_kg": "3.2"}]}
    beside = ("trip_id", "mode", "started_at", "ended_at")
    return {name: told["data"][name] for name in beside} | {"distance_km": "12.1"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that keeps senders waiting for one second where it says five."""
    quick = [replace(one, retry_after_s=min(one.retry_after_s, 1), delay_s=min(one.delay_s, 1)) for one in SCRIPT]
    monkeypatch.setattr(script, "SCRIPT", tuple(quick))
    for answer in quick:
        monkeypatch.setitem(script.ANSWERS, answer.name, answer)


def test_the_senders_of_the_documents_pass(postgresql_url: str, impatient: None) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the JavaScript sender of the documents was NOT put on trial")
    told: dict[str, dict[str, Any]] = {"transit": {}, "dangdang": {}}
    with serving(postgresql_url) as (_, url):
        threads = [
            threading.Thread(target=send_well, args=(deliver, url, partner, told[partner]))
            for deliver, partner in ((PARTNER.deliver, "transit"), (by_node, "dangdang"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for what in told.values():
            report = what["report"]
            assert [check for check in report["checks"] if check["result"] != "passed"] == []
            assert report["result"] == "passed" and what["answers"] == [202, 202]
            answers = [attempt["answer"] for attempt in report["attempts"]]
            assert answers == [*(answer.name for answer in SCRIPT), "accepted", "accepted"]
        key, opened = PARTNERS["transit"].secret, told["transit"]["opened"]
        _wrong_requests_are_told(url, key, opened)

        # Nothing of a trial reaches the inbox, and a run is its partner's own.
        assert read(PARTNER.deliveries(url, "transit", key))["deliveries"] == []
        other = PARTNER.conformance(url, "shop", PARTNERS["shop"].secret, opened["run"])
        assert other.status == 404 and "NOT_FOUND" in other.text
        assert PARTNER.conformance(url, "transit", signing.new_secret()).status == 401


def _wrong_requests_are_told(url: str, key: str, opened: dict[str, Any]) -> None:
    """What is wrong with a request is said as the backend says it, and found by the check it belongs to."""

    def send(event_id: str, body: dict[str, Any], signed_with: str = key) -> Any:
        return PARTNER.send(opened["base_url"], "transit", signed_with, event_id, json.dumps(body).encode())

    assert "INVALID_SIGNATURE" in send("evt_3", {}, signing.new_secret()).text
    telling = donation("D9", "-1") | {"type": "trip.completed"}
    telling["data"]["user_ref"] = "13800138000"
    assert send("evt_4", telling).status == 202
    assert "EVENT_ID_REUSED" in send("evt_4", trip("T4", "u-1")).text
    report = read(PARTNER.conformance(url, "transit", key, opened["run"]))
    failed = {check["check"]: check for check in report["checks"] if check["result"] == "failed"}
    assert set(failed) == {"signature", "opaque_user", "lines", "unique_ids"} and report["result"] == "failed"
    assert all(check["found"] and " / " in check["mend"] for check in failed.values())


def test_runs_end_and_are_of_the_sandbox_only(app: Any, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("MAX_RUNS", "MAX_ATTEMPTS"):
        monkeypatch.setattr(f"backend.sandbox.conformance.runs.{limit}", 2)
    house = app.extensions["house"]
    with house.transaction() as tx:
        programme.load_programme(tx, house)
        opened = [conformance.open_run(tx, house.vault, "transit", now=clock.now()) for _ in range(3)]
        ids = [run for run, _, _ in opened]
        with pytest.raises(NotFound):
            conformance.report(tx, "transit", ids[0], now=clock.now())
        assert conformance.report(tx, "transit", ids[1], now=clock.now())["result"] == "unfinished"
        with pytest.raises(NotFound):
            conformance.report(tx, "transit", ids[1], now=clock.now() + timedelta(days=1))
        facts = Facts("evt_1", 0, "one")
        for _ in range(2):
            conformance.take(tx, "transit", ids[1], facts, now=clock.now())
        assert conformance.take(tx, "transit", ids[1], facts, now=clock.now()).status == 429
    app.extensions["house"] = replace(house, settings=replace(house.settings, environment="production"))
    path = "/partners/v1/sandbox/conformance"
    for method, address in (("POST", path), ("GET", f"{path}/{ids[1]}"), ("POST", f"{path}/{ids[1]}/webhooks/transit")):
        assert client.open(address, method=method, json={}).status_code == 404


# -- every rule, on attempts made up ------------------------------------------------------------------------------

BEGUN = datetime(2026, 6, 5, 8, tzinfo=UTC)


def attempts() -> list[Seen]:
    """What a sender without fault shows: six attempts of one event, then a correction of it."""
    seen, at = [], BEGUN
    facts = Facts("evt_1", 0, "one", keys=("own", "second"), type="trip.completed", order_no="T1", revision=1)
    facts = replace(facts, lines={"1": "said"})
    for number, (answer, pause_s) in enumerate(zip((*SCRIPT, ACCEPTED), (5, 30, 5, 60, 120, 0), strict=True), start=1):
        over = at + timedelta(seconds=answer.delay_s)
        seen.append(Seen(number, at, over, answer, replace(facts, timestamp=int(at.timestamp()))))
        at = over + timedelta(seconds=pause_s)
    second = replace(facts, event_id="evt_2", body="two", type="order.corrected", lines={"1": "said anew"})
    at += timedelta(seconds=9)
    return [*seen, Seen(7, at, at, ACCEPTED, replace(second, timestamp=int(at.timestamp())))]


def results(seen: Sequence[Seen]) -> dict[str, str]:
    return {check.name: check.judge(seen)["result"] for check in CHECKS}


def showing(position: int, **facts: object) -> Callable[[list[Seen]], list[Seen]]:
    """One attempt shows something else."""

    def change(seen: list[Seen]) -> list[Seen]:
        seen[position] = replace(seen[position], facts=replace(seen[position].facts, **facts))
        return seen

    return change


def coming(position: int, seconds: float) -> Callable[[list[Seen]], list[Seen]]:
    """One attempt and all behind it come later, or earlier; signed when they come."""

    def change(seen: list[Seen]) -> list[Seen]:
        by = timedelta(seconds=seconds)
        for at in range(position, len(seen)):
            one = seen[at]
            facts = replace(one.facts, timestamp=int((one.received_at + by).timestamp()))
            seen[at] = replace(one, received_at=one.received_at + by, answered_at=one.answered_at + by, facts=facts)
        return seen

    return change


def once_more(position: int, **facts: object) -> Callable[[list[Seen]], list[Seen]]:
    """One attempt comes again at the end."""

    def change(seen: list[Seen]) -> list[Seen]:
        at = seen[-1].received_at + timedelta(seconds=10)
        again = replace(seen[position].facts, **{"timestamp": int(at.timestamp()), **facts})
        return [*seen, Seen(len(seen) + 1, at, at, DUPLICATE, again)]

    return change


def hammering(seen: list[Seen]) -> list[Seen]:
    """Every attempt comes at once."""
    for position in range(1, 6):
        early = seen[position - 1].answered_at + timedelta(milliseconds=position) - seen[position].received_at
        seen = coming(position, early.total_seconds())(seen)
    return seen


BAD_HABITS = [
    (showing(6, refused="INVALID_SIGNATURE", lines={}), {"signature"}),
    (showing(6, refused="TIMESTAMP_OUT_OF_RANGE", lines={}), {"clock"}),
    (showing(0, id_fault="'evt.1' is no id of an event", refused="INVALID_SIGNATURE"), {"id_form", "signature"}),
    (showing(6, event_id="evt_1"), {"unique_ids"}),
    (showing(1, body="one rewritten"), {"same_bytes"}),
    (showing(2, event_id="evt_9"), {"same_id"}),
    (showing(4, timestamp=int(BEGUN.timestamp())), {"timestamp_renewed"}),
    (once_more(0), {"stops_after_success"}),
    (coming(4, -58), {"backs_off"}),
    (hammering, {"backs_off", "retry_after"}),
    (coming(3, -0.5), {"retry_after"}),
    (coming(4, -61), {"patience", "backs_off"}),
    (showing(6, refused="INVALID_ENVELOPE", envelope_fault="INVALID_ENVELOPE: data.order_no"), {"envelope"}),
    (showing(6, line_faults=("line 1: MISSING_DATA",)), {"lines"}),
    (showing(6, user_ref_fault="it looks like a mobile number"), {"opaque_user"}),
    (showing(6, type="trip.completed"), {"revisions"}),
    (once_more(6, event_id="evt_3", body="three", lines={"1": "said a third time"}), {"revisions"}),
]


def test_every_bad_habit_is_found() -> None:
    assert set(results(attempts()).values()) == {"passed"}
    assert set(results([]).values()) == {"not_seen"}
    for change, wrong in BAD_HABITS:
        found = results(change(attempts()))
        assert {name for name, result in found.items() if result == "failed"} == wrong, found
    alone = [replace(one, facts=replace(one.facts, keys=("own",))) for one in attempts()]
    assert results(alone)["rotation"] == "not_seen"
    begun = results(attempts()[:3])
    assert {begun[name] for name in ("retries", "backs_off", "retry_after", "patience")} == {"not_seen"}
    assert {found for _, wrong in BAD_HABITS for found in wrong} == set(results([])) - {"retries", "rotation"}
