"""`flask sandbox run`: the whole backend in one command, with a recorded day replayed through it."""

import logging
import os
import signal
import socket
import time
from types import FrameType
from urllib.parse import urlsplit

import click
from sqlalchemy import make_url

from backend import House, database, safe_http
from backend.sandbox import programme
from backend.sandbox.outcome import standings, summarise, wait_until_settled
from backend.sandbox.platform import Platform
from backend.sandbox.processes import Processes
from backend.sandbox.programme import MEMBERS, PARTNERS
from backend.sandbox.recording import recorded_day
from backend.sandbox.replay import replay, replayed_before
from backend.sandbox.table import table

HOST = "127.0.0.1"
WEB_WORKERS, WEB_THREADS = 2, 8
START_S = 60.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, or the terminal was closed)."""


class PortTaken(Exception):
    """Somebody else listens there."""


def run(house: House, port: int) -> None:
    """Serve on 127.0.0.1:`port` until stopped. Raises PortTaken, and ProcessEnded when web or worker fails."""
    _require_free(port)
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        _run(house, port)
    except Stopped:
        click.echo("stopped")


def _stop(number: int, frame: FrameType | None) -> None:
    """Stop once: what follows is cleaning up, and a second Ctrl-C must not interrupt that."""
    for other in _SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise Stopped


def _run(house: House, port: int) -> None:
    shown = make_url(house.settings.database_url).render_as_string(hide_password=True)
    click.echo(f"数据库 database  {shown}")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    database.migrate(house.settings.database_url)
    programme.load(house)
    url = f"http://{HOST}:{port}"
    # Their logs would bury the table; LOG_LEVEL=INFO brings them back.
    with Processes({"LOG_LEVEL": "WARNING", **os.environ}) as processes:
        processes.start("web", "gunicorn", *_gunicorn_options(port))
        processes.start("worker", "flask", "--app", "wsgi", "worker")
        _wait_until_ready(url, processes)
        _replay_day(house, url, processes)
        click.echo(f"ready {url}")
        while True:
            processes.look_after()
            time.sleep(0.5)


def _gunicorn_options(port: int) -> list[str]:
    return [
        *("--worker-class", "gthread", "--workers", f"{WEB_WORKERS}", "--threads", f"{WEB_THREADS}"),
        *("--bind", f"{HOST}:{port}", "--no-control-socket", "--log-level", "warning", "--graceful-timeout", "3"),
        "wsgi:app",
    ]


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        # As a server does: connections of the last run that linger are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise PortTaken(f"port {port} on {HOST}: {error.strerror}; another one: PORT={port + 1} make run") from None


def _wait_until_ready(url: str, processes: Processes) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        processes.look_after()
        try:
            if safe_http.call("GET", f"{url}/readyz", allowed_hosts=(urlsplit(url).netloc,)).ok:
                return
        except safe_http.OutsideFailure:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url}/readyz did not answer within {START_S:.0f} s")


def _replay_day(house: House, url: str, processes: Processes) -> None:
    """Replay the recorded day unless that was done before, and print what came of it."""
    day = recorded_day()
    platforms = {code: platform(house, url, code) for code in PARTNERS}
    received = None
    if not replayed_before(day, platforms):
        received = replay(day, platforms, processes.look_after)
    deliveries = wait_until_settled(day, platforms, processes.look_after)
    standing = standings(url, (member.name for member in MEMBERS if member.linked))
    click.echo(table(received, summarise(deliveries, standing)))


def platform(house: House, url: str, code: str) -> Platform:
    """A partner's side, with the keys it signs with. Raises UnknownPartner, and LookupError without a secret."""
    private = PARTNERS[code].signing_key if code in PARTNERS else None
    signing_key = programme.signing_key(private) if private else None
    return Platform(url, code, programme.newest_secret(house, code), signing_key)
