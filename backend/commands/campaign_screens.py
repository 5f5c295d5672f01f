"""What operators do at a terminal for the big screens of campaigns."""

from uuid import UUID

import click

from backend import campaigns, clock, house
from backend.columns import aligned
from backend.commands.operators import acting, deciding
from backend.identity import ADMINISTRATOR


@click.command("open")
@click.argument("campaign")
@click.option("--title", required=True, help="where the screen hangs")
@acting
def open_screen(campaign: str, title: str, name: str, token: str, reason: str) -> None:
    """Open a screen: prints its id, and the address to be opened there, which nothing can show again."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        made, ticket = campaigns.live.open_screen(tx, campaign, title, operator=by, reason=reason, now=clock.now())
    click.echo(f"{made.id}\n/screen/{made.campaign}#{ticket}")


@click.command("close")
@click.argument("screen", type=click.UUID)
@acting
def close_screen(screen: UUID, name: str, token: str, reason: str) -> None:
    """Take the ticket of a screen back; its stream ends within seconds."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        campaigns.live.close_screen(tx, screen, operator=by, reason=reason, now=clock.now())
    click.echo("closed")


@click.command("list")
@click.argument("campaign")
def list_screens(campaign: str) -> None:
    """The screens of a campaign, open and closed."""
    with house().reading() as tx:
        found = campaigns.live.screens_of(tx, campaign)
    rows = [("screen", "title", "opened", "until")]
    rows += [
        (str(item.id), item.title, clock.iso(item.opened_at), clock.iso(item.closed_at or item.ends_at))
        for item in found
    ]
    click.echo("\n".join(aligned(rows)))


SCREEN = click.Group(
    "screen",
    help="The big screens of campaigns.",
    commands=(open_screen, close_screen, list_screens),
)
