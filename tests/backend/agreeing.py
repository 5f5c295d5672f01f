"""Links and consents of many partners in one statement per table: the rows that the public verbs write one by one.

Most tests need members who are linked everywhere and agree to everything, and none of it is what they test. That the
rows are the same is shown in `test_agreeing.py`.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import identity
from backend.identity.consent import MEMBER
from backend.identity.links import CONTEXT
from backend.identity.models import Consent, ConsentChange, PartnerLink
from backend.identity.persons import person_sealer
from backend.ids import new_id
from backend.lists import insert_rows
from backend.vault import Vault


def link_everywhere(
    tx: Session, vault: Vault, holder: UUID, user_ref: str, partners: Collection[str], *, programme: str, now: datetime
) -> None:
    """What `identity.link_partner_user` writes for a member with an account in the programme."""
    open_links = select(PartnerLink.partner).where(PartnerLink.holder_id == holder, PartnerLink.ended_at.is_(None))
    linked, sealer = set(tx.scalars(open_links)), person_sealer(tx, vault, holder)
    rows = [
        {
            "id": new_id(),
            "holder_id": holder,
            "partner": partner,
            "user_ref_index": identity.user_ref_index(vault, partner, user_ref),
            "sealed_user_ref": sealer.seal(user_ref.encode(), CONTEXT),
            "programme": programme,
            "linked_at": now,
        }
        for partner in partners
        if partner not in linked
    ]
    insert_rows(tx, PartnerLink, rows)


def agree_to_all(tx: Session, holder: UUID, wanted: Collection[tuple[str, str]], *, now: datetime) -> None:
    """What `identity.set_consent` writes for a grown-up who agrees to each (partner, scene) and withdrew from none.

    Not for `identity.SHARING`, which is announced."""
    standing = {(one.partner, one.scene) for one in identity.consents_of(tx, holder) if one.granted}
    text = identity.current_consent_text()
    decisions = [
        {
            "holder_id": holder,
            "partner": partner,
            "scene": scene,
            "granted": True,
            "text_version": text.version,
            "decided_by": holder,
            "changed_at": now,
        }
        for partner, scene in wanted
        if (partner, scene) not in standing
    ]
    counts_from = now - timedelta(days=text.look_back_days)
    insert_rows(tx, Consent, [decision | {"counts_from": counts_from} for decision in decisions])
    insert_rows(tx, ConsentChange, [{"id": new_id(), "source": MEMBER} | decision for decision in decisions])
