"""How employees log in, set up at a terminal."""

import json

import click

from backend import clock, house
from backend.commands.operators import acting, deciding, note
from backend.identity import ADMINISTRATOR, staff_login

_secret = click.option(
    "--secret", envvar="STAFF_LOGIN_SECRET", prompt="密钥 secret", hide_input=True, help="or STAFF_LOGIN_SECRET"
)


@click.command("add")
@click.argument("code")
@click.option("--kind", required=True, type=click.Choice(sorted(staff_login.KINDS)))
@click.option("--programme", required=True, help="the staff programme whose roster says who is employed")
@click.option("--title", required=True, help="as employees read it")
@click.option("--set", "pairs", multiple=True, help="NAME=VALUE; which names there are, docs/operations.md says")
@_secret
@acting
def add(
    code: str,
    kind: str,
    programme: str,
    title: str,
    pairs: tuple[str, ...],
    secret: str,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Let an employer's staff log in through WeCom or OpenID Connect."""
    if not all("=" in pair for pair in pairs):
        raise click.UsageError("--set NAME=VALUE")
    given = {pair.partition("=")[0]: pair.partition("=")[2] for pair in pairs}
    hosts = house().settings.sandbox_hosts
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        made = staff_login.add_provider(
            tx,
            house().vault,
            code=code,
            kind=kind,
            programme=programme,
            title=title,
            given=given,
            secret=secret,
            allowed_hosts=hosts,
            now=clock.now(),
        )
        after = {"kind": kind, "programme": programme, "title": title, "settings": made.settings}
        note(tx, by, "staff_login.added", code, reason, after=after)
    click.echo(f"{code} 已启用 in use")


@click.command("replace-secret")
@click.argument("code")
@_secret
@acting
def replace_secret(code: str, secret: str, name: str, token: str, reason: str) -> None:
    """Another secret for a staff login, in use at once."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        staff_login.replace_secret(tx, house().vault, code, secret)
        note(tx, by, "staff_login.secret_replaced", code, reason)
    click.echo(f"{code} 已更换 replaced")


@click.command("retire")
@click.argument("code")
@acting
def retire(code: str, name: str, token: str, reason: str) -> None:
    """Nobody logs in through this any more; accounts stay."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        staff_login.retire_provider(tx, code, now=clock.now())
        note(tx, by, "staff_login.retired", code, reason, before={"retired": False}, after={"retired": True})
    click.echo(f"{code} 已停用 retired")


@click.command("list")
def list_providers() -> None:
    """Every staff login with its settings, a JSON line each; secrets are not told."""
    with house().reading() as tx:
        found = staff_login.providers(tx, retired=True)
    for one in found:
        said: dict[str, object] = {"code": one.code, "kind": one.kind, "programme": one.programme, "title": one.title}
        said |= {"settings": one.settings, "retired_at": clock.iso(one.retired_at) if one.retired_at else None}
        click.echo(json.dumps(said, ensure_ascii=False))


PROVIDER = click.Group("provider", help="How employees log in.", commands=(add, replace_secret, retire, list_providers))
STAFF = click.Group("staff", help="Employees: how they log in.", commands=(PROVIDER,))
