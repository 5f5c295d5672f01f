"""What a campaign came to in the end: freezing and verifying results, and paying what they give."""

import json
import sys
from typing import BinaryIO

import click

from backend import clock, house
from backend.campaigns import awards, closing
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import FINANCE


@click.command("close")
@click.argument("code")
@acting
def close(code: str, name: str, token: str, reason: str) -> None:
    """Freeze the result of a campaign that has closed; the worker does it by itself within a minute."""
    with deciding(name, token, FINANCE) as (tx, by):
        closing.require_closed(tx, code, now=clock.now())
        note(tx, by, "campaign.close_asked", f"campaign {code}", reason)
    with told_refusals():
        done = closing.close(house().sessions, house().vault.statement_key, code)
    click.echo("已定稿 final" if done else "此前已定稿 it was final before")


@click.command("verify")
@click.argument("code")
def verify(code: str) -> None:
    """Prove that a result is what was signed and, with its corrections, what the books say; exits with 1 otherwise."""
    with told_refusals(), house().reading(one_moment=True) as tx:
        faults = list(closing.verify(tx, house().vault.statement_key, code, now=clock.now()))
    for fault in faults:
        click.echo(json.dumps(fault, ensure_ascii=False, default=str))
    if faults:
        sys.exit(1)
    click.echo(f"{code}: 与签名及账目一致 as it was signed, and as the books say")


@click.command("result")
@click.argument("code")
@click.option("--out", type=click.File("wb"), required=True, help="the file that strangers verify; - for the screen")
def result(code: str, out: BinaryIO) -> None:
    """Write the signed result of a campaign into a file."""
    with told_refusals(), house().reading(one_moment=True) as tx:
        made = closing.statement_of(tx, house().vault.statement_key, code, now=clock.now())
    for chunk in made.chunks():
        out.write(chunk)


@click.command("award")
@click.argument("code")
@acting
def award(code: str, name: str, token: str, reason: str) -> None:
    """Ask for the rewards of a final campaign to be paid; another operator decides (`flask approval decide`)."""
    with deciding(name, token, FINANCE) as (tx, by):
        asked = awards.request_awards(tx, code, operator=by, reason=reason, now=clock.now())
    click.echo(f"已申请 requested: {asked}")


COMMANDS = (close, verify, result, award)
