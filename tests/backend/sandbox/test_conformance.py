"""A partner's sender on trial: the senders of the documents pass, and every bad habit is found."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend import signing
from backend.sandbox.conformance.checks import CHECKS
from backend.sandbox.conformance.judging import Seen
from backend.sandbox.conformance.observing import Facts
from backend.sandbox.conformance.script import ACCEPTED, DUPLICATE, SCRIPT
from backend.sandbox.programme import PARTNERS
from tests.backend.sandbox.serving import serving
from tests.backend.world import days_ago, event, trip
from tests.house_rules import ROOT

EXAMPLES = ROOT / "docs" / "examples"
PYTHON = (sys.executable, str(EXAMPLES / "partner.py"))
NODE = ("node", str(EXAMPLES / "partner.mjs"))
#: Growing, and the last one longer than a busy machine makes the first.
PAUSES = "0.1,0.3,0.1,1,3"


def run(*command: str, said: object = None) -> tuple[int, str]:
    done = subprocess.run(command, input=json.dumps(said).encode(), capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode()


def conformance(url: str, partner: str, key: str, *run_id: str) -> Any:
    code, said = run(*PYTHON, "conformance", url, partner, key, *run_id)
    assert code == 0, said
    return json.loads(said.split(" ", 1)[1])


def send_well(sender: Sequence[str], url: str, partner: str, told: dict[str, Any]) -> None:
    """What an integrator does: open a run, and point the sender at it."""
    key = PARTNERS[partner].secret
    opened = told["opened"] = conformance(url, partner, key)
    keys = f"{key},{opened['second_secret']}"
    ride = trip("T1", "u-1", at=days_ago(3)) if partner == "transit" else donation("D1", "3.5")
    again = event("order.corrected", ride["data"]["order_no"], "u-1", revision=2, **changed(ride))
    for event_id, body in (("evt_1", ride), ("evt_2", again)):
        told[event_id] = run(*sender, "deliver", opened["base_url"], partner, keys, event_id, PAUSES, said=body)
    told["report"] = conformance(url, partner, key, opened["run"])


def donation(order_no: str, kilograms: str) -> dict[str, Any]:
    items = [{"line": 1, "category": "clothes", "weight_kg": kilograms}]
    return event("donation.received", order_no, "u-1", outcome="received", items=items)


def changed(told: dict[str, Any]) -> dict[str, Any]:
    """The fields of an order as its correction tells them."""
    if "items" in told["data"]:
        return {"items": [told["data"]["items"][0] | {"weight_kg": "3.2"}]}
    beside = ("trip_id", "mode", "started_at", "ended_at")
    return {name: told["data"][name] for name in beside} | {"distance_km": "12.1"}


def test_the_senders_of_the_documents_pass(postgresql_url: str) -> None:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the JavaScript sender of the documents was NOT put on trial")
    told: dict[str, dict[str, Any]] = {"transit": {}, "dangdang": {}}
    with serving(postgresql_url) as (_, url):
        threads = [
            threading.Thread(target=send_well, args=(sender, url, partner, told[partner]))
            for sender, partner in ((PYTHON, "transit"), (NODE, "dangdang"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for partner, what in told.items():
            report = what["report"]
            assert [check for check in report["checks"] if check["result"] != "passed"] == []
            assert report["result"] == "passed"
            answers = [attempt["answer"] for attempt in report["attempts"]]
            assert answers == [*(answer.name for answer in SCRIPT), "accepted", "accepted"]
            assert what["evt_1"][1].startswith("202 ") and what["evt_2"] == (0, what["evt_2"][1])
            assert report["partner"] == partner

        # Nothing of a trial reaches the inbox, and what is wrong with a request is said as the backend says it.
        key, opened = PARTNERS["transit"].secret, told["transit"]["opened"]
        assert json.loads(run(*PYTHON, "deliveries", url, "transit", key)[1].split(" ", 1)[1])["deliveries"] == []
        target = (opened["base_url"], "transit")
        assert "INVALID_SIGNATURE" in run(*PYTHON, "send", *target, signing.new_secret(), "evt_3", said={})[1]
        telling = donation("D9", "-1") | {"type": "trip.completed"}
        telling["data"]["user_ref"] = "13800138000"
        assert run(*PYTHON, "send", *target, key, "evt_4", said=telling)[0] == 0
        assert "EVENT_ID_REUSED" in run(*PYTHON, "send", *target, key, "evt_4", said=trip("T4", "u-1"))[1]
        report = conformance(url, "transit", key, opened["run"])
        failed = {check["check"]: check for check in report["checks"] if check["result"] == "failed"}
        assert set(failed) == {"signature", "opaque_user", "lines", "unique_ids"} and report["result"] == "failed"
        assert all(check["found"] and " / " in check["mend"] for check in failed.values())

        # A run is its partner's own, and there is none in production.
        other = run(*PYTHON, "conformance", url, "shop", PARTNERS["shop"].secret, opened["run"])
        assert other[0] == 1 and "NOT_FOUND" in other[1]
        assert run(*PYTHON, "conformance", url, "transit", signing.new_secret())[1].startswith("401 ")


# -- every rule, on attempts made up ------------------------------------------------------------------------------

BEGUN = datetime(2026, 6, 5, 8, tzinfo=UTC)


def attempts() -> list[Seen]:
    """What a sender without fault shows: six attempts of one event, then a correction of it."""
    seen, at = [], BEGUN
    facts = Facts("evt_1", 0, "one", keys=("own", "second"), type="trip.completed", order_no="T1", revision=1)
    facts = replace(facts, lines={"1": "said"})
    for number, (answer, pause_s) in enumerate(zip((*SCRIPT, ACCEPTED), (5, 30, 1, 60, 120, 0), strict=True), start=1):
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
    (coming(3, -0.5), {"retry_after"}),
    (coming(4, -60.5), {"patience", "backs_off"}),
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
