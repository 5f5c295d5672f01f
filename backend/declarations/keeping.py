"""Photos: taken in, found again, looked at, and deleted when they have done their work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.declarations.errors import PhotoUsed, TooManyPhotos
from backend.declarations.models import Declaration
from backend.declarations.models import DeclarationPhoto as Photo
from backend.declarations.policy import LOOSE_PHOTO, PHOTO_DAYS, PHOTOS_PER_DAY, REFUSED
from backend.errors import NotFound
from backend.identity import SessionEnded
from backend.ids import new_id
from backend.photos import CleanPhoto
from backend.vault import Sealer, Vault

_BANDS = (Photo.band_1, Photo.band_2, Photo.band_3, Photo.band_4)
#: Photos that differ in so many of 64 bits at most are taken for the same one.
_ALIKE_BITS = 3
#: How many photos with a band in common are compared; a blank wall has many.
_COMPARED = 500
_BATCH = 100


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo as its member and reviewers see it, without the picture. `there`: whether the picture still is."""

    id: UUID
    declaration_id: UUID | None
    width: int
    height: int
    size_bytes: int
    taken_at: datetime | None
    uploaded_at: datetime
    there: bool


def require_room(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """Raises TooManyPhotos when the member has uploaded as many as anybody may in a day."""
    since = clock.start_of(clock.day_of(now))
    mine = (Photo.holder_id == holder_id, Photo.uploaded_at >= since)
    if (tx.scalar(select(func.count()).select_from(Photo).where(*mine)) or 0) >= PHOTOS_PER_DAY:
        raise TooManyPhotos(allowed=PHOTOS_PER_DAY)


def keep_photo(tx: Session, vault: Vault, holder_id: UUID, photo: CleanPhoto, *, now: datetime) -> PhotoView:
    """Keep a clean photo of a member; the same photo again is the same photo.

    Raises SessionEnded, TooManyPhotos, and PhotoUsed for one that proved an act and was deleted since.
    """
    if identity.hold_to_forget(tx, holder_id) is not None:
        raise SessionEnded
    content = vault.index("photo", photo.sha256)
    known = tx.scalar(select(Photo).where(Photo.holder_id == holder_id, Photo.content_index == content))
    if known is not None:
        if known.sealed is None:
            raise PhotoUsed
        return _view(known)
    require_room(tx, holder_id, now=now)
    row = Photo(
        holder_id=holder_id,
        id=new_id(),
        content_index=content,
        width=photo.width,
        height=photo.height,
        size_bytes=len(photo.jpeg),
        taken_at=photo.taken_at,
        uploaded_at=now,
        delete_after=now + LOOSE_PHOTO,
    )
    row.band_1, row.band_2, row.band_3, row.band_4 = _bands(photo.likeness)
    row.sealed = identity.person_sealer(tx, vault, holder_id).seal(photo.jpeg, _context(row.id))
    tx.add(row)
    tx.flush()
    return _view(row)


def received(tx: Session, holder_id: UUID, photo_ids: Sequence[UUID]) -> list[datetime]:
    """When the house received these photos of a member; those that are not there are left out."""
    mine = (Photo.holder_id == holder_id, Photo.id.in_(photo_ids))
    return list(tx.scalars(select(Photo.uploaded_at).where(*mine)))


def attach(tx: Session, holder_id: UUID, photo_ids: Sequence[UUID], declaration_id: UUID) -> None:
    """Let these photos prove this declaration, and no other. Raises NotFound, PhotoUsed."""
    mine = (Photo.holder_id == holder_id, Photo.id.in_(photo_ids))
    rows = list(tx.scalars(select(Photo).where(*mine).order_by(Photo.id).with_for_update()))
    if len(rows) < len(set(photo_ids)) or any(row.sealed is None for row in rows):
        raise NotFound("photo_ids")
    for row in rows:
        if row.declaration_id is not None and not _spare(tx.get_one(Declaration, (holder_id, row.declaration_id))):
            raise PhotoUsed
        row.declaration_id, row.delete_after = declaration_id, None
    tx.flush()


def _spare(declaration: Declaration) -> bool:
    """Whether its photos may prove another act: it was refused by rule, at once, and nobody asked for more."""
    ruled = declaration.decided_by is None and declaration.appealed_at is None
    return declaration.state == REFUSED and ruled


def detach(tx: Session, holder_id: UUID, declaration_id: UUID, *, now: datetime) -> None:
    """The declaration is withdrawn: its photos may prove another act, for as long as photos wait for one."""
    mine = (Photo.holder_id == holder_id, Photo.declaration_id == declaration_id)
    loose = update(Photo).where(*mine).values(declaration_id=None, delete_after=now + LOOSE_PHOTO)
    tx.execute(loose.execution_options(synchronize_session=False))


def let_go(tx: Session, holder_id: UUID, declaration_id: UUID, *, after: datetime | None) -> None:
    """Delete the photos of a declaration after an instant; None keeps them for an appeal."""
    mine = (Photo.holder_id == holder_id, Photo.declaration_id == declaration_id)
    tx.execute(update(Photo).where(*mine).values(delete_after=after).execution_options(synchronize_session=False))


def decided(now: datetime) -> datetime:
    """Until when the photos of what was decided now are kept."""
    return now + timedelta(days=PHOTO_DAYS)


def delete_photos(tx: Session, *, now: datetime) -> int:
    """Delete pictures whose time has come; those that never proved anything leave nothing. Returns how many."""
    due = select(Photo.holder_id, Photo.id, Photo.declaration_id)
    due = due.where(Photo.sealed.is_not(None), Photo.delete_after <= now).order_by(Photo.delete_after).limit(_BATCH)
    rows = tx.execute(due.with_for_update(skip_locked=True)).all()
    for row in rows:
        this = (Photo.holder_id == row.holder_id, Photo.id == row.id)
        if row.declaration_id is None:
            tx.execute(delete(Photo).where(*this))
        else:
            tx.execute(update(Photo).where(*this).values(sealed=None, deleted_at=now))
    return len(rows)


def forget_photos(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """A member is forgotten: no picture of theirs is left; what proved an act is still recognised, by nobody's name."""
    mine = Photo.holder_id == holder_id
    tx.execute(delete(Photo).where(mine, Photo.declaration_id.is_(None)))
    gone = update(Photo).where(mine, Photo.sealed.is_not(None)).values(sealed=None, deleted_at=now, taken_at=None)
    tx.execute(gone.execution_options(synchronize_session=False))


def photos_of(tx: Session, holder_id: UUID, declaration_ids: Sequence[UUID]) -> dict[UUID, list[PhotoView]]:
    """Declaration → its photos, the first uploaded first."""
    mine = (Photo.holder_id == holder_id, Photo.declaration_id.in_(declaration_ids))
    found: dict[UUID, list[PhotoView]] = {declaration_id: [] for declaration_id in declaration_ids}
    for row in tx.scalars(select(Photo).where(*mine).order_by(Photo.id)):
        assert row.declaration_id is not None
        found[row.declaration_id].append(_view(row))
    return found


def picture(tx: Session, vault: Vault, holder_id: UUID, photo_id: UUID) -> bytes:
    """The JPEG. Raises NotFound when there is none, or no more."""
    row = tx.get(Photo, (holder_id, photo_id))
    if row is None or row.sealed is None:
        raise NotFound
    return open_picture(identity.person_sealer(tx, vault, holder_id), row)


def open_picture(sealer: Sealer, row: Photo) -> bytes:
    """The JPEG of a row that still has it."""
    assert row.sealed is not None
    return sealer.open(row.sealed, _context(row.id))


def lookalikes(tx: Session, holder_id: UUID, photo_id: UUID) -> list[PhotoView]:
    """Other photos that once proved something and show the same, whoever's they are; also deleted ones."""
    mine = tx.get_one(Photo, (holder_id, photo_id))
    bits = [getattr(mine, band.key) for band in _BANDS]
    shared = or_(*(band == value for band, value in zip(_BANDS, bits, strict=True)))
    query = select(Photo).where(shared, Photo.declaration_id.is_not(None), Photo.id != photo_id)
    found = []
    for row in tx.scalars(query.order_by(Photo.id.desc()).limit(_COMPARED)):
        pairs = zip(_BANDS, bits, strict=True)
        if sum((getattr(row, band.key) ^ value).bit_count() for band, value in pairs) <= _ALIKE_BITS:
            found.append(_view(row))
    return found


def _bands(likeness: bytes) -> list[int]:
    return [int.from_bytes(likeness[at : at + 2], "big") for at in range(0, 8, 2)]


def _context(photo_id: UUID) -> bytes:
    return b"declaration photo:" + photo_id.bytes


def _view(row: Photo) -> PhotoView:
    return PhotoView(
        row.id,
        row.declaration_id,
        row.width,
        row.height,
        row.size_bytes,
        row.taken_at,
        row.uploaded_at,
        row.sealed is not None,
    )
