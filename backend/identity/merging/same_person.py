"""Which holders are one person. Who is not merged with anybody is a person of one holder."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, func, select
from sqlalchemy.orm import Session, aliased

from backend.identity.merging.models import PersonMerge
from backend.lists import recordset

#: Holder → every holder of the same person, in order; only of those who were merged.
Together = Mapping[UUID, tuple[UUID, ...]]


def person_of(tx: Session, holder_id: UUID) -> UUID:
    """The holder whose login this holder's identities lead to: the survivor, or the holder itself."""
    found = select(PersonMerge.survivor_id).where(PersonMerge.holder_id == holder_id, PersonMerge.ended_at.is_(None))
    return tx.scalar(found) or holder_id


def holders_of(tx: Session, person_id: UUID) -> list[UUID]:
    """The survivor, then every holder that was merged into it, in order."""
    merged = select(PersonMerge.holder_id).where(PersonMerge.survivor_id == person_id, PersonMerge.ended_at.is_(None))
    return [person_id, *sorted(tx.scalars(merged))]


def together(tx: Session, holder_ids: Collection[UUID]) -> Together:
    """With whom these holders are one person now. Merges are rare: whoever is not named is alone."""
    if not holder_ids:
        return {}
    given: Any = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in sorted(set(holder_ids))])
    own, of_person = aliased(PersonMerge), aliased(PersonMerge)
    survivor = func.coalesce(own.survivor_id, given.c.holder_id)
    query = (
        select(given.c.holder_id, of_person.survivor_id, of_person.holder_id)
        .select_from(given)
        .outerjoin(own, (own.holder_id == given.c.holder_id) & own.ended_at.is_(None))
        .join(of_person, (of_person.survivor_id == survivor) & of_person.ended_at.is_(None))
    )
    found: dict[UUID, set[UUID]] = {}
    for holder_id, survivor_id, merged_id in tx.execute(query):
        found.setdefault(holder_id, set()).update((survivor_id, merged_id))
    return {holder_id: tuple(sorted(holders)) for holder_id, holders in found.items()}
