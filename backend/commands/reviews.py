"""What operators decide about members' acts and points at a terminal."""

from uuid import UUID

import click

from backend import clock, house, identity, points, settlement
from backend.commands.claims import CLAIMS
from backend.commands.operators import acting, deciding, told_refusals
from backend.identity import FINANCE


@click.command("reverse")
@click.argument("activity_id", type=click.UUID)
@acting
def reverse(activity_id: UUID, name: str, token: str, reason: str) -> None:
    """Take an activity back as one chain: grams, points, claims, and what was derived from it."""
    with told_refusals():
        with house().transaction() as tx:
            operator = identity.authenticate_operator(tx, name, token)
        done = settlement.reverse_after_review(house().sessions, activity_id, operator=operator, reason=reason)
    click.echo("已冲正 taken back" if done else "此前已冲正，未作改动 taken back before, nothing changed")


@click.command("write-off")
@click.argument("holder_id", type=click.UUID)
@click.argument("programme")
@click.argument("amount", metavar="POINTS", type=click.IntRange(1))
@acting
def write_off(holder_id: UUID, programme: str, amount: int, name: str, token: str, reason: str) -> None:
    """Ask for points that a member owes to be written off; prints the request that another operator decides."""
    limit = house().settings.write_off_limit
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_write_off(
            tx, holder_id, programme, amount, operator=by, reason=reason, limit=limit, now=clock.now()
        )
    click.echo(str(asked))


ACTIVITY = click.Group("activity", help="Decisions about activities.", commands=(reverse, *CLAIMS))
DEBT = click.Group("debt", help="Points that members owe.", commands=(write_off,))
