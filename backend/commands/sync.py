"""What an operator says about third-party platforms at a terminal."""

import json
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

import click

from backend import clock, house, sync
from backend.commands.operators import told_refusals


@click.command("add")
@click.argument("destination")
@click.argument("url")
@click.option("--kind", default="webhook", show_default=True)
@click.option("--basis", required=True, type=click.Choice(["entrusted", "consent"]))
@click.option("--title", default="", help="what members call it; needed with consent, like the next two")
@click.option("--contact", default="", help="where members reach it")
@click.option("--purpose", default="", help="what it uses the data for, 中文 / English")
@click.option("--topic", "topics", multiple=True, help="what to tell; may be repeated [default: every topic]")
def add_destination(destination: str, url: str, topics: tuple[str, ...], **declared: str) -> None:
    """Tell a platform what is announced from now on; prints its secret once.

    --basis entrusted: it works for us under contract. --basis consent: it decides itself what the data are for, and is
    told about a person only with that person's separate consent.
    """
    hosts = house().settings.sandbox_hosts
    with told_refusals(), house().transaction() as tx:
        chosen = topics or tuple(sync.TOPICS)
        secret = sync.add_destination(
            tx,
            house().vault,
            code=destination,
            url=url,
            topics=chosen,
            allowed_hosts=hosts,
            now=clock.now(),
            **declared,
        )
    click.echo(secret)


@click.command("list")
def list_destinations() -> None:
    """Every destination with its notices by state."""
    with house().transaction() as tx:
        for item in sync.destination_states(tx):
            counts = " ".join(f"{state}={count}" for state, count in sorted(item.counts.items()))
            state = "retired" if item.retired else "active" if item.active else "stopped"
            click.echo(
                f"{item.code} {item.kind} {item.url} {item.basis} {state} {','.join(item.topics)} {counts}".rstrip()
            )


@click.command("rotate")
@click.argument("destination")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
def rotate_key(destination: str, overlap_hours: int) -> None:
    """Make a new secret (printed once); notices are signed with the old one as well for the overlap."""
    overlap = timedelta(hours=overlap_hours)
    with told_refusals(), house().transaction() as tx:
        secret = sync.rotate_key(tx, house().vault, destination, overlap=overlap, now=clock.now())
    click.echo(secret)


@click.command("redrive")
@click.argument("destination")
@click.option("--notice", default=None, help="one notice by its id, ntc_…")
def redrive_notices(destination: str, notice: str | None) -> None:
    """Give dead and stopped notices another life under their ids; a stopped destination is active again."""
    with told_refusals(), house().transaction() as tx:
        count = sync.redrive(tx, destination, notice=notice, now=clock.now())
    click.echo(f"{count} notices wait again")


@click.command("retire")
@click.argument("destination")
@click.confirmation_option(prompt="不可撤销，确定？ This cannot be undone. Sure?")
def retire(destination: str) -> None:
    """Tell a platform nothing ever again; what it was told, and about whom, stays on record."""
    with told_refusals(), house().transaction() as tx:
        count = sync.retire(tx, destination, now=clock.now())
    click.echo(f"{destination} 已停用 retired, {count} notices withheld")


@click.command("compare")
@click.argument("destination")
def compare(destination: str) -> None:
    """Compare a mirroring platform's balances with ours now, page by page; exits with 1 when any differ."""
    with told_refusals(), house().transaction() as tx:
        sync.begin_comparison(tx, destination, now=clock.now())
    while sync.compare_step(house().sessions, house().vault, destination, allowed_hosts=house().settings.sandbox_hosts):
        pass
    with house().transaction() as tx:
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
def show_differences(destination: str | None, healed: bool) -> None:
    """The accounts that a mirroring platform and we see differently, a JSON line each."""
    after: UUID | None = None
    while True:
        with told_refusals(), house().transaction() as tx:
            page = sync.differences(tx, destination, healed=healed, after=after)
        for item in page:
            click.echo(json.dumps(asdict(item), ensure_ascii=False, default=_as_text))
        if not page:
            return
        after = page[-1].id


def _as_text(value: object) -> str:
    return clock.iso(value) if isinstance(value, datetime) else str(value)


@click.command("heal")
@click.argument("destination")
def heal(destination: str) -> None:
    """State the balances of every account that differs to the platform; the next comparison says whether it helped."""
    stated, after, done = 0, None, False
    while not done:
        with told_refusals(), house().transaction() as tx:
            count, after = sync.state_balances(tx, house().vault, destination, after=after, now=clock.now())
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
