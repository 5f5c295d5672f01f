"""The morning peak: 700 events a second for a minute, while 2,000 readers look at a board every ten seconds each.

Web (gunicorn, as for the webhook) and one worker, as in production, beside one PostgreSQL and one Redis. Events come as
partners send them in a peak, in signed batches of fifty; readers as phones do, each with a connection of its own and
the tag of the page it saw last. Everybody who reads takes part and does something, so the board changes all the time.

What is told: answers that were errors, how long readers waited, and how far settling and the scores were behind at
worst, asked twice a second. In the end everything was settled, the scores are the sums of the acts, and the board shows
what SQL says.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from heapq import merge
from threading import Event, Thread
from uuid import UUID

import psycopg

from backend import House, clock, identity, signing
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.terms import read_terms
from backend.ids import new_id
from backend.lists import insert_rows
from backend.partners.batches import TARGET as BATCHES
from backend.partners.batches import digests, signed_text, split
from backend.settings import Settings
from bench.events import SECRET, events, populated_house
from bench.load import request_bytes
from bench.open_loop import Played, Request, play
from bench.points_view import percentile
from bench.report import Progress, tell
from bench.server import Databases, redis_server
from bench.webhook import under_gunicorn

READERS, POLL_S = 2_000, 10.0
EVENTS_PER_S, SECONDS, LINES = 700, 60, 50
#: Seconds that settling may be behind.
TARGET_S = 5.0
CODE, BOARD = "morning", "person-grams-campaign"
_CLOSE = {"Connection": "close"}
_UNSETTLED = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(received_at)), 0)::float FROM inbox
    WHERE state = 'waiting'"""
_UNSCORED = """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(announced_at)), 0)::float FROM outbox
    WHERE position IS NULL OR position > coalesce((SELECT position FROM campaign_followers WHERE name = 'scores'), 0)"""
_SCORES = "SELECT sum(grams), sum(acts) FROM campaign_scores WHERE period = 'all'"
_ACTS = "SELECT sum(reduction_g), count(*) FROM activities WHERE status = 'issued'"
_BEST = "SELECT grams FROM campaign_scores WHERE period = 'all' AND listed ORDER BY grams DESC LIMIT 20"


def run(databases: Databases, readers: int = READERS, seconds: int = SECONDS) -> None:
    """Measure and report."""
    progress = Progress("morning peak", 4)
    progress.step(f"{readers:,} members")
    databases.make("morning")
    house = populated_house(databases.url("morning"), readers)
    members = _campaign(house)
    house.sessions.kw["bind"].dispose()
    with redis_server() as redis_url:
        environment = {"DATABASE_URL": databases.url("morning"), "REDIS_URL": redis_url, "LOG_LEVEL": "WARNING"}
        with under_gunicorn("wsgi:app", environment) as port, _worker(environment):
            progress.step("requests")
            _wait_until_ready(port)
            _wait_for_worker(databases.conninfo("morning"))
            asked = sorted(_polls(members, seconds), key=lambda request: request.at)
            sent = list(_batches(readers, seconds))
            progress.step(f"{seconds} seconds of the peak")
            with psycopg.connect(databases.conninfo("morning"), autocommit=True) as watching:
                lags = _Lags(watching)
                played = play(port, merge(asked, sent, key=lambda request: request.at))
                progress.step("what is left")
                lags.finish()
                told = _shown(port, members[0])
                right = _as_in_sql(watching, told, seconds)
    _report(played, lags, right, readers, seconds)


def _campaign(house: House) -> list[UUID]:
    """A campaign in which every member takes part, and which the events lie in."""
    today, now = clock.today(), clock.now()
    with house.transaction() as tx:
        tx.add(
            Campaign(
                code=CODE,
                programme="members",
                kind="environment_week",
                title="环境周 / Environment week",
                terms=read_terms({"boards": [BOARD]}).text(),
                joining="open",
                starts_at=clock.start_of_day_after(today, -40),
                ends_at=clock.start_of_day_after(today, 2),
                closes_at=clock.start_of_day_after(today, 4),
                drafted_at=now - timedelta(days=60),
                announced_at=now - timedelta(days=50),
            )
        )
        tx.flush()
        members = [row[0] for row in tx.connection().exec_driver_sql("SELECT holder_id FROM enrolments").all()]
        row = {"campaign": CODE, "kind": "person", "shown": True, "takes_challenges": True, "name": None}
        row |= {"name_passed": False, "city": None, "team_id": None, "joined_at": now, "left_at": None}
        insert_rows(tx, CampaignParticipant, [{**row, "holder_id": id, "id": new_id()} for id in members])
    return members


def _token(member: UUID) -> dict[str, str]:
    (secret,) = Settings.for_tests(database_url="").token_keys
    return {"Authorization": f"Bearer {identity.issue_access(secret, member, new_id(), clock.now())}"}


