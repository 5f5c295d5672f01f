"""Everything held about the member, as a signed statement that another platform can verify offline."""

from itertools import chain
from typing import Any
from uuid import UUID

from flask import Response
from marshmallow import Schema, fields

from backend import (
    activities,
    campaigns,
    clock,
    database,
    declarations,
    forest,
    identity,
    learning,
    ledger,
    member_messages,
    partners,
    points,
    rewards,
    school,
    steps,
    sync,
)
from backend.holdings import LEFT_OUT, Held
from backend.signed_statements import SignedStatement
from backend.vault import Vault
from miniprogram_api.caller import house, member
from miniprogram_api.fields import Instant
from miniprogram_api.resource import Resource

resource = Resource("export", __name__, description="个人数据导出 / Export of personal data")

SCHEMA = "carbon-inclusion/personal-data/1"


class SignatureSchema(Schema):
    """`value`: base64 of the ed25519 signature over `carbon-inclusion:statement:v1:` and `sha256`."""

    algorithm = fields.String(required=True, metadata={"enum": ["Ed25519"]})
    key_id = fields.String(required=True, metadata={"description": "`kid` in /.well-known/jwks.json"})
    sha256 = fields.String(required=True, metadata={"description": "of the canonical statement, hexadecimal"})
    value = fields.String(required=True)


class StatementSchema(Schema):
    """Canonical JSON. `sections`: table → rows, oldest first, with sealed values opened."""

    holder_id = fields.UUID(required=True)
    left_out = fields.Dict(
        keys=fields.String(), values=fields.String(), required=True, metadata={"description": "表 table → 原因 why"}
    )
    made_at = Instant(required=True)
    schema = fields.String(required=True, metadata={"enum": [SCHEMA]})
    sections = fields.Dict(keys=fields.String(), values=fields.List(fields.Dict(keys=fields.String())), required=True)


class ExportSchema(Schema):
    """A statement and the signature that vouches for it."""

    signature = fields.Nested(SignatureSchema, required=True)
    statement = fields.Nested(StatementSchema, required=True)


@resource.operation("GET", "/me/export", answers=ExportSchema)
def export() -> Response:
    """Everything you hold about me, signed

    A file of canonical JSON, of one moment; also of who was merged with the member. Verify it offline with the key of
    `/.well-known/jwks.json`.
    """
    holder_id, vault = member().holder_id, house().vault
    facts: dict[str, Any] = {
        "holder_id": str(holder_id),
        "left_out": LEFT_OUT,
        "made_at": clock.iso(clock.now()),
        "schema": SCHEMA,
    }
    with house().transaction() as tx:
        database.read_one_moment(tx)
        holders = [_sections(tx, vault, one) for one in identity.merging.holders_of(tx, holder_id)]
        sections = {table: chain(*(held[table] for held in holders)) for table in holders[0]}
        statement = SignedStatement(vault.statement_key, facts, sections)
    response = Response(statement.chunks(), content_type="application/json")
    response.content_length = statement.size_bytes
    response.headers["Content-Disposition"] = f'attachment; filename="carbon-inclusion-{holder_id}.json"'
    return response


def _sections(tx: Any, vault: Vault, holder_id: UUID) -> dict[str, Held]:
    """Every table with its rows about one holder of the member."""
    sections = identity.holdings(tx, vault, holder_id) | ledger.holdings(tx, holder_id)
    sections |= activities.holdings(tx, holder_id) | points.holdings(tx, holder_id)
    sections |= partners.holdings(tx, vault, holder_id) | sync.holdings(tx, holder_id)
    sections |= rewards.holdings(tx, vault, holder_id) | declarations.holdings(tx, vault, holder_id)
    sections |= learning.holdings(tx, holder_id) | campaigns.holdings(tx, holder_id)
    sections |= steps.holdings(tx, holder_id) | forest.holdings(tx, holder_id)
    sections |= campaigns.car_free.holdings(tx, holder_id) | campaigns.awards.holdings(tx, holder_id)
    sections |= campaigns.challenges.holdings(tx, holder_id)
    return sections | member_messages.holdings(tx, holder_id) | school.holdings(tx, holder_id)
