"""What operators decide about redemptions at a terminal."""

import json
from datetime import datetime
from uuid import UUID

import click

from backend import clock, house, rewards
from backend.commands.operators import acting, deciding, told_refusals
from backend.commands.providers import OF_REDEMPTIONS
from backend.identity import FINANCE, REVIEWER


@click.command("review")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
def review(limit: int) -> None:
    """What waits for a person, a JSON line each, what ends first first."""
    with house().reading() as tx:
        found = rewards.in_review(tx, limit=limit)
    for item in found:
        said = {"id": str(item.id), "holder_id": str(item.holder_id), "programme": item.programme}
        said |= {"reward": item.reward, "points": str(item.points), "why": item.why}
        said |= {"created_at": clock.iso(item.created_at), "ends_at": clock.iso(item.ends_at)}
        click.echo(json.dumps(said, ensure_ascii=False))


@click.command("show")
@click.argument("redemption_id", type=click.UUID)
def show(redemption_id: UUID) -> None:
    """A redemption with its history; neither codes nor addresses."""
    with told_refusals(), house().reading() as tx:
        found = rewards.redemption_in_full(tx, None, rewards.holder_of(tx, redemption_id), redemption_id)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@click.command("approve")
@click.argument("redemption_id", type=click.UUID)
@acting
def approve(redemption_id: UUID, name: str, token: str, reason: str) -> None:
    """Let a redemption in review go on."""
    with deciding(name, token, REVIEWER) as (tx, by):
        sent = rewards.approve(tx, house().vault, redemption_id, operator=by, reason=reason, now=clock.now())
    click.echo("已批准，稍后发送 approved, it is sent shortly" if sent else "已批准并完成 approved and delivered")


@click.command("refuse")
@click.argument("redemption_id", type=click.UUID)
@click.option("--told", help="what the member is told, beside that it was refused")
@acting
def refuse(redemption_id: UUID, told: str | None, name: str, token: str, reason: str) -> None:
    """End a redemption in review; the points go back."""
    with deciding(name, token, REVIEWER) as (tx, by):
        rewards.refuse(tx, redemption_id, operator=by, reason=reason, told=told, now=clock.now())
    click.echo("已拒绝，积分已退回 refused, the points went back")


@click.command("refund")
@click.argument("redemption_id", type=click.UUID)
@click.option("--told", required=True, help="what the member is told")
@acting
def refund(redemption_id: UUID, told: str, name: str, token: str, reason: str) -> None:
    """Give the points of a confirmed redemption back; a code that was shown is not used again."""
    with deciding(name, token, FINANCE) as (tx, by):
        rewards.refund(tx, house().vault, redemption_id, operator=by, reason=reason, told=told, now=clock.now())
    click.echo("已退款 refunded")


@click.command("limits")
@click.argument("programme")
@click.argument("limits", metavar="NAME=NUMBER...", nargs=-1, required=True)
@click.option("--from", "begins", required=True, type=click.DateTime(["%Y-%m-%d"]), help="the first day")
@acting
def limits(programme: str, limits: tuple[str, ...], begins: datetime, name: str, token: str, reason: str) -> None:
    """Ask for other limits of a programme, all of them at once; prints the request another operator decides."""
    wanted = {}
    for item in limits:
        key, _, number = item.partition("=")
        if not (number.isascii() and number.isdigit()):
            raise click.BadParameter(item)
        wanted[key] = int(number[:12])
    with deciding(name, token, FINANCE) as (tx, by):
        asked = rewards.request_limits(
            tx, programme, wanted, begins.date(), operator=by, reason=reason, now=clock.now()
        )
    click.echo(str(asked))


REDEMPTION = click.Group(
    "redemption",
    help="Decisions about redemptions.",
    commands=(review, show, approve, refuse, refund, limits, *OF_REDEMPTIONS),
)