def _polls(members: list[UUID], seconds: int) -> Iterator[Request]:
    """Every reader asks for the places around them, all ten seconds, and says which page they saw last."""
    path = f"/api/v1/campaigns/{CODE}/leaderboards/{BOARD}?view=around&limit=20"
    for number, member in enumerate(members):
        headers = _token(member) | _CLOSE

        def make(headers: dict[str, str] = headers) -> bytes:
            return request_bytes(path, headers, b"", method="GET")

        def heard(answer: bytes, headers: dict[str, str] = headers) -> None:
            _, found, rest = answer.partition(b"\r\nETag: ")
            if found:
                headers["If-None-Match"] = rest.partition(b"\r\n")[0].decode()

        first = number * POLL_S / len(members)
        for turn in range(int((seconds - first) // POLL_S) + 1):
            yield Request(first + turn * POLL_S, "poll", make, heard)


def _batches(members: int, seconds: int) -> Iterator[Request]:
    """The events in the order they come, as signed batches of each partner."""
    key = signing.parse_signing_key(SECRET)
    lines: dict[str, list[bytes]] = {}
    for number, (partner, event_id, body) in enumerate(events(EVENTS_PER_S * seconds, members)):
        waiting = lines.setdefault(partner, [])
        waiting.append(json.dumps({"id": event_id} | json.loads(body)).encode())
        if len(waiting) == LINES:
            signed = b"\n".join(waiting)
            headers = signing.sign(f"batch_{number}", clock.now(), signed_text(digests(split(signed))), [key])
            headers |= {"webhook-partner": partner, "Content-Type": "application/x-ndjson", **_CLOSE}
            request = _request(headers, signed)
            yield Request(number / EVENTS_PER_S, "batch", lambda request=request: request)
            lines[partner] = []


def _request(headers: dict[str, str], body: bytes) -> bytes:
    named = {"Host": "localhost", "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"POST {BATCHES} HTTP/1.1\r\n{head}\r\n".encode() + body


@contextmanager
def _worker(environment: dict[str, str]) -> Iterator[None]:
    """The worker process, stopped at the end."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, env=os.environ | environment, stdout=sys.stderr)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(port: int) -> None:
    """Wait until the web process answers, not only its socket."""
    request = request_bytes("/readyz", _CLOSE, b"", method="GET")
    for _ in range(60):
        if 200 in play(port, [Request(0.0, "ready", lambda: request)])["ready"].statuses:
            return
        time.sleep(0.5)
    sys.exit("the web process is not ready")


def _wait_for_worker(conninfo: str) -> None:
    """Wait until the worker leads: only then are announcements numbered and scores made."""
    with psycopg.connect(conninfo, autocommit=True) as asking:
        for _ in range(120):
            if asking.execute("SELECT 1 FROM leases WHERE name = 'schedule'").fetchone():
                return
            time.sleep(0.5)
    sys.exit("the worker is not ready")


class _Lags:
    """How far settling and scores are behind, asked twice a second while the peak lasts and until it is over."""

    def __init__(self, connection: psycopg.Connection[tuple[float]]) -> None:
        self.settling: list[float] = []
        self.scores: list[float] = []
        self._connection, self._over = connection, Event()
        self._thread = Thread(target=self._watch)
        self._thread.start()

    def finish(self) -> None:
        """Wait until nothing is behind; a minute at most."""
        for _ in range(120):
            if self.settling and not self.settling[-1] and not self.scores[-1]:
                break
            time.sleep(0.5)
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            for query, found in ((_UNSETTLED, self.settling), (_UNSCORED, self.scores)):
                row = self._connection.execute(query).fetchone()
                found.append(float(row[0]) if row else 0.0)


def _shown(port: int, member: UUID) -> list[int]:
    """The scores at the top of the board, as a member sees them."""
    found: list[bytes] = []
    path = f"/api/v1/campaigns/{CODE}/leaderboards/{BOARD}?limit=20"
    request = request_bytes(path, _token(member) | _CLOSE, b"", method="GET")
    play(port, [Request(0.0, "top", lambda: request, found.append)])
    return [entry["score"] for entry in json.loads(found[0].partition(b"\r\n\r\n")[2])["entries"]]


def _as_in_sql(connection: psycopg.Connection[tuple[float]], shown: list[int], seconds: int) -> bool:
    """Whether every event was settled, counted, and stands on the board."""
    scores, acts = (connection.execute(query).fetchone() for query in (_SCORES, _ACTS))
    best = [row[0] for row in connection.execute(_BEST)]
    return scores == acts and acts is not None and acts[1] == EVENTS_PER_S * seconds and shown == best


def _report(played: dict[str, Played], lags: _Lags, right: bool, readers: int, seconds: int) -> None:
    polls, batches = played["poll"], played["batch"]
    wrong = [f"{kind} {status}" for kind, good in (("poll", (200, 304)), ("batch", (200, 202)))
             for status in played[kind].statuses if status not in good]  # fmt: skip
    errors = len(polls.errors) + len(batches.errors) + len(wrong)
    worst = max(lags.settling)
    facts = {
        "unit": "seconds that settling was behind at worst",
        "readers": readers,
        "events": EVENTS_PER_S * seconds,
        "errors": errors,
        "why": sorted({*wrong, *polls.errors, *batches.errors}),
        "as_in_sql": right,
        "polls": polls.statuses,
        "batches_sent_again": batches.again,
        "poll_ms": {"median": round(sorted(polls.took)[len(polls.took) // 2] * 1_000, 1)}
        | {"p99": round(percentile(polls.took) * 1_000, 1), "worst": round(max(polls.took) * 1_000, 1)},
        "batch_ms_p99": round(percentile(batches.took) * 1_000, 1),
        "scores_behind_s": round(max(lags.scores), 2),
    }
    tell("morning peak", worst, TARGET_S, worst / TARGET_S, 1.0, better="lower", rounds=[worst / TARGET_S], **facts)
