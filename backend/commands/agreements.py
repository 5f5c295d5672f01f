"""What operators do about agreements with employers and schools at a terminal."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from backend import clock, house, identity
from backend.commands.operators import acting, deciding, told_refusals
from backend.identity import ADMINISTRATOR

_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("sign")
@click.argument("programme")
@click.argument("source")
@click.option("--from", "first", required=True, type=_DAY, help="the first day whose acts it covers")
@click.option("--until", "last", type=_DAY, help="the last day; open where it is left out")
@click.option("--document", required=True, help="what was signed: its number or title")
@acting
def sign(first: datetime, last: datetime | None, name: str, token: str, reason: str, **what: Any) -> None:
    """Ask for an agreement to be entered: a partner's code, or a source of the house's own, may report acts."""
    if last is not None and last < first:
        raise click.BadParameter("it ends before it begins", param_hint="--until")
    days: dict[str, Any] = {"in_force_from": first.date(), "in_force_until": last.date() if last else None}
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        asked = identity.agreements.request(tx, **what, **days, operator=by, reason=reason, now=clock.now())
    _told(asked)


@click.command("end")
@click.argument("programme")
@click.argument("source")
@click.option("--last-day", required=True, type=_DAY, help="the last day whose acts it covers, today at the earliest")
@acting
def end(last_day: datetime, name: str, token: str, reason: str, **what: Any) -> None:
    """Ask for an agreement to end with a day."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        day = last_day.date()
        asked = identity.agreements.request_end(tx, **what, last_day=day, operator=by, reason=reason, now=clock.now())
    _told(asked)


@click.command("list")
@click.option("--programme", default=None)
def list_agreements(programme: str | None) -> None:
    """Every agreement, a JSON line each."""
    with told_refusals(), house().reading() as tx:
        found = identity.agreements.agreements_of(tx, programme)
    for item in found:
        click.echo(json.dumps(asdict(item), default=str, ensure_ascii=False))


def _told(asked: UUID) -> None:
    click.echo(f"{asked} 待另一位操作员批准 waits for another operator: flask approval decide {asked}")


AGREEMENT = click.Group(
    "agreement",
    help="What employers and schools signed, so that records come in without a consent of each member.",
    commands=(sign, end, list_agreements),
)
