"""What identity holds about a person, as it is handed out."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.holdings import Held, held_rows
from backend.identity.agreements.models import AccountReference
from backend.identity.links import CONTEXT
from backend.identity.merging.models import MergeProposal, PersonMerge
from backend.identity.models import (
    AccountSteward,
    Consent,
    ConsentChange,
    Enrolment,
    Guardianship,
    Holder,
    LinkCode,
    LoginSession,
    Minor,
    PartnerLink,
    PersonIdentity,
)
from backend.identity.persons import identity_context, person_sealer
from backend.identity.public_names.models import NameToCheck
from backend.identity.roster.members import staff_rows
from backend.vault import Vault


def holdings(tx: Session, vault: Vault, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this person; sealed values are opened, digests and look-up keys left out."""
    return {
        "holders": held_rows(tx, Holder, holder_id),
        "person_identities": _identities(tx, vault, holder_id),
        "enrolments": held_rows(tx, Enrolment, holder_id),
        "login_sessions": held_rows(tx, LoginSession, holder_id, without=("refresh_digest", "previous_digest")),
        "partner_links": _links(tx, vault, holder_id),
        "link_codes": held_rows(tx, LinkCode, holder_id, without=("digest",)),
        "consents": held_rows(tx, Consent, holder_id, without=("decided_by",)),
        "consent_changes": held_rows(tx, ConsentChange, holder_id, without=("decided_by",)),
        "minors": held_rows(tx, Minor, holder_id),
        "guardianships": _guardianships(tx, holder_id),
        "account_stewards": _stewardships(tx, holder_id),
        "account_references": held_rows(tx, AccountReference, holder_id, without=("reference_index",)),
        "staff_members": staff_rows(tx, vault, holder_id),
        "person_merges": held_rows(tx, PersonMerge, holder_id, without=("approval_id", "ended_by")),
        "names_to_check": held_rows(tx, NameToCheck, holder_id),
        "merge_proposals": held_rows(tx, MergeProposal, holder_id, without=("other_id",)),
    }


def _identities(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    sealer = person_sealer(tx, vault, holder_id)
    query = select(PersonIdentity).where(PersonIdentity.holder_id == holder_id)
    for row in tx.scalars(query.order_by(PersonIdentity.kind, PersonIdentity.value_index)):
        value = sealer.open(row.sealed_value, identity_context(row.kind)).decode()
        yield {"kind": row.kind, "value": value, "recognised_at": clock.iso(row.recognised_at)}


def _guardianships(tx: Session, holder_id: UUID) -> Held:
    """The person's own guardianship and those they have; who the other one is, is told to neither."""
    sides = (("ward", Guardianship.holder_id), ("guardian", Guardianship.guardian_id))
    for role, column in sides:
        for since in tx.scalars(select(Guardianship.since).where(column == holder_id).order_by(Guardianship.since)):
            yield {"role": role, "since": clock.iso(since)}


def _stewardships(tx: Session, holder_id: UUID) -> Held:
    """The class accounts this person acts or acted for."""
    query = select(AccountSteward).where(AccountSteward.person_id == holder_id)
    for row in tx.scalars(query.order_by(AccountSteward.holder_id)):
        until = clock.iso(row.until) if row.until else None
        yield {"account_id": str(row.holder_id), "since": clock.iso(row.since), "until": until}


def _links(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    sealer = person_sealer(tx, vault, holder_id)
    for row in tx.scalars(select(PartnerLink).where(PartnerLink.holder_id == holder_id).order_by(PartnerLink.id)):
        yield {
            "id": str(row.id),
            "partner": row.partner,
            "user_ref": sealer.open(row.sealed_user_ref, CONTEXT).decode(),
            "programme": row.programme,
            "linked_at": clock.iso(row.linked_at),
            "ended_at": clock.iso(row.ended_at) if row.ended_at else None,
        }
