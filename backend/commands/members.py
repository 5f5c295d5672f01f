"""What operators decide about members at a terminal."""

from datetime import datetime
from uuid import UUID

import click

from backend import clock, identity
from backend.commands.operators import acting, deciding
from backend.identity import ADMINISTRATOR


@click.command("correct-birth-date")
@click.argument("holder_id", type=click.UUID)
@click.argument("birth_date", type=click.DateTime(["%Y-%m-%d"]))
@acting
def correct_birth_date(holder_id: UUID, birth_date: datetime, name: str, token: str, reason: str) -> None:
    """Correct a date of birth that a member mistyped. It is not kept, and not logged either."""
    now = clock.now()
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        until = identity.correct_birth_date(tx, holder_id, birth_date.date(), operator=by, reason=reason, now=now)
    click.echo(f"未满十四周岁，至 under fourteen until {until}" if until else "已满十四周岁 fourteen or older")


MEMBER = click.Group("member", help="Decisions about members.", commands=(correct_birth_date,))
