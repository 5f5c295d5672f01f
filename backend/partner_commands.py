"""What operators do about partners and their events at a terminal. `cli.py` puts it on its page."""

import json
from datetime import timedelta
from uuid import UUID

import click

from backend import clock, house, partners
from backend.operator_commands import told_refusals
from backend.reconciliation_commands import RECONCILE


@click.command("redrive")
@click.option("--partner", default=None)
@click.option("--event", "event_id", default=None)
def redrive(partner: str | None, event_id: str | None) -> None:
    """Give dead letters another life."""
    with house().transaction() as tx:
        count = partners.redrive(tx, partner=partner, event_id=event_id, now=clock.now())
    click.echo(f"{count} events wait again")


@click.command("rotate-secret")
@click.argument("partner")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
def rotate_secret(partner: str, overlap_hours: int) -> None:
    """Make a new secret (printed once); the old ones go on for the overlap."""
    overlap = timedelta(hours=overlap_hours)
    with told_refusals(), house().transaction() as tx:
        secret = partners.rotate_secret(tx, house().vault, partner, overlap=overlap, now=clock.now())
    click.echo(secret)


@click.command("batch-proof")
@click.argument("batch_id", type=click.UUID)
def batch_proof(batch_id: UUID) -> None:
    """What proves the lines of a batch, as JSON for auditors: signature, digests, and the public key that fits."""
    with told_refusals(), house().transaction() as tx:
        proof = partners.batch_proof(tx, house().vault, batch_id)
    click.echo(json.dumps(proof, indent=1))


PARTNER = click.Group(
    "partner", help="Partners and their events.", commands=(redrive, rotate_secret, batch_proof, RECONCILE)
)
