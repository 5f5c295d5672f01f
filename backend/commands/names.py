"""Names that others would see and that an operator has to look at, at a terminal."""

from uuid import UUID

import click

from backend import clock, house
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note
from backend.identity import REVIEWER, public_names


@click.command("list")
@click.option("--all", "everything", is_flag=True, help="also those that WeChat is asked about again by itself")
def list_names(everything: bool) -> None:
    """List the names that wait to be shown."""
    with house().reading() as tx:
        found = public_names.waiting(tx, for_operator=not everything)
    rows = [[str(one.id), one.use, one.state, clock.iso(one.chosen_at), one.name] for one in found]
    for line in aligned(rows) if rows else ["没有待审名称 nothing waits"]:
        click.echo(line)


@click.command("decide")
@click.argument("number", type=click.UUID)
@click.option("--show/--refuse", "passed", required=True, default=None, help="may others see it?")
@acting
def decide(number: UUID, passed: bool, name: str, token: str, reason: str) -> None:
    """Let others see a name that waits, or refuse it."""
    with deciding(name, token, REVIEWER) as (tx, by):
        chosen = house().names.decide(tx, number, passed)
        after = {"use": chosen.use, "subject": chosen.subject, "shown": passed}
        note(tx, by, "name.decided", f"name {number}", reason, after=after)
    click.echo(f"{number} {'已展示 shown' if passed else '已拒绝 refused'}")


NAMES = click.Group("names", help="Names that members choose and others see.", commands=(list_names, decide))
