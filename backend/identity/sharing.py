"""Whom a third-party platform may be told about."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Uuid, or_, select
from sqlalchemy.orm import Session

from backend.identity.consent import hold_consents
from backend.identity.consent_texts import SHARING
from backend.identity.models import Holder, PersonKey
from backend.lists import recordset

#: Since when whoever needs no consent may be told.
EVER = datetime.min.replace(tzinfo=UTC)


def may_be_told_about(
    tx: Session, holder_ids: Collection[UUID], *, consented_to: str | None, now: datetime
) -> dict[UUID, datetime]:
    """Those of these holders about whom a platform may be told, and since when; their consents are held until commit.

    Nobody who was forgotten. `consented_to` names a platform that needs each person's own consent (PIPL, article 23);
    None is one that works for us under contract (article 21). Classes are not persons. Where no consent is needed, it
    may be told of everything there ever was.
    """
    if not holder_ids:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in sorted(set(holder_ids))])
    query = (
        select(Holder.id, Holder.kind)
        .join(given, Holder.id == given.c.holder_id)
        .outerjoin(PersonKey, PersonKey.holder_id == Holder.id)
        .where(or_(Holder.kind != "person", PersonKey.wrapped_key.is_not(None)))
    )
    found = {row.id: row.kind for row in tx.execute(query)}
    if consented_to is None:
        return dict.fromkeys(found, EVER)
    wanted = [(holder_id, consented_to, SHARING) for holder_id, kind in found.items() if kind == "person"]
    consents = hold_consents(tx, wanted, now=now)
    agreed = {key[0]: consent.counts_from for key, consent in consents.items() if consent.granted}
    return {id: agreed.get(id, EVER) for id, kind in found.items() if id in agreed or kind != "person"}
