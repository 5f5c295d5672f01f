"""`flask sandbox …`, and `flask partner simulate`."""

import json
import secrets
import time
from datetime import timedelta
from typing import BinaryIO

import click
from flask.cli import AppGroup, with_appcontext

from backend import House, clock, house, signing
from backend.errors import Refusal
from backend.link_tickets import MAX_LIFE
from backend.safe_http import OutsideFailure
from backend.sandbox import programme, running
from backend.sandbox.platform import Unexpected
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


@click.command("simulate")
@click.argument("partner")
@click.argument("event", type=click.File("rb"))
@click.option("--url", default=None, help="the running server; default: this machine, PORT or 8000")
@click.option("--id", "event_id", default=None, help="the event's id; default: a new one")
@click.option("--wait", "wait_s", default=10, show_default=True, type=click.IntRange(0, 600), help="seconds")
@PORT
@with_appcontext
def simulate(partner: str, event: BinaryIO, url: str | None, event_id: str | None, wait_s: int, port: int) -> None:
    """Sign EVENT (a JSON file, - for standard input) as PARTNER, send it, and print what became of it."""
    event_id = event_id or f"evt_{secrets.token_hex(8)}"
    try:
        sender = running.platform(_sandbox(), url or f"http://{running.HOST}:{port}", partner)
        reply = sender.send(event_id, event.read())
        _print({"http_status": reply.status, **reply.document})
        if not reply.ok:
            raise SystemExit(1)
        ends = time.monotonic() + wait_s
        while (delivery := sender.delivery(event_id)) and delivery["state"] == "waiting" and time.monotonic() < ends:
            time.sleep(0.2)
        _print(delivery)
    except (Refusal, Unexpected, LookupError, UnicodeDecodeError) as error:
        raise click.ClickException(_said(error)) from None


def _print(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _said(error: Exception) -> str:
    """What went wrong in one line; a refusal without details says its title."""
    return f"{error.code}: {error}" if isinstance(error, Refusal) else str(error)
