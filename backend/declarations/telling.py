"""How declarations are told: to their member, and to reviewers, who see what was done and never by whom."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import activities, clock, identity
from backend.declarations import keeping, odometer, settling
from backend.declarations.keeping import PhotoView
from backend.declarations.models import Declaration
from backend.declarations.policy import APPEAL_DAYS, IN_APPEAL, IN_REVIEW, REFUSED
from backend.errors import NotFound
from backend.vault import Vault

#: Between these hours of Shanghai a reviewer looks twice: few trips are made, and no metro runs.
_NIGHT = range(1, 5)


def view(row: Declaration, photos: Sequence[PhotoView]) -> dict[str, Any]:
    """A declaration as its member sees it, ready to be written as JSON."""
    ends = row.decided_at + timedelta(days=APPEAL_DAYS) if row.decided_at else None
    appealable = row.state == REFUSED and row.appealed_at is None and row.sealed is not None
    return {
        "id": str(row.id),
        "programme": row.programme,
        "methodology": row.methodology,
        "title": activities.methodology_title(row.methodology),
        "day": row.day.isoformat(),
        "occurred_at": clock.iso(row.occurred_at),
        "started_at": clock.iso(row.started_at) if row.started_at else None,
        "ended_at": clock.iso(row.ended_at) if row.ended_at else None,
        "grade": row.grade,
        "expected_reduction_g": row.expected_g,
        "expected_points": row.expected_points,
        "state": row.state,
        "reason": activities.sentence(row.reason) if row.state in (REFUSED, IN_APPEAL) else None,
        "told": row.told,
        "activity_id": str(row.activity_id) if row.activity_id else None,
        "declared_at": clock.iso(row.declared_at),
        "decided_at": clock.iso(row.decided_at) if row.decided_at else None,
        "appealed_at": clock.iso(row.appealed_at) if row.appealed_at else None,
        "appeal_decided_at": clock.iso(row.appeal_decided_at) if row.appeal_decided_at else None,
        "appeal_until": clock.iso(ends) if ends and appealable else None,
        "photos": [photo_view(photo) for photo in photos],
    }


def photo_view(photo: PhotoView) -> dict[str, Any]:
    """A photo as its member sees it, without the picture."""
    return {
        "id": str(photo.id),
        "width": photo.width,
        "height": photo.height,
        "size_bytes": photo.size_bytes,
        "taken_at": clock.iso(photo.taken_at) if photo.taken_at else None,
        "uploaded_at": clock.iso(photo.uploaded_at),
        "deleted": not photo.there,
    }


def declarations_of(
    tx: Session, holder_id: UUID, *, programme: str | None = None, before: UUID | None = None, limit: int = 20
) -> list[dict[str, Any]]:
    """A member's declarations, newest first; `before` is the id of the last one already seen."""
    query = select(Declaration).where(Declaration.holder_id == holder_id)
    if programme is not None:
        query = query.where(Declaration.programme == programme)
    if before is not None:
        query = query.where(Declaration.id < before)
    rows = list(tx.scalars(query.order_by(Declaration.id.desc()).limit(limit)))
    photos = keeping.photos_of(tx, holder_id, [row.id for row in rows]) if rows else {}
    return [view(row, photos[row.id]) for row in rows]


def declaration_of(tx: Session, holder_id: UUID, declaration_id: UUID) -> dict[str, Any]:
    """One declaration of this member. Raises NotFound."""
    row = tx.get(Declaration, (holder_id, declaration_id))
    if row is None:
        raise NotFound
    return view(row, keeping.photos_of(tx, holder_id, [row.id])[row.id])


def waiting(tx: Session, *, programme: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """What waits for a reviewer, appeals first, then those that have waited longest."""
    query = select(Declaration).where(Declaration.state.in_((IN_REVIEW, IN_APPEAL)))
    if programme is not None:
        query = query.where(Declaration.programme == programme)
    order = ((Declaration.state == IN_APPEAL).desc(), Declaration.declared_at, Declaration.id)
    found = []
    for row in tx.scalars(query.order_by(*order).limit(limit)):
        photos = keeping.photos_of(tx, row.holder_id, [row.id])[row.id]
        said = {name: getattr(row, name) for name in ("programme", "methodology", "state", "grade", "expected_g")}
        said |= {"day": row.day.isoformat(), "declared_at": clock.iso(row.declared_at), "photos": len(photos)}
        found.append({"id": str(row.id), **said, "flags": flags(tx, row, photos)})
    return found


def in_full(tx: Session, vault: Vault, declaration_id: UUID) -> dict[str, Any]:
    """Everything a reviewer needs to decide: what is said, what the photos are, what stands out. No name, no account.

    Raises NotFound, also once the member was forgotten.
    """
    row = find(tx, declaration_id)
    if row.sealed is None:
        raise NotFound
    sealer = identity.person_sealer(tx, vault, row.holder_id)
    photos = keeping.photos_of(tx, row.holder_id, [row.id])[row.id]
    appeal = row.sealed_appeal and sealer.open(row.sealed_appeal, appeal_context(row.id)).decode()
    return view(row, photos) | {
        "says": asdict(settling.content_of(sealer, row)),
        "appeal": appeal,
        "flags": flags(tx, row, photos),
        "earlier": _earlier(tx, row),
    }


def flags(tx: Session, row: Declaration, photos: Sequence[PhotoView]) -> list[str]:
    """What a reviewer should look at twice."""
    found = []
    begun = row.occurred_at.astimezone(clock.SHANGHAI)
    if row.started_at is not None and begun.hour in _NIGHT:
        found.append("NIGHT")
    for photo in photos:
        if keeping.lookalikes(tx, row.holder_id, photo.id):
            found.append(f"PHOTO_SEEN_BEFORE:{photo.id}")
        if photo.taken_at is not None and clock.day_of(photo.taken_at) != _expected_on(row, photo):
            found.append(f"PHOTO_OF_ANOTHER_DAY:{photo.id}")
    return found


def _expected_on(row: Declaration, photo: PhotoView) -> date:
    """The day a photo should be of: that of the act, and of an odometer that on which the photo arrived."""
    return clock.day_of(photo.uploaded_at) if row.methodology == odometer.METHODOLOGY else row.day


def _earlier(tx: Session, row: Declaration) -> dict[str, int]:
    """How many other declarations of the same member stand in which state."""
    others = (Declaration.holder_id == row.holder_id, Declaration.id != row.id)
    counted = select(Declaration.state, func.count().label("number")).where(*others).group_by(Declaration.state)
    return {row.state: row.number for row in tx.execute(counted)}


def find(tx: Session, declaration_id: UUID) -> Declaration:
    """A declaration of which only the id is known: for reviewers. Raises NotFound."""
    row = tx.scalar(select(Declaration).where(Declaration.id == declaration_id))
    if row is None:
        raise NotFound
    return row


def appeal_context(declaration_id: UUID) -> bytes:
    """What the sealed words of an appeal are bound to."""
    return b"declaration appeal:" + declaration_id.bytes
