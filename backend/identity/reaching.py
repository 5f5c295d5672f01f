"""Who can be written to, and where."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend.identity.models import PersonIdentity, PersonKey
from backend.identity.persons import identity_context, person_sealer
from backend.lists import recordset
from backend.vault import Vault


def living_persons(tx: Session, holder_ids: Collection[UUID]) -> set[UUID]:
    """Those of these holders who are persons, and were not forgotten. A class is nobody who could be written to."""
    if not holder_ids:
        return set()
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in sorted(set(holder_ids))])
    query = select(PersonKey.holder_id).join(given, PersonKey.holder_id == given.c.holder_id)
    return set(tx.scalars(query.where(PersonKey.wrapped_key.is_not(None))))


def hold_living(tx: Session, holder_ids: Collection[UUID]) -> set[UUID]:
    """Those of these holders who were not forgotten, held (shared) against it until commit; classes as well."""
    if not holder_ids:
        return set()
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(holder_id,) for holder_id in sorted(set(holder_ids))])
    query = select(PersonKey.holder_id).join(given, PersonKey.holder_id == given.c.holder_id)
    query = query.where(PersonKey.wrapped_key.is_not(None)).order_by(PersonKey.holder_id)
    return set(tx.scalars(query.with_for_update(read=True, of=PersonKey)))


def wechat_openid(tx: Session, vault: Vault, holder_id: UUID, appid: str) -> str | None:
    """The openid of a person in this mini-program, None where WeChat never told one. SessionEnded once forgotten."""
    sealer = person_sealer(tx, vault, holder_id)
    mine = (PersonIdentity.holder_id == holder_id, PersonIdentity.kind == "wechat_openid")
    for sealed in tx.scalars(select(PersonIdentity.sealed_value).where(*mine).order_by(PersonIdentity.recognised_at)):
        app, _, openid = sealer.open(sealed, identity_context("wechat_openid")).decode().partition("|")
        if app == appid:
            return openid
    return None


def forgotten_since(tx: Session, instant: datetime, *, after: UUID | None, limit: int) -> list[UUID]:
    """Persons who were forgotten at this instant or later: a page of them, behind this one."""
    query = select(PersonKey.holder_id).where(PersonKey.forgotten_at >= instant).order_by(PersonKey.holder_id)
    if after is not None:
        query = query.where(PersonKey.holder_id > after)
    return list(tx.scalars(query.limit(limit)))
