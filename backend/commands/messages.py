"""What operators decide and are told about messages to members at a terminal."""

import click

from backend import clock, house, member_messages
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note
from backend.identity import ADMINISTRATOR
from backend.member_messages import FAILED, STATES, UNKNOWN


@click.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="[default: unknown and failed]")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000))
def list_messages(states: tuple[str, ...], limit: int) -> None:
    """The newest messages in these states, newest first: by default those that went wrong."""
    with house().reading() as tx:
        found = member_messages.newest(tx, states=states or (UNKNOWN, FAILED), limit=limit)
    rows = [
        (str(item.id), item.state, item.programme, str(item.lapses_on), f"{item.days_ahead}d", item.error or "-")
        for item in found
    ]
    for line in aligned(rows) if rows else ():
        click.echo(line)


@click.command("templates")
def list_templates() -> None:
    """The template of each programme, and what rests and why."""
    with house().reading() as tx:
        found = member_messages.templates(tx)
        halted = member_messages.halts(tx, now=clock.now())
    for code, template in found.items():
        click.echo(f"{code} {template.kind} {template.template_id} {template.fields} {template.page}".rstrip())
    for item in halted.values():
        click.echo(f"暂停 halted: {item.template_id} until {clock.iso(item.until)}: {item.reason}")


@click.command("set-template")
@click.argument("programme")
@click.argument("template_id")
@click.option("--field", "fields", multiple=True, required=True, help="what is said and where: points=number2")
@click.option("--page", default="", help="the page of the mini-program that a tap opens")
@acting
def set_template(
    programme: str, template_id: str, fields: tuple[str, ...], page: str, name: str, token: str, reason: str
) -> None:
    """Send the expiry warnings of a programme by this subscribe-message template of WeChat.

    It says points and last_day, and may say programme and note; each goes into a keyword of the template.
    """
    said = dict(field.partition("=")[::2] for field in fields)
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = member_messages.templates(tx).get(programme)
        changes = {"before": before.as_json() if before else None}
        after = member_messages.set_template(tx, programme, template_id, said, page=page, now=clock.now())
        note(tx, by, "message_template.set", programme, reason, **changes, after=after.as_json())
    click.echo(f"{programme} {template_id}")


@click.command("resume")
@click.argument("template_id")
@acting
def resume(template_id: str, name: str, token: str, reason: str) -> None:
    """Send messages of a halted template again at once, once its fault is mended; `*` for all."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        lifted = member_messages.lift(tx, template_id)
        halted = {"before": {"halted": lifted}, "after": {"halted": False}}
        note(tx, by, "message_template.resumed", template_id, reason, **halted)
    click.echo("已恢复 resumed" if lifted else "未暂停 was not halted")


MESSAGE = click.Group(
    "message", help="Messages to members.", commands=(list_messages, list_templates, set_template, resume)
)
