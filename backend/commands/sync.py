"""What an operator says about third-party platforms at a terminal."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from backend import clock, house, sync
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR, VIEWER


@click.command("add")
@click.argument("destination")
@click.argument("url")
@click.option("--kind", default="webhook", show_default=True)
@click.option("--basis", required=True, type=click.Choice(["entrusted", "consent"]))
@click.option("--title", default="", help="what members call it; needed with consent, like the next two")
@click.option("--contact", default="", help="where members reach it")
@click.option("--purpose", default="", help="what it uses the data for, 中文 / English")
@click.option("--topic", "topics", multiple=True, help="what to tell; may be repeated [default: every topic]")
@acting
def add_destination(
    destination: str, topics: tuple[str, ...], basis: str, name: str, token: str, reason: str, **declared: Any
) -> None:
    """Tell a platform what is announced from now on.

    --basis entrusted: it works for us under contract, and members are not asked. So another administrator has to agree:
    prints the request for `flask approval decide`; `flask sync rotate` gives the secret then. --basis consent: it
    decides itself what the data are for, and is told about a person only with that person's separate consent; prints
    its secret once.
    """
    hosts, now = house().settings.sandbox_hosts, clock.now()
    described: dict[str, Any] = {
        "code": destination,
        "topics": topics or tuple(sync.TOPICS),
        "allowed_hosts": hosts,
        "now": now,
    }
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        if basis == "entrusted":
            answer = str(sync.request_entrusted(tx, operator=by, reason=reason, **described, **declared))
        else:
            answer = sync.add_destination(tx, house().vault, basis=basis, **described, **declared)
            after = {**declared, "basis": basis, **sync.standing(tx, destination, now=now)}
            note(tx, by, "destination.added", destination, reason, after=after)
    click.echo(answer)


@click.command("list")
def list_destinations() -> None:
    """Every destination with its notices by state."""
    with house().reading() as tx:
        for item in sync.destination_states(tx):
            counts = " ".join(f"{state}={count}" for state, count in sorted(item.counts.items()))
            state = "retired" if item.retired else "active" if item.active else "stopped"
            click.echo(
                f"{item.code} {item.kind} {item.url} {item.basis} {state} {','.join(item.topics)} {counts}".rstrip()
            )


@click.command("rotate")
@click.argument("destination")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
@acting
def rotate_key(destination: str, overlap_hours: int, name: str, token: str, reason: str) -> None:
    """Make a new secret (printed once); notices are signed with the old one as well for the overlap."""
    overlap = timedelta(hours=overlap_hours)
    with _acting_on(destination, "destination.secret_rotated", name, token, reason) as (tx, _):
        secret = sync.rotate_key(tx, house().vault, destination, overlap=overlap, now=clock.now())
    click.echo(secret)


@click.command("redrive")
@click.argument("destination")
@click.option("--notice", default=None, help="one notice by its id, ntc_…")
@acting
def redrive_notices(destination: str, notice: str | None, name: str, token: str, reason: str) -> None:
    """Give dead and stopped notices another life under their ids; a stopped destination is active again."""
    with _acting_on(destination, "destination.redriven", name, token, reason) as (tx, done):
        count = done["redriven"] = sync.redrive(tx, destination, notice=notice, now=clock.now())
    click.echo(f"{count} notices wait again")


@click.command("retire")
@click.argument("destination")
@click.confirmation_option(prompt="不可撤销，确定？ This cannot be undone. Sure?")
@acting
def retire(destination: str, name: str, token: str, reason: str) -> None:
    """Tell a platform nothing ever again; what it was told, and about whom, stays on record."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = sync.standing(tx, destination, now=clock.now())
        count = sync.retire(tx, destination, now=clock.now())
        after = {"active": False, "retired": True, "withheld": count}
        note(tx, by, "destination.retired", destination, reason, before=before, after=after)
    click.echo(f"{destination} 已停用 retired, {count} notices withheld")


@click.command("compare")
@click.argument("destination")
@acting
def compare(destination: str, name: str, token: str, reason: str) -> None:
    """Compare a mirroring platform's balances with ours now, page by page; exits with 1 when any differ."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        sync.begin_comparison(tx, destination, now=clock.now())
        note(tx, by, "destination.comparison_begun", destination, reason)
    while sync.compare_step(house().sessions, house().vault, destination, allowed_hosts=house().settings.sandbox_hosts):
        pass
    with house().reading() as tx:
        done = sync.newest_comparison(tx, destination)
    assert done is not None
    if done.finished_at is None:
        click.echo(f"尚未完成 not finished yet: {done.error or 'a worker is at it'}", err=True)
        sys.exit(1)
    click.echo(f"{done.accounts} accounts compared, {done.differing} differ")
    sys.exit(1 if done.differing else 0)


@click.command("differences")
@click.argument("destination", required=False)
@click.option("--healed", is_flag=True, help="those that healed as well")
@acting
def show_differences(destination: str | None, healed: bool, name: str, token: str, reason: str) -> None:
    """The accounts that a mirroring platform and we see differently, a JSON line each. Who looks is logged."""
    with deciding(name, token, VIEWER) as (tx, by):
        note(tx, by, "destination.differences_read", destination or "every destination", reason)
    after: UUID | None = None
    while True:
        with told_refusals(), house().transaction() as tx:
            page = sync.differences(tx, destination, healed=healed, after=after)
        for item in page:
            click.echo(json.dumps(asdict(item), ensure_ascii=False, default=_as_text))
        if not page:
            return
        after = page[-1].id


@contextmanager
def _acting_on(
    destination: str, action: str, name: str, token: str, reason: str
) -> Iterator[tuple[Session, dict[str, object]]]:
    """An act on a destination, logged with how it stood before and after; what is put into the dict is told as well."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        now, done = clock.now(), dict[str, object]()
        before = sync.standing(tx, destination, now=now)
        yield tx, done
        after = {**sync.standing(tx, destination, now=now), **done}
        note(tx, by, action, destination, reason, before=before, after=after)


def _as_text(value: object) -> str:
    return clock.iso(value) if isinstance(value, datetime) else str(value)


@click.command("heal")
@click.argument("destination")
@acting
def heal(destination: str, name: str, token: str, reason: str) -> None:
    """State the balances of every account that differs to the platform; the next comparison says whether it helped."""
    stated, after, done = 0, None, False
    while not done:
        with deciding(name, token, ADMINISTRATOR) as (tx, by):
            before = {"differing": sync.count_differences(tx, destination)}
            count, after = sync.state_balances(tx, house().vault, destination, after=after, now=clock.now())
            told = {**before, "balances_stated": count}  # whether it helped, the next comparison says
            note(tx, by, "destination.healed", destination, reason, before=before, after=told)
        stated, done = stated + count, after is None
    click.echo(f"the balances of {stated} accounts will be stated")


SYNC = click.Group(
    "sync",
    help="Third-party platforms that are told what happens.",
    commands=(
        *(add_destination, list_destinations, rotate_key, redrive_notices, retire),
        *(compare, show_differences, heal),
    ),
)
