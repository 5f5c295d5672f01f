"""What operators do at a terminal: who they are, what they decide, and the log of it."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from sqlalchemy.orm import Session

from backend import clock, house, identity, operator_log
from backend.columns import aligned
from backend.errors import Refusal
from backend.identity import ADMINISTRATOR, OperatorView

Command = Callable[..., Any]


def acting(command: Command) -> Command:
    """Options of a command that an operator answers for; the token comes from the environment or is asked for."""
    for option in (
        click.option("--operator", "name", required=True, help="who acts, by name"),
        click.option(
            "--token", envvar="OPERATOR_TOKEN", prompt="令牌 token", hide_input=True, help="or OPERATOR_TOKEN"
        ),
        click.option("--reason", required=True, help="why; kept in the operator log"),
    ):
        command = option(command)
    return command


@contextmanager
def deciding(name: str, token: str, role: str) -> Iterator[tuple[Session, OperatorView]]:
    """One transaction in which this operator acts; a refusal is told, undoes it, and exits with 1."""
    with told_refusals(), house().transaction() as tx:
        operator = identity.authenticate_operator(tx, name, token)
        operator.require(role)
        yield tx, operator


Facts = Mapping[str, object]


def note(
    tx: Session,
    by: OperatorView | None,
    action: str,
    subject: str,
    reason: str,
    *,
    before: Facts | None = None,
    after: Facts | None = None,
) -> None:
    """Write into the operator log what was just done; `by` nobody only where there is no operator yet."""
    who = by.id if by else None
    done: dict[str, Any] = {"action": action, "subject": subject, "reason": reason, "before": before, "after": after}
    operator_log.write(tx, operator_id=who, **done, now=clock.now())


@contextmanager
def told_refusals() -> Iterator[None]:
    """A refusal ends the command with its code and sentence on standard error."""
    try:
        yield
    except Refusal as refusal:
        facts = json.dumps(refusal.facts, ensure_ascii=False, default=str) if refusal.facts else ""
        click.echo(f"{refusal.code}: {refusal.title} {facts}".rstrip(), err=True)
        sys.exit(1)


@click.command("add")
@click.argument("operator")
@click.option("--role", required=True, type=click.Choice(identity.ROLES))
@click.option("--operator", "name", help="the administrator who appoints; not needed for the first one")
@click.option("--token", envvar="OPERATOR_TOKEN", help="the administrator's, or OPERATOR_TOKEN")
@click.option("--reason", default="appointed", show_default=True)
def add_operator(operator: str, role: str, name: str | None, token: str | None, reason: str) -> None:
    """Appoint an operator and print the token, once. While there is no administrator, one has to come first."""
    now = clock.now()
    with told_refusals(), house().transaction() as tx:
        by = None
        if identity.has_administrator(tx):
            by = identity.authenticate_operator(tx, name or "", token or "")
            by.require(ADMINISTRATOR)
        elif role != ADMINISTRATOR:
            raise click.UsageError("没有管理员，请先任命一位 / appoint an administrator first")
        made, secret = identity.add_operator(tx, operator, role, now=now)
        note(tx, by, "operator.added", f"{made.name} {made.role}", reason)
    click.echo(secret)


@click.command("list")
def list_operators() -> None:
    """Everybody who is or was an operator."""
    with house().transaction() as tx:
        known = identity.operators(tx)
    rows = [("name", "role", "active"), *((item.name, item.role, "yes" if item.active else "no") for item in known)]
    click.echo("\n".join(aligned(rows)))


@click.command("deactivate")
@click.argument("operator")
@acting
def deactivate_operator(operator: str, name: str, token: str, reason: str) -> None:
    """End an operator's work; their token opens nothing any more."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        note(tx, by, "operator.deactivated", identity.deactivate_operator(tx, operator).name, reason)
    click.echo(f"{operator} 已停用 deactivated")


@click.command("rotate-token")
@click.argument("operator")
@acting
def rotate_token(operator: str, name: str, token: str, reason: str) -> None:
    """Print another token for an operator, once; the old one ends at once. Everybody may do so for themselves."""
    role = identity.VIEWER if operator == name else ADMINISTRATOR
    with deciding(name, token, role) as (tx, by):
        changed, secret = identity.rotate_operator_token(tx, operator)
        note(tx, by, "operator.token_rotated", changed.name, reason)
    click.echo(secret)


@click.command("log")
@click.option("--after", default=0, help="begin behind this number")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
def show_log(after: int, limit: int) -> None:
    """What operators did, a JSON line each; exits with 1 when a row was changed or is gone."""
    with house().transaction() as tx:
        rows = operator_log.read(tx, after=after, limit=limit)
        names = identity.operator_names(tx, [row.operator_id for row in rows if row.operator_id])
        faults = list(operator_log.differences(tx))
    for row in rows:
        said = {
            "sequence": row.sequence,
            "at": clock.iso(row.done_at),
            "operator": names.get(row.operator_id) if row.operator_id else None,
            "action": row.action,
            "subject": row.subject,
            "reason": row.reason,
            **{name: json.loads(text) for name, text in (("before", row.before), ("after", row.after)) if text},
            "hash": row.hash.hex(),
        }
        click.echo(json.dumps(said, ensure_ascii=False))
    for fault in faults:
        click.echo(json.dumps(fault), err=True)
    if faults:
        sys.exit(1)


OPERATOR = click.Group(
    "operator",
    help="Operators, and the log of what they did.",
    commands=(add_operator, list_operators, deactivate_operator, rotate_token, show_log),
)
