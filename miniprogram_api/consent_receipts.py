"""Receipts of consents: what was agreed to, in the words that were shown, and what withdrawing does."""

from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

from backend import identity
from backend.bilingual import halves
from backend.errors import NotFound
from backend.identity import CONSENT_TEXTS, SOURCES
from miniprogram_api.caller import house, member
from miniprogram_api.consent_choices import choices
from miniprogram_api.consents import ConsentSchema, ConsentTextSchema, consent_as_json, wording_as_json
from miniprogram_api.fields import Instant, bilingual
from miniprogram_api.resource import Resource

resource = Resource("consent_receipts", __name__, description="授权凭据 / Consent receipts")

#: How many of its last changes a receipt shows.
MOST_CHANGES = 100


class WithdrawalSchema(Schema):
    """What withdrawing does to data to come, to data already here, and to points already earned."""

    future_data = bilingual()
    stored_data = bilingual()
    points_earned = bilingual()


class ConsentDecisionSchema(Schema):
    """One change: granted or withdrawn, under which wording of which purpose. `source`: the member's own hand or their
    guardian's, a permission taken back in WeChat, the deletion of the account, the member stating to be under fourteen
    (`age`), or the end of the guardianship (`guardian_left`).
    """

    granted = fields.Boolean(required=True)
    text_version = fields.String(required=True)
    purpose_version = fields.String(required=True)
    source = fields.String(required=True, metadata={"enum": SOURCES})
    changed_at = Instant(required=True)


class ConsentReceiptSchema(ConsentSchema):
    """授权凭据: what was agreed to, in the words that were shown, and what became of it (newest change first)."""

    text = fields.Nested(ConsentTextSchema, required=True)
    collected = bilingual()
    collected_from = bilingual()
    given_to = bilingual()
    purpose = bilingual()
    legal_ground = bilingual()
    on_withdrawal = fields.Nested(WithdrawalSchema, required=True)
    records_kept = bilingual()
    changes = fields.List(
        fields.Nested(ConsentDecisionSchema), required=True, metadata={"description": f"the last {MOST_CHANGES}"}
    )


@resource.operation("GET", "/me/consents/<partner>/<scene>/receipt", answers=ConsentReceiptSchema, refuses=(NotFound,))
def consent_receipt(partner: str, scene: str) -> dict[str, Any]:
    """What I agreed to, and what withdrawing does

    Withdrawing takes the same call as granting. NOT_FOUND where the member never decided.
    """
    return receipt_about(member().holder_id, partner, scene)


def receipt_about(holder_id: UUID, partner: str, scene: str) -> dict[str, Any]:
    """What was agreed to for a person, and what became of it. NotFound where nobody ever decided."""
    with house().transaction() as tx:
        choice = choices(tx).get((partner, scene))
        if choice is None:
            raise NotFound
        changes = identity.consent_changes(tx, holder_id, partner, scene, limit=MOST_CHANGES)
        standing = {(row.partner, row.scene): row for row in identity.consents_of(tx, holder_id)}
    if not changes:
        raise NotFound
    # A withdrawal agrees to nothing: the words shown are those last agreed to.
    agreed = next((change for change in changes if change.granted), changes[0])
    text = CONSENT_TEXTS[agreed.text_version]
    purpose = text.purpose
    return consent_as_json(choice, standing[partner, scene]) | {
        "text": wording_as_json(text, for_guardian=agreed.decided_by != holder_id),
        **choice.passed(purpose),
        "legal_ground": halves(purpose.legal_ground),
        "on_withdrawal": {
            "future_data": halves(purpose.future_data),
            "stored_data": halves(purpose.stored_data),
            "points_earned": halves(purpose.points_earned),
        },
        "records_kept": halves(purpose.records),
        "changes": [
            {
                "granted": change.granted,
                "text_version": change.text_version,
                "purpose_version": CONSENT_TEXTS[change.text_version].purpose.version,
                "source": change.source,
                "changed_at": change.changed_at,
            }
            for change in changes
        ],
    }
