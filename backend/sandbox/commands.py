"""`flask sandbox …`, and what a partner of the sandbox does: `flask partner send` and `flask partner simulate`."""

import json
import logging
import secrets
import sys
import time
from contextlib import redirect_stdout
from dataclasses import fields
from datetime import timedelta
from typing import Any, BinaryIO

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import DBAPIError

from backend import House, clock, house, signing
from backend.errors import Refusal
from backend.link_tickets import MAX_LIFE
from backend.safe_http import OutsideFailure
from backend.sandbox import programme, running, simulator
from backend.sandbox.platform import Platform, Unexpected
from backend.sandbox.processes import ProcessEnded

sandbox_group = AppGroup("sandbox", help="Try everything on this machine.")

PORT = click.option(
    "--port", envvar="PORT", default=8000, show_default=True, type=click.IntRange(1, 65_535), help="or PORT=…"
)


def _sandbox() -> House:
    """The house, unless it is a production one: sandbox keys are public, and here we sign in a partner's name."""
    found = house()
    if not found.settings.sandbox:
        raise click.ClickException("refused: ENV=production; this is for the sandbox only")
    return found


@sandbox_group.command("run")
@PORT
def run(port: int) -> None:
    """Start web and worker together, replay a recorded day, and serve until stopped."""
    found = _sandbox()
    try:
        running.run(found, port)
    except (running.PortTaken, ProcessEnded, TimeoutError, OutsideFailure, Unexpected) as error:
        raise click.ClickException(str(error)) from None


@sandbox_group.command("link-ticket")
@click.argument("partner")
@click.argument("user_ref")
def link_ticket(partner: str, user_ref: str) -> None:
    """Print the ticket a partner would make for its user: good once, for ten minutes."""
    try:
        key = programme.newest_secret(_sandbox(), partner)
        expires_at = clock.now() + MAX_LIFE - timedelta(seconds=1)
        click.echo(signing.sign_link_ticket(key, partner, user_ref, expires_at, secrets.token_urlsafe(18)))
    except (Refusal, LookupError, ValueError) as error:
        raise click.ClickException(_said(error)) from None


BASE_URL = click.option("--base-url", "url", help="the running server; default: this machine, PORT or 8000")


@click.command("send")
@click.argument("partner")
@click.argument("event", type=click.File("rb"))
@BASE_URL
@click.option("--id", "event_id", default=None, help="the event's id; default: a new one")
@click.option("--wait", "wait_s", default=10, show_default=True, type=click.IntRange(0, 600), help="seconds")
@PORT
@with_appcontext
def send(partner: str, event: BinaryIO, url: str | None, event_id: str | None, wait_s: int, port: int) -> None:
    """Sign EVENT (a JSON file, - for standard input) as PARTNER, send it, and print what became of it."""
    event_id = event_id or f"evt_{secrets.token_hex(8)}"
    try:
        sender = _platform(partner, url, port)
        reply = sender.send(event_id, event.read())
        _print({"http_status": reply.status, **reply.document})
        if not reply.ok:
            raise SystemExit(1)
        ends = time.monotonic() + wait_s
        while (delivery := sender.delivery(event_id)) and delivery["state"] == "waiting" and time.monotonic() < ends:
            time.sleep(0.2)
        _print(delivery)
    except (Refusal, Unexpected, UnicodeDecodeError) as error:
        raise click.ClickException(_said(error)) from None


def _per_cent(name: str, default: int, text: str, most: int = 100) -> Any:
    return click.option(name, default=default, show_default=True, type=click.IntRange(0, most), help=f"per cent {text}")


@click.command("simulate")
@click.argument("partner", type=click.Choice(sorted(programme.PARTNERS)))
@click.option("--events", default=1_000, show_default=True, type=click.IntRange(20, 1_000_000), help="different ones")
@click.option("--seed", default=1, show_default=True, help="the same seed, the same run")
@_per_cent("--duplicates", 20, "that come twice")
@_per_cent("--reordering", 20, "that come out of order")
@_per_cent("--cancellations", 5, "that cancel an order", most=30)
@_per_cent("--corrections", 5, "that correct an order", most=30)
@_per_cent("--corrupted", 5, "that come spoilt first: refused, and sent again")
@_per_cent("--clock-skew", 5, "that are signed by a clock up to four minutes off")
@click.option("--rate", type=click.FloatRange(0.1), help="requests a second; default: as fast as it goes")
@click.option("--connections", default=8, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--wait", "wait_s", default=60, show_default=True, type=click.IntRange(1), help="seconds without progress"
)
@click.option("--json", "as_json", is_flag=True, help="report in JSON on standard output, progress on standard error")
@BASE_URL
@PORT
@with_appcontext
def simulate(partner: str, events: int, seed: int, as_json: bool, url: str | None, port: int, **given: Any) -> None:
    """Play PARTNER against the running sandbox, with everything that goes wrong, and check what comes of it.

    Members of its own join, the events are sent, and what everybody has in the end is compared with the same events
    settled once and in order elsewhere. Exits with 1 on any deviation.
    """
    sender = _platform(partner, url, port)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    shares = {name: given[name] for name in ("cancellations", "corrections")}
    plan = simulator.make_plan(partner, secrets.token_hex(4), events=events, seed=seed, today=clock.today(), **shares)
    disorder = simulator.Disorder(*(given[field.name] for field in fields(simulator.Disorder)))
    try:
        with redirect_stdout(sys.stderr if as_json else sys.stdout):
            report = simulator.simulate(
                sender,
                plan,
                disorder,
                seed=seed,
                settings=house().settings,
                connections=given["connections"],
                rate=given["rate"],
                patience=timedelta(seconds=given["wait_s"]),
            )
    except (Refusal, Unexpected) as error:
        raise click.ClickException(_said(error)) from None
    click.echo(report.as_json() if as_json else report.as_text())
    if not report.conforms:
        raise SystemExit(1)


def _platform(partner: str, url: str | None, port: int) -> Platform:
    """The partner with its newest secret, and the server it sends to, which must share our database."""
    try:
        return running.platform(_sandbox(), (url or f"http://{running.HOST}:{port}").rstrip("/"), partner)
    except DBAPIError:
        raise click.ClickException("no keys found: DATABASE_URL must name the database of that server") from None
    except (Refusal, LookupError) as error:
        raise click.ClickException(_said(error)) from None


def _print(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _said(error: Exception) -> str:
    """What went wrong in one line; a refusal without details says its title."""
    return f"{error.code}: {error}" if isinstance(error, Refusal) else str(error)
