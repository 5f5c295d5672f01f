"""What members declare, at a terminal: reviewers see what was done and the photos, never by whom, and decide."""

import json
import os
from datetime import datetime
from pathlib import Path
from uuid import UUID

import click

from backend import clock, declarations, house, identity
from backend.commands.operators import acting, deciding, told_refusals
from backend.declarations import REVIEW_REASONS, Terms
from backend.identity import ADMINISTRATOR, REVIEWER, OperatorView


@click.command("list")
@click.option("--programme", help="only this programme")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
def waiting(programme: str | None, limit: int) -> None:
    """What waits for a reviewer, a JSON line each: appeals first, then what has waited longest."""
    with house().reading() as tx:
        found = declarations.waiting(tx, programme=programme, limit=limit)
    for item in found:
        click.echo(json.dumps(item, ensure_ascii=False))


@click.command("show")
@click.argument("declaration_id", type=click.UUID)
def show(declaration_id: UUID) -> None:
    """A declaration: what it says, its photos, what stands out. Not whose it is."""
    with told_refusals(), house().reading() as tx:
        found = declarations.in_full(tx, house().vault, declaration_id)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@click.command("photo")
@click.argument("declaration_id", type=click.UUID)
@click.argument("photo_id", type=click.UUID)
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False), help="a file that is not there yet")
@acting
def photo(declaration_id: UUID, photo_id: UUID, target: str, name: str, token: str, reason: str) -> None:
    """Write a photo into a file that only you can read; that you looked at it is logged. Delete it afterwards."""
    if Path(target).exists():
        raise click.UsageError(f"{target} 已存在 is there already")
    with deciding(name, token, REVIEWER) as (tx, by):
        jpeg = declarations.see_photo(
            tx, house().vault, declaration_id, photo_id, operator=by, reason=reason, now=clock.now()
        )
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(jpeg)
    click.echo(target)


@click.command("approve")
@click.argument("declaration_id", type=click.UUID)
@acting
def approve(declaration_id: UUID, name: str, token: str, reason: str) -> None:
    """Credit a declared act, also on appeal. What cannot count any more is refused instead, and says why."""
    with told_refusals():
        by = _reviewer(name, token)
        sessions, vault = house().sessions, house().vault
        code = declarations.approve(sessions, vault, declaration_id, operator=by, reason=reason)
    click.echo("已通过并入账 approved and credited" if code is None else f"不能入账，已拒绝 refused: {code}")


@click.command("refuse")
@click.argument("declaration_id", type=click.UUID)
@click.option("--code", required=True, type=click.Choice(REVIEW_REASONS), help="what the member is told as a sentence")
@click.option("--told", help="words to the member beside it")
@acting
def refuse(declaration_id: UUID, code: str, told: str | None, name: str, token: str, reason: str) -> None:
    """Refuse a declared act; on appeal for good."""
    with told_refusals():
        by = _reviewer(name, token)
        declarations.refuse(house().sessions, declaration_id, code=code, told=told, operator=by, reason=reason)
    click.echo("已拒绝 refused")


@click.command("terms")
@click.argument("programme")
@click.option("--window-days", required=True, type=click.IntRange(0, 90), help="how many days back an act may lie")
@click.option("--daily-acts", required=True, type=click.IntRange(0, 50), help="acts of one day; 0: none is taken")
@click.option("--from", "begins", required=True, type=click.DateTime(["%Y-%m-%d"]), help="the first day")
@acting
def terms(
    programme: str, window_days: int, daily_acts: int, begins: datetime, name: str, token: str, reason: str
) -> None:
    """Announce on which terms members of a programme declare acts, from a day to come."""
    wanted = Terms(window_days, daily_acts)
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        declarations.announce_terms(tx, programme, wanted, begins.date(), operator=by, reason=reason, now=clock.now())
    click.echo("已公布 announced")


def _reviewer(name: str, token: str) -> OperatorView:
    with house().transaction() as tx:
        by = identity.authenticate_operator(tx, name, token)
    by.require(REVIEWER)
    return by


REVIEW = click.Group(
    "review",
    help="Acts that members declare: seen, credited, refused.",
    commands=(waiting, show, photo, approve, refuse, terms),
)
