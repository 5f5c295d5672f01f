"""Events in batches against the same number of events as webhooks, at the same server.

The server is the one of `bench.webhook` (gunicorn, 2 workers × 8 threads, beside the same PostgreSQL). Webhooks come
over 16 keep-alive connections, batches of 1,000 lines over two, one per partner. Every event is distinct and signed
beforehand, and every answer is read to its end: what is compared is events on disk.
"""

import http.client
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from backend import clock, signing
from backend.partners.batches import TARGET, digests, signed_text, split
from bench.events import SECRET, events, populated_house
from bench.load import drive, request_bytes
from bench.report import Progress, Rounds
from bench.server import Databases
from bench.webhook import signed_events, under_gunicorn

PER_ROUND, ROUNDS, MEMBERS, LINES = 2_000, 5, 100, 1_000
TARGET_RATIO = 3.0

#: Headers and body.
Prepared = tuple[dict[str, str], bytes]


def run(databases: Databases) -> None:
    """Measure and report."""
    progress = Progress("batch", ROUNDS + 2)
    progress.step("the server")
    databases.make("batch")
    populated_house(databases.url("batch"), MEMBERS).sessions.kw["bind"].dispose()
    rounds = Rounds(PER_ROUND)
    with under_gunicorn("wsgi:app", {"DATABASE_URL": databases.url("batch")}) as port:
        for number in range(ROUNDS + 1):
            progress.step(f"round {number} of {ROUNDS}" if number else "warming up")
            took = _send(port, _batches(2 * number * PER_ROUND, f"round_{number}"))
            single = [
                request_bytes(f"/webhooks/{partner}", *event)
                for partner, event in signed_events((2 * number + 1) * PER_ROUND, PER_ROUND)
            ]
            theirs = drive(port, single)
            if number:
                rounds.add(took, theirs)
    rounds.report("batch, against webhooks", TARGET_RATIO, unit="events/s")


def _batches(first: int, name: str) -> list[Prepared]:
    """A round's events as batches, signed now."""
    key = signing.parse_signing_key(SECRET)
    lines: dict[str, list[bytes]] = {}
    for partner, event_id, body in events(PER_ROUND, MEMBERS, first=first):
        lines.setdefault(partner, []).append(json.dumps({"id": event_id} | json.loads(body)).encode())
    prepared = []
    for partner, all_lines in lines.items():
        for begin in range(0, len(all_lines), LINES):
            body = b"\n".join(all_lines[begin : begin + LINES])
            headers = signing.sign(f"{name}_{begin}", clock.now(), signed_text(digests(split(body))), [key])
            asking = {"webhook-partner": partner, "content-type": "application/x-ndjson"}
            prepared.append((headers | asking, body))
    return prepared


def _send(port: int, prepared: Sequence[Prepared]) -> float:
    """Send the batches side by side and read every answer; the seconds."""
    begun = perf_counter()
    with ThreadPoolExecutor(len(prepared)) as senders:
        answers = list(senders.map(lambda each: _answer(port, *each), prepared))
    took = perf_counter() - begun
    lines = [json.loads(line) for answer in answers for line in answer.splitlines()]
    if len(lines) != PER_ROUND or {line["status"] for line in lines} != {"accepted"}:
        raise RuntimeError(f"not accepted: {answers[0][:500]!r}")
    return took


def _answer(port: int, headers: dict[str, str], body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", TARGET, body, headers)
        return connection.getresponse().read()
    finally:
        connection.close()
