"""What operators do about partners and their events at a terminal."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from backend import clock, house, identity, partners
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.commands.reconciliation import RECONCILE
from backend.identity import ADMINISTRATOR, OperatorView
from backend.link_tickets import PARTNER_CODE


def _partner_code(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
    """A code that can stand in an address: it never changes, because everything is kept under it."""
    if not PARTNER_CODE.fullmatch(text):
        raise click.BadParameter("1 to 32 small letters, digits, - and _ are needed, a letter or digit first")
    return text


@click.command("redrive")
@click.option("--partner", default=None)
@click.option("--event", "event_id", default=None)
@acting
def redrive(partner: str | None, event_id: str | None, name: str, token: str, reason: str) -> None:
    """Give dead letters another life."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        count = partners.redrive(tx, partner=partner, event_id=event_id, now=clock.now())
        subject = " ".join([partner or "every partner", *([event_id] if event_id else [])])
        note(tx, by, "partner.redriven", subject, reason, before={"dead": count}, after={"waiting": count})
    click.echo(f"{count} events wait again")


@click.command("add")
@click.argument("partner", callback=_partner_code)
@click.option("--adapter", required=True, type=click.Choice(sorted(partners.ADAPTERS)), help="which events it sends")
@click.option("--title", required=True, help="what members call it")
@click.option("--return-days", default=0, show_default=True, type=click.IntRange(0, 365), help="how long it takes back")
@click.option("--programme", default=None, help="an office or school system, under this programme's agreement")
@click.option("--keeps-claims-from", type=click.DateTime(["%Y-%m-%d"]), help="from this day it books reductions itself")
@acting
def add(partner: str, keeps_claims_from: datetime | None, name: str, token: str, reason: str, **settings: Any) -> None:
    """Set up a platform that sends events; prints its secret once."""
    keeps = keeps_claims_from.date() if keeps_claims_from else None
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        if settings["programme"] is not None:
            identity.require_programme(tx, settings["programme"])
        partners.add_partner(tx, code=partner, keeps_claims_from=keeps, **settings)
        secret = partners.rotate_secret(tx, house().vault, partner, overlap=timedelta(0), now=clock.now())
        after = {**settings, "keeps_claims_from": keeps, "active": True, "keys": _keys(tx, partner)}
        note(tx, by, "partner.added", partner, reason, after=after)
    click.echo(secret)


@click.command("deactivate")
@click.argument("partner")
@acting
def deactivate(partner: str, name: str, token: str, reason: str) -> None:
    """Refuse whatever a platform sends from now on; what it sent before waits."""
    _set_active(partner, False, name, token, reason)
    click.echo(f"{partner} 已停用 deactivated")


@click.command("activate")
@click.argument("partner")
@acting
def activate(partner: str, name: str, token: str, reason: str) -> None:
    """Take in what a platform sends again, and settle what has waited."""
    _set_active(partner, True, name, token, reason)
    click.echo(f"{partner} 已启用 activated")


def _set_active(partner: str, active: bool, name: str, token: str, reason: str) -> None:
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        was = partners.set_active(tx, partner, active)
        done = "partner.activated" if active else "partner.deactivated"
        note(tx, by, done, partner, reason, before={"active": was}, after={"active": active})


def _keys(tx: Session, partner: str) -> list[dict[str, Any]]:
    """The keys in force, as the log may hold them: an id, and never a secret."""
    return [key.as_json() for key in partners.keys_in_force(tx, house().vault, partner, now=clock.now())]


@click.command("list")
def list_partners() -> None:
    """Every platform with its keys in force, when they end, and its events by state."""
    now = clock.now()
    with house().reading() as tx:
        found = partners.partners(tx, house().vault)
        counts = partners.inbox_state(tx).counts
        keys = {code: partners.keys_in_force(tx, house().vault, code, now=now) for code in found}
    rows = [("partner", "adapter", "active", "return days", "keys", "events")]
    for code, setup in found.items():
        events = " ".join(f"{state}={count}" for (partner, state), count in sorted(counts.items()) if partner == code)
        active = "yes" if setup.active else "no"
        said = ", ".join(_key(key) for key in keys[code]) or "none"
        rows.append((code, setup.adapter.name, active, str(setup.return_days), said, events))
    click.echo("\n".join(aligned(rows)))


def _key(key: partners.KeyView) -> str:
    until = f" until {clock.iso(key.valid_until)}" if key.valid_until else ""
    return f"{key.kind} {key.id}{until}"


@click.command("add-key")
@click.argument("partner")
@click.argument("public_key")
@acting
def add_key(partner: str, public_key: str, name: str, token: str, reason: str) -> None:
    """Register the public key (whpk_…) that a platform sent you; its other keys go on."""
    if not public_key.startswith("whpk_"):
        raise click.BadParameter("whpk_… is needed; secrets are made here and shown to the partner once")
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = _keys(tx, partner)
        key = partners.add_key(tx, house().vault, partner, public_key, now=clock.now())
        _note_keys(tx, by, "partner.key_added", f"{partner} {key.id}", reason, before)
    click.echo(key.id)


@click.command("end-key")
@click.argument("partner")
@click.argument("key")
@acting
def end_key(partner: str, key: str, name: str, token: str, reason: str) -> None:
    """End a key at once, by the id that `flask partner list` shows."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = _keys(tx, partner)
        partners.end_key(tx, house().vault, partner, key, now=clock.now())
        _note_keys(tx, by, "partner.key_ended", f"{partner} {key}", reason, before)
    click.echo(f"{key} 已失效 ended")


def _note_keys(
    tx: Session, by: OperatorView, action: str, subject: str, reason: str, before: list[dict[str, Any]]
) -> None:
    after = _keys(tx, subject.split()[0])
    note(tx, by, action, subject, reason, before={"keys": before}, after={"keys": after})


@click.command("rotate-secret")
@click.argument("partner")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
@acting
def rotate_secret(partner: str, overlap_hours: int, name: str, token: str, reason: str) -> None:
    """Make a new secret (printed once); the old ones go on for the overlap."""
    overlap = timedelta(hours=overlap_hours)
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = _keys(tx, partner)
        secret = partners.rotate_secret(tx, house().vault, partner, overlap=overlap, now=clock.now())
        _note_keys(tx, by, "partner.secret_rotated", partner, reason, before)
    click.echo(secret)


@click.command("batch-proof")
@click.argument("batch_id", type=click.UUID)
def batch_proof(batch_id: UUID) -> None:
    """What proves the lines of a batch, as JSON for auditors: signature, digests, and the public key that fits."""
    with told_refusals(), house().reading() as tx:
        proof = partners.batch_proof(tx, house().vault, batch_id)
    click.echo(json.dumps(proof, indent=1))


PARTNER = click.Group(
    "partner",
    help="Partners and their events.",
    commands=(
        *(add, list_partners, activate, deactivate, rotate_secret, add_key, end_key),
        *(redrive, batch_proof, RECONCILE),
    ),
)
