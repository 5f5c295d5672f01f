"""Big screens: who may show one, what it hears, and how a stream ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine

import miniprogram_api
from backend import clock, create_app
from backend.campaigns.live import events, streams
from backend.campaigns.models import Campaign
from backend.settings import Settings
from tests.backend.campaigns.week import CODE, Week, during
from tests.backend.operating import Acting

MONDAY = date(2026, 6, 1)


def told(chunks: Any) -> list[tuple[str, dict[str, Any]]]:
    """The named events among what was sent."""
    blocks = [chunk.decode().split("\n") for chunk in chunks if chunk.startswith(b"event: ")]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in blocks]


def open_screen(week: Week, app: Any) -> tuple[str, str]:
    """A screen's id and its ticket."""
    answer = Acting(app, week.company.world, "ann")("screen", "open", CODE, "--title", "一楼大厅")
    assert answer.exit_code == 0, answer.output
    screen, address = answer.stdout.splitlines()
    assert address.startswith(f"/screen/{CODE}#scr_")
    return screen, address.partition("#")[2]


def test_a_screen_hears_the_boards_until_its_ticket_is_taken_back(database_url: str, monkeypatch) -> None:
    monkeypatch.setattr(streams, "NEWS_S", 0.0)
    monkeypatch.setattr(streams, "LOOK_S", 0.0)
    with time_machine.travel(during(), tick=False):
        week = Week(database_url, boards=["person-grams-campaign", "department-grams-campaign"])
        week.employ(dict.fromkeys("123456", "总部/研发"))
        hidden = week.staff.pop("6")
        week.company.staff["6"] = hidden
        for number in "12345":
            week.ride(number, MONDAY, "10")
        week.follow()
        app = create_app(Settings.for_tests(database_url=database_url))
        miniprogram_api.register(app)
        client = app.test_client()
        page = client.get(f"/screen/{CODE}")
        assert page.status_code == 200 and "script-src 'self'" in page.headers["Content-Security-Policy"]
        assert client.get("/screen-files/screen.js").status_code == 200
        assert client.get("/screen-files/screen.html").status_code == 404

        screen, ticket = open_screen(week, app)
        address, headers = f"/screen/{CODE}/stream", {"Authorization": f"Bearer {ticket}"}
        for wrong in ({}, {"Authorization": "Bearer scr_wrong"}, {"Authorization": f"Basic {ticket}"}):
            assert client.get(address, headers=wrong).json["code"] == "SCREEN_TICKET_REFUSED"
        assert client.get("/screen/another/stream", headers=headers).status_code == 401

        answer = client.get(address, headers=headers)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        sent = answer.iter_encoded()
        assert next(sent).startswith(b"retry: ")
        [(name, picture)] = told([next(sent)])
        assert (name, picture["state"]) == ("picture", "running")
        assert picture["sums"] == {"people": 5, "grams": 2335, "acts": 5}
        board = picture["boards"][0]
        assert (board["board"], board["period"]) == ("person-grams-campaign", "all")
        assert [(entry["rank"], entry["score"]) for entry in board["entries"]] == [(1, 467)] * 5
        assert [board["board"] for board in picture["boards"] if board["subject"] == "person"] == [board["board"]]
        assert not [number for number, holder in week.staff.items() if str(holder) in json.dumps(picture)]

        closed = Acting(app, week.company.world, "bob")("screen", "close", screen)
        assert closed.exit_code == 0, closed.output
        assert told(sent) == [("refused", {"code": "SCREEN_TICKET_REFUSED"})]
        answer.close()


def test_the_fifth_stream_of_a_process_is_told_to_come_again(database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(database_url, boards=["person-grams-campaign"])
        app = create_app(Settings.for_tests(database_url=database_url))
        _, ticket = open_screen(week, app)
        client = app.test_client()

        def ask() -> Any:
            return client.get(f"/screen/{CODE}/stream", headers={"Authorization": f"Bearer {ticket}"})

        heard = [ask() for _ in range(streams.MOST_STREAMS)]
        assert [answer.status_code for answer in heard] == [200] * 4
        fifth = ask()
        assert (fifth.status_code, fifth.json["code"], fifth.headers["Retry-After"]) == (503, "TOO_MANY_SCREENS", "15")
        heard.pop().close()  # never read from: the place is given back all the same
        heard.append(ask())
        assert heard[-1].status_code == 200 and ask().status_code == 503
        for answer in heard:
            answer.close()


def test_a_stream_sends_what_changed_a_heartbeat_and_why_it_ends(monkeypatch) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(streams.time, "monotonic", lambda: now)
    monkeypatch.setattr(streams.time, "sleep", sleep)
    states = ["running"] * 5 + ["closing", "final"]
    sent = list(events(lambda: {"state": states.pop(0)}, lambda: False))
    assert told(sent) == [
        ("picture", {"state": "running"}),
        ("picture", {"state": "closing"}),
        ("picture", {"state": "final"}),
        ("final", {"state": "final"}),
    ]
    assert sum(chunk.startswith(b": ") for chunk in sent) == 1  # in the 25 seconds without news
    assert told(events(lambda: {"state": "running"}, lambda: now > 50)) == [
        ("picture", {"state": "running"}),
        ("again", {}),
    ]

    def broken() -> dict[str, Any]:
        raise ConnectionError("the database rests")

    assert told(events(broken, lambda: False)) == [("again", {})]
    begun = now  # nobody stays for ever
    assert told(events(lambda: {"state": "running"}, lambda: False))[-1] == ("again", {})
    assert now - begun == streams.LONGEST_S


def test_a_web_process_that_is_told_to_end_ends_its_streams(postgresql_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(postgresql_url, boards=["person-grams-campaign"])
    with week.house.transaction() as tx:  # a real process knows the real time
        row = tx.get(Campaign, CODE)
        row.ends_at = row.closes_at = max(row.closes_at, clock.now() + timedelta(days=1))
    _, ticket = open_screen(week, create_app(Settings.for_tests(database_url=postgresql_url)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", f"127.0.0.1:{port}", "--no-control-socket"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", "2", "--log-level", "warning"]
    server = subprocess.Popen(command, env=os.environ | {"DATABASE_URL": postgresql_url, "LOG_LEVEL": "WARNING"})
    try:
        with _connect(port) as line:
            request = f"GET /screen/{CODE}/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {ticket}\r\n\r\n"
            line.sendall(request.encode())
            heard = b""
            while b"event: picture" not in heard:
                more = line.recv(65536)
                assert more, heard
                heard += more
            server.send_signal(signal.SIGTERM)
            while more := line.recv(65536):
                heard += more
        assert b"event: again" in heard and heard.endswith(b"0\r\n\r\n")  # complete: the last chunk is there
        assert server.wait(60) == 0
    finally:
        server.kill()
        server.wait()


def _connect(port: int) -> socket.socket:
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=200)
        except OSError:
            time.sleep(0.1)
    pytest.fail("gunicorn did not start")
