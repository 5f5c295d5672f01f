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
from backend.commands.log_export import export, verify
from backend.errors import Refusal
from backend.identity import ADMINISTRATOR, VIEWER, OperatorView

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


def acting_sometimes(command: Command) -> Command:
    """The same options for a command that changes something only when it is told to; see `answering`."""
    for option in (
        click.option("--operator", "name", help="who acts, by name"),
        click.option("--token", envvar="OPERATOR_TOKEN", help="or OPERATOR_TOKEN, or typed when it is asked for"),
        click.option("--reason", help="why; kept in the operator log"),
    ):
        command = option(command)
    return command


def answering(name: str | None, token: str | None, reason: str | None) -> tuple[str, str, str]:
    """Who acts, by which token and why, where it has turned out that something is to be changed."""
    if not name or not reason:
        raise click.UsageError("这会改动数据，须注明 / this changes something: --operator and --reason are needed")
    return name, token or click.prompt("令牌 token", hide_input=True), reason


@contextmanager
def deciding(name: str, token: str, role: str) -> Iterator[tuple[Session, OperatorView]]:
    """One transaction in which this operator acts; a refusal is told, undoes it, and exits with 1.

    What is done in it is written into the operator log, or it is not done.
    """
    with told_refusals(), house().transaction() as tx:
        operator = identity.authenticate_operator(tx, name, token)
        operator.require(role)
        yield tx, operator
        if not operator_log.written(tx):
            raise AssertionError("an operator acted, and the operator log does not say so")


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


@click.command("new-token")
def new_token() -> None:
    """Make a token for yourself: first the token, then its digest, which an administrator needs."""
    click.echo("\n".join(identity.new_token()))


_digest = click.option("--digest", help="of the token that the operator made with `flask operator new-token`")


@click.command("add")
@click.argument("operator")
@click.option("--role", required=True, type=click.Choice(identity.ROLES))
@_digest
@acting_sometimes
def add_operator(operator: str, role: str, digest: str | None, **by: str | None) -> None:
    """Appoint an operator; prints the request that another administrator decides with `flask approval decide`.

    The first administrator needs nobody, and is told their token here; they appoint the second one, and viewers, at
    once.
    """
    with house().reading() as tx:
        founded = identity.has_administrator(tx)
    if not founded:
        _found(operator, role)
        return
    name, token, reason = answering(**by)
    if digest is None:
        raise click.UsageError("--digest is needed: `flask operator new-token` prints it beside the token")
    now = clock.now()
    with deciding(name, token, ADMINISTRATOR) as (tx, who):
        asked = identity.request_appointment(tx, operator, role, digest, operator=who, reason=reason, now=now)
    click.echo(str(asked) if asked else f"{operator} 已任命 appointed")


def _found(operator: str, role: str) -> None:
    """The first administrator, whom nobody can appoint."""
    if role != ADMINISTRATOR:
        raise click.UsageError("没有管理员，请先任命一位 / appoint an administrator first")
    with told_refusals(), house().transaction() as tx:
        made, secret = identity.add_operator(tx, operator, role, now=clock.now())
        after = {"role": role, "active": True}
        note(tx, None, "operator.added", made.name, "the first administrator", after=after)
    click.echo(secret)


@click.command("list")
def list_operators() -> None:
    """Everybody who is or was an operator."""
    with house().reading() as tx:
        known = identity.operators(tx)
    rows = [("name", "role", "active"), *((item.name, item.role, "yes" if item.active else "no") for item in known)]
    click.echo("\n".join(aligned(rows)))


@click.command("deactivate")
@click.argument("operator")
@acting
def deactivate_operator(operator: str, name: str, token: str, reason: str) -> None:
    """End an operator's work; their token opens nothing any more."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = {"active": any(known.name == operator and known.active for known in identity.operators(tx))}
        ended = identity.deactivate_operator(tx, operator).name
        note(tx, by, "operator.deactivated", ended, reason, before=before, after={"active": False})
    click.echo(f"{operator} 已停用 deactivated")


@click.command("rotate-token")
@acting
def rotate_token(name: str, token: str, reason: str) -> None:
    """Print another token for yourself, once; the old one ends at once."""
    with deciding(name, token, VIEWER) as (tx, by):
        changed, secret = identity.rotate_operator_token(tx, name)
        note(tx, by, "operator.token_rotated", changed.name, reason)
    click.echo(secret)


@click.command("replace-token")
@click.argument("operator")
@_digest
@acting
def replace_token(operator: str, digest: str | None, name: str, token: str, reason: str) -> None:
    """Ask for another token for an operator who lost theirs; prints the request that another administrator decides."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        asked = identity.request_token(tx, operator, digest or "", operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("log")
@click.option("--after", default=0, help="begin behind this number")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
def show_log(after: int, limit: int) -> None:
    """What operators did, a JSON line each; exits with 1 when a row was changed or is gone."""
    with house().reading(one_moment=True) as tx:
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
    commands=(
        *(new_token, add_operator, list_operators, deactivate_operator, rotate_token, replace_token),
        *(show_log, export, verify),
    ),
)
