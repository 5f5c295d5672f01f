"""What operators say about providers of rewards, and what they carry out themselves, at a terminal."""

import json
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

import click

from backend import clock, house, rewards
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR, FINANCE, REVIEWER
from backend.operator_log import shown_url


def _doors() -> rewards.Doors:
    settings = house().settings
    return rewards.Doors(settings.sandbox_hosts, settings.sandbox)


@click.command("add")
@click.argument("provider")
@click.argument("url")
@click.option("--kind", required=True, type=click.Choice(rewards.OUTSIDE_KINDS))
@click.option("--recipient", required=True, help="who it is, as members read it, 中文 / English")
@click.option("--contact", required=True, help="where members reach it")
@click.option("--hands-over", required=True, help="what is handed over to it, 中文 / English")
@acting
def add_provider(provider: str, url: str, kind: str, name: str, token: str, reason: str, **told: str) -> None:
    """Set up a provider outside the house that rewards can name; prints its secret once."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        now, vault = clock.now(), house().vault
        secret = rewards.add_provider(tx, vault, _doors(), code=provider, kind=kind, url=url, now=now, **told)
        shown = {"title": told["recipient"], "contact": told["contact"], "hands_over": told["hands_over"]}
        note(tx, by, "provider.added", provider, reason, after={"kind": kind, "url": shown_url(url), **shown})
    click.echo(secret)


@click.command("list")
def list_providers() -> None:
    """Every provider outside the house, a JSON line each."""
    with house().reading() as tx:
        for item in rewards.outside_providers(tx):
            click.echo(json.dumps(asdict(item), ensure_ascii=False))


@click.command("rotate")
@click.argument("provider")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
@acting
def rotate_key(provider: str, overlap_hours: int, name: str, token: str, reason: str) -> None:
    """Make a new secret (printed once); requests are signed with the old one as well for the overlap."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        overlap, now = timedelta(hours=overlap_hours), clock.now()
        before = rewards.provider_keys_end(tx, provider, now=now)
        secret = rewards.rotate_provider_key(tx, house().vault, provider, overlap=overlap, now=now)
        after = {**rewards.provider_keys_end(tx, provider, now=now), "overlap_hours": overlap_hours}
        note(tx, by, "provider.key_rotated", provider, reason, before=before, after=after)
    click.echo(secret)


@click.command("move")
@click.argument("provider")
@click.argument("url")
@acting
def move(provider: str, url: str, name: str, token: str, reason: str) -> None:
    """Reach a provider at another address from now on; its secret stays, and what was ordered is asked about there."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = {item.code: item.url for item in rewards.outside_providers(tx)}.get(provider)
        rewards.move_provider(tx, _doors(), provider, url)
        changed = {"before": {"url": shown_url(before)}, "after": {"url": shown_url(url)}}
        note(tx, by, "provider.moved", provider, reason, **changed)
    click.echo(f"{provider} 已更换地址 moved")


@click.command("retire")
@click.argument("provider")
@acting
def retire(provider: str, name: str, token: str, reason: str) -> None:
    """Order nothing there any more; what was ordered is still asked about."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        rewards.retire_provider(tx, provider, now=clock.now())
        note(tx, by, "provider.retired", provider, reason, before={"retired": False}, after={"retired": True})
    click.echo(f"{provider} 已停用 retired")


@click.command("reconcile")
@click.argument("provider")
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]))
def reconcile(provider: str, day: datetime) -> None:
    """Put a provider's list of a day beside our orders; prints what differs, a JSON line each, and exits with 1."""
    found = house()
    with told_refusals():
        compared = rewards.reconcile_orders(found.reading, found.vault, _doors(), provider, day.date())
    for difference in compared.differences:
        click.echo(json.dumps(asdict(difference), ensure_ascii=False))
    click.echo(f"{compared.listed} listed, {compared.ordered} ordered, {len(compared.differences)} differ", err=True)
    if compared.differences:
        sys.exit(1)


@click.command("stuck")
@click.option("--hours", default=24, show_default=True, type=click.IntRange(1, 8_760), help="sent so long ago")
def stuck(hours: int) -> None:
    """Orders whose outcome the provider does not say, oldest first, a JSON line each; exits with 1 if there are any."""
    with house().reading() as tx:
        found = rewards.stuck_orders(tx, older_than=timedelta(hours=hours), now=clock.now())
    for item in found:
        said: dict[str, object] = {"redemption": str(item.redemption_id), "request_no": item.request_no}
        sent = clock.iso(item.placed_at) if item.placed_at else None
        said |= {"provider": item.provider, "state": item.state, "sent_at": sent}
        said |= {"attempts": item.attempts, "error": item.error}
        click.echo(json.dumps(said, ensure_ascii=False))
    if found:
        sys.exit(1)


@click.command("settle")
@click.argument("redemption", type=click.UUID)
@click.option("--delivered/--not-delivered", "delivered", required=True, default=None)
@click.option("--reference", help="the provider's number for it")
@acting
def settle(redemption: UUID, delivered: bool, reference: str | None, name: str, token: str, reason: str) -> None:
    """Ask to settle an order as its provider said by other means; another operator decides."""
    with deciding(name, token, FINANCE) as (tx, by):
        asked = rewards.request_outcome(
            tx, redemption, delivered=delivered, reference=reference, operator=by, reason=reason, now=clock.now()
        )
    click.echo(str(asked))


@click.command("list")
@click.option("--reward", help="of this reward only")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 1_000))
def list_handovers(reward: str | None, limit: int) -> None:
    """What operators have to carry out themselves, oldest first, a JSON line each."""
    with house().reading() as tx:
        found = rewards.open_handovers(tx, reward=reward, limit=limit)
    for item in found:
        said = {"redemption": str(item.redemption_id), "reward": item.reward, "quantity": item.quantity}
        click.echo(json.dumps(said | {"recorded_at": clock.iso(item.recorded_at)}, ensure_ascii=False))


@click.command("done")
@click.argument("redemption", type=click.UUID)
@acting
def carry_out(redemption: UUID, name: str, token: str, reason: str) -> None:
    """Say that it was carried out; the address it went to, if there was one, is deleted."""
    with deciding(name, token, REVIEWER) as (tx, by):
        rewards.carry_out(tx, redemption, operator=by, reason=reason, now=clock.now())
    click.echo(f"{redemption} 已完成 carried out")


@click.command("recipient")
@click.argument("redemption", type=click.UUID)
@acting
def show_recipient(redemption: UUID, name: str, token: str, reason: str) -> None:
    """Show for whom it is; that it was read stands in the operator log."""
    with deciding(name, token, REVIEWER) as (tx, by):
        vault, now = house().vault, clock.now()
        found = rewards.read_recipient(tx, vault, redemption, operator=by, reason=reason, now=now)
    click.echo(json.dumps(asdict(found) if found else None, ensure_ascii=False))


#: What `flask reward …` and `flask redemption …` say about providers.
OF_REWARDS = (
    click.Group(
        "provider",
        help="Providers of rewards outside the house.",
        commands=(add_provider, list_providers, move, rotate_key, retire),
    ),
    click.Group(
        "handover",
        help="What operators carry out themselves.",
        commands=(list_handovers, carry_out, show_recipient),
    ),
    reconcile,
)
OF_REDEMPTIONS = (stuck, settle)
