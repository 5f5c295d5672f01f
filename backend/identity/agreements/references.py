"""What a source that rests on an agreement calls an account: kept as a keyed index, found by the day of the act."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, LargeBinary, Text, or_, select
from sqlalchemy.orm import Session

from backend.identity.agreements.models import AccountReference
from backend.identity.errors import NotEnrolled, ReferenceTaken
from backend.identity.links import Receiver
from backend.identity.models import Enrolment, PersonKey
from backend.lists import Columns, recordset
from backend.vault import Vault

#: Programme, keyed index of the reference, day of the act.
Referred = tuple[str, bytes, date]


def reference_index(vault: Vault, programme: str, reference: str) -> bytes:
    """The keyed index an account of this programme is found by. Blanks around a reference do not count."""
    return vault.index("account reference", programme, reference.strip())


def name_account(
    tx: Session, vault: Vault, holder_id: UUID, programme: str, reference: str, *, since: date, now: datetime
) -> None:
    """From this day on sources call the holder's account so. The same again is the same.

    Raises NotEnrolled without an account in the programme, ReferenceTaken while it names somebody else's.
    """
    if tx.get(Enrolment, (holder_id, programme)) is None:
        raise NotEnrolled(programme=programme)
    index = reference_index(vault, programme, reference)
    standing = _standing(tx, programme, index, since)
    if standing is not None:
        if standing.holder_id != holder_id:
            raise ReferenceTaken(programme=programme)
        return
    row = AccountReference(programme=programme, reference_index=index, since=since, holder_id=holder_id, named_at=now)
    tx.add(row)
    tx.flush()


def end_reference(tx: Session, vault: Vault, programme: str, reference: str, *, last_day: date) -> None:
    """The reference names its account for acts up to this day, and nobody's afterwards. Nothing where it names none."""
    standing = _standing(tx, programme, reference_index(vault, programme, reference), last_day)
    if standing is not None:
        standing.until = max(last_day, standing.since)
        tx.flush()


def name_for_days(
    tx: Session,
    vault: Vault,
    holder_id: UUID,
    programme: str,
    reference: str,
    *,
    since: date,
    until: date | None,
    now: datetime,
) -> None:
    """The reference names the holder's account on exactly these days, of those that touch them.

    Raises ReferenceTaken when it names somebody else's on one of them.
    """
    index = reference_index(vault, programme, reference)
    named = AccountReference
    touching = (named.since <= (until or date.max), or_(named.until.is_(None), named.until >= since))
    query = select(named).where(named.programme == programme, named.reference_index == index, *touching)
    rows = list(tx.scalars(query.order_by(named.since).with_for_update().execution_options(populate_existing=True)))
    if any(row.holder_id != holder_id for row in rows):
        raise ReferenceTaken(programme=programme)
    if [(row.since, row.until) for row in rows] == [(since, until)]:
        return
    for row in rows:
        tx.delete(row)
    tx.flush()
    key = {"programme": programme, "reference_index": index, "holder_id": holder_id}
    tx.add(AccountReference(**key, since=since, until=until, named_at=now))
    tx.flush()


def _standing(tx: Session, programme: str, index: bytes, day: date) -> AccountReference | None:
    """The row that names an account on this day or later, held. Two at once are kept apart by its primary key."""
    mine = (AccountReference.programme == programme, AccountReference.reference_index == index)
    ahead = or_(AccountReference.until.is_(None), AccountReference.until >= day)
    query = select(AccountReference).where(*mine, ahead).order_by(AccountReference.since).limit(1)
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def referred_receivers(tx: Session, wanted: Collection[Referred]) -> dict[Referred, Receiver]:
    """The receiving account of each (programme, reference index, day), as named on that day.

    Held (shared) until commit, so that an end of the reference waits or has been seen.
    """
    if not wanted:
        return {}
    columns: Columns = {"programme": Text(), "reference_index": LargeBinary(), "day": Date()}
    given = recordset(tx, "wanted", columns, sorted(set(wanted)))
    named = AccountReference
    query = (
        select(given.c.programme, given.c.reference_index, given.c.day, named.holder_id, PersonKey.wrapped_key)
        .join_from(
            given,
            named,
            (named.programme == given.c.programme) & (named.reference_index == given.c.reference_index),
        )
        .join(PersonKey, PersonKey.holder_id == named.holder_id)
        .where(named.since <= given.c.day, or_(named.until.is_(None), named.until >= given.c.day))
        .where(PersonKey.wrapped_key.is_not(None))
        .order_by(named.programme, named.reference_index, named.since)
        .with_for_update(read=True, of=named)
    )
    return {
        (row.programme, row.reference_index, row.day): Receiver(row.holder_id, row.programme, row.wrapped_key)
        for row in tx.execute(query)
    }


def recently_named(tx: Session, *, since: datetime) -> dict[tuple[str, bytes], datetime]:
    """The (programme, reference index) that were given to an account since then, and when."""
    query = select(AccountReference).where(AccountReference.named_at >= since).order_by(AccountReference.named_at)
    return {(row.programme, row.reference_index): row.named_at for row in tx.scalars(query)}


def end_references_of(tx: Session, holder_id: UUID, *, today: date) -> None:
    """A person who is forgotten is called nothing any more."""
    for row in tx.scalars(select(AccountReference).where(AccountReference.holder_id == holder_id).with_for_update()):
        if row.until is None or row.until >= today:
            row.until = max(row.since, today - timedelta(days=1))
    tx.flush()
