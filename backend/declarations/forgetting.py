"""Forgetting a member, and handing out what is held about them."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import identity
from backend.declarations import keeping, settling, telling
from backend.declarations.models import Declaration, DeclarationPhoto
from backend.declarations.policy import IN_APPEAL, IN_REVIEW, REFUSED, WITHDRAWN
from backend.holdings import Held, held_rows
from backend.vault import Vault


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """End what waits, and erase what was said and shown. Comes in the transaction that destroys the person's key."""
    mine = select(Declaration).where(Declaration.holder_id == holder_id).order_by(Declaration.id)
    for row in tx.scalars(mine.with_for_update()):
        if row.state == IN_REVIEW:
            row.state = WITHDRAWN
        elif row.state == IN_APPEAL:
            row.state, row.appeal_decided_at = REFUSED, now
        row.sealed = row.sealed_appeal = row.told = None
    tx.flush()
    keeping.forget_photos(tx, holder_id, now=now)


def holdings(tx: Session, vault: Vault, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, with what is sealed in clear; a picture by its SHA-256, and where it is."""
    return {
        Declaration.__tablename__: _declarations(tx, vault, holder_id),
        DeclarationPhoto.__tablename__: _photos(tx, vault, holder_id),
    }


def _declarations(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    sealer = identity.person_sealer(tx, vault, holder_id)
    hidden = ("sealed", "sealed_appeal", "decided_by", "appeal_decided_by")
    for said in held_rows(tx, Declaration, holder_id, without=hidden):
        row = tx.get_one(Declaration, (holder_id, UUID(said["id"])))
        appeal = row.sealed_appeal and sealer.open(row.sealed_appeal, telling.appeal_context(row.id)).decode()
        content = {} if row.sealed is None else asdict(settling.content_of(sealer, row))
        yield said | json.loads(json.dumps(content)) | {"appeal": appeal}


def _photos(tx: Session, vault: Vault, holder_id: UUID) -> Held:
    sealer = identity.person_sealer(tx, vault, holder_id)
    hidden = ("sealed", "content_index", "band_1", "band_2", "band_3", "band_4")
    for said in held_rows(tx, DeclarationPhoto, holder_id, without=hidden):
        row = tx.get_one(DeclarationPhoto, (holder_id, UUID(said["id"])))
        if row.sealed is not None:
            said["picture"] = f"/api/v1/photos/{row.id}"
            said["picture_sha256"] = hashlib.sha256(keeping.open_picture(sealer, row)).hexdigest()
        tx.expunge(row)  # one picture in memory at a time
        yield said
