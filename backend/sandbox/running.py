"""`flask sandbox run`: the whole backend in one command, with a recorded day replayed through it."""

import logging
import os
import signal
import socket
import time
from contextlib import suppress
from types import FrameType
from urllib.parse import urlsplit

import click
from sqlalchemy import make_url

from backend import House, database, safe_http
from backend.safe_http import OutsideFailure
from backend.sandbox import campaign, declared, programme, school
from backend.sandbox.outcome import standings, summarise, wait_until_settled
from backend.sandbox.platform import Platform
from backend.sandbox.processes import Processes
from backend.sandbox.programme import MEMBERS, PARTNERS
from backend.sandbox.recording import recorded_day
from backend.sandbox.replay import LOOK_S, replay, replayed_before
from backend.sandbox.table import table

HOST = "127.0.0.1"
WEB_WORKERS, WEB_THREADS = 2, 8
START_S = 60.0


class Stopped(Exception):
    """Somebody asked us to stop (Ctrl-C, SIGTERM, or the terminal was closed)."""


class Watch:
    """Notices that we shall stop. The signal only leaves a mark, and whoever waits looks at it: an exception out of a
    signal handler could strike while some lock is held, and that lock would never be released."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._asked_to_stop = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._mark)

    def _mark(self, number: int, frame: FrameType | None) -> None:
        self._asked_to_stop = True

    def look(self) -> None:
        """Raises Stopped when asked to stop, ProcessEnded when web or worker is gone. Called several times a second."""
        if self._asked_to_stop:
            raise Stopped
        self._processes.look_after()


class PortTaken(Exception):
    """Somebody else listens there."""


def run(house: House, port: int) -> None:
    """Serve on 127.0.0.1:`port` until stopped. Raises PortTaken, and ProcessEnded when web or worker fails."""
    _require_free(port)
    # Their logs would bury the table; LOG_LEVEL=INFO brings them back. The platforms they order at are here as well.
    hosts = ",".join((*house.settings.sandbox_hosts, f"{HOST}:{port}"))
    environment = {"LOG_LEVEL": "WARNING", **os.environ, "SANDBOX_HOSTS": hosts}
    with Processes(environment) as processes, suppress(Stopped):
        watch = Watch(processes)
        try:
            _run(house, port, processes, watch)
        except OutsideFailure:
            watch.look()  # no answer because there is nobody to answer: then that is what to say
            raise
    click.echo("stopped")


def _run(house: House, port: int, processes: Processes, watch: Watch) -> None:
    shown = make_url(house.settings.database_url).render_as_string(hide_password=True)
    click.echo(f"数据库 database  {shown}")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    database.migrate(house.settings.database_url)
    url = f"http://{HOST}:{port}"
    programme.load(house, url)
    class_id = school.load(house)
    declared.load(house)
    week = campaign.load(house)
    watch.look()
    processes.start("web", "gunicorn", *_gunicorn_options(port))
    processes.start("worker", "flask", "--app", "wsgi", "worker")
    _wait_until_ready(url, watch)
    _replay_day(house, url, watch)
    click.echo(f"班级 class  {class_id}, {school.STEWARD} redeems for it")
    click.echo(f"活动 campaigns  {week}, {campaign.SEASON}")
    click.echo(f"ready {url}")
    while True:
        watch.look()
        time.sleep(LOOK_S)


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


def _wait_until_ready(url: str, watch: Watch) -> None:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        watch.look()
        try:
            if safe_http.call("GET", f"{url}/readyz", allowed_hosts=(urlsplit(url).netloc,)).ok:
                return
        except OutsideFailure:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"{url}/readyz did not answer within {START_S:.0f} s")


def _replay_day(house: House, url: str, watch: Watch) -> None:
    """Replay the recorded day unless that was done before, and print what came of it."""
    day = recorded_day()
    platforms = {code: platform(house, url, code) for code in PARTNERS}
    received = None
    if not replayed_before(day, platforms):
        received = replay(day, platforms, watch.look)
    deliveries = wait_until_settled(day, platforms, watch.look)
    standing = standings(url, [member.name for member in MEMBERS if member.linked], watch.look)
    click.echo(table(received, summarise(deliveries, standing)))


def platform(house: House, url: str, code: str) -> Platform:
    """A partner's side, with the keys it signs with. Raises UnknownPartner, and LookupError without a secret."""
    private = PARTNERS[code].signing_key if code in PARTNERS else None
    signing_key = programme.signing_key(private) if private else None
    return Platform(url, code, programme.newest_secret(house, code), signing_key)
