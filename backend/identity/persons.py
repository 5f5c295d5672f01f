"""Programmes, persons, and the sessions they log in with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.errors import Refusal
from backend.identity import tokens, wechat_sessions
from backend.identity.errors import InvalidRefreshToken, SessionEnded, UnknownProgramme
from backend.identity.merging.same_person import person_of
from backend.identity.models import Enrolment, Holder, LoginSession, PersonIdentity, PersonKey, Programme
from backend.ids import new_id
from backend.lists import insert_rows
from backend.vault import Sealer, Unreadable, Vault

SESSION_LIFE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class StartedSession:
    """What a client gets at login: the refresh token is shown once and stored only as a digest."""

    session_id: UUID
    holder_id: UUID
    refresh_token: str


def save_programme(tx: Session, *, code: str, kind: str, title_zh: str, title_en: str, profile: str) -> None:
    """Create a programme, or bring its titles and profile up to date."""
    tx.merge(Programme(code=code, kind=kind, title_zh=title_zh, title_en=title_en, profile=profile))
    tx.flush()


def programmes(tx: Session) -> dict[str, Programme]:
    """All programmes by code."""
    return {row.code: row for row in tx.scalars(select(Programme).order_by(Programme.code))}


def require_programme(tx: Session, code: str) -> Programme:
    """The programme, or UnknownProgramme."""
    programme = None if "\0" in code else tx.get(Programme, code)  # PostgreSQL takes no NUL
    if programme is None:
        raise UnknownProgramme(code)
    return programme


def recognise_person(tx: Session, vault: Vault, identities: Sequence[tuple[str, str]], *, now: datetime) -> UUID:
    """The person known by any of these (kind, value) identities, made on first sight; all of them are remembered.

    Two first logins at the same moment agree: the unique key decides who made the person. Where the holder known by
    them was merged, the person is the survivor; the identities stay with the holder.
    """
    wanted = [(kind, vault.index("identity", kind, value)) for kind, value in identities]
    known = _known_holder(tx, wanted)
    _remember(tx, vault, known[0] if known is not None else _make_person(tx, vault, now), identities, now)
    decided = _known_holder(tx, wanted)
    assert decided is not None
    return decided[1]


def _remember(tx: Session, vault: Vault, holder_id: UUID, identities: Sequence[tuple[str, str]], now: datetime) -> None:
    """Let the holder be known by these identities, those of them that are nobody's yet."""
    sealer = person_sealer(tx, vault, holder_id)
    rows = [
        {
            "kind": kind,
            "value_index": vault.index("identity", kind, value),
            "holder_id": holder_id,
            "sealed_value": sealer.seal(value.encode(), identity_context(kind)),
            "recognised_at": now,
        }
        for kind, value in identities
    ]
    insert_rows(tx, PersonIdentity, rows, on_conflict=("kind", "value_index"))


def add_identity(tx: Session, vault: Vault, person_id: UUID, identity: tuple[str, str], *, now: datetime) -> UUID:
    """Let somebody who is known be known by this (kind, value) as well; returns whose it is: theirs, or that of who was
    known by it before. Raises SessionEnded once they were forgotten."""
    hold_person(tx, person_id)
    _remember(tx, vault, person_id, [identity], now)
    owner = known_person(tx, vault, identity)
    assert owner is not None
    return owner


def known_person(tx: Session, vault: Vault, identity: tuple[str, str]) -> UUID | None:
    """The person known by this (kind, value) identity, held against being forgotten, merged or parted until commit."""
    kind, value = identity
    known = _known_holder(tx, [(kind, vault.index("identity", kind, value))])
    return known[1] if known is not None else None


def person_known_before(tx: Session, vault: Vault, identity: tuple[str, str], before: datetime) -> UUID | None:
    """The person who has been known by this (kind, value) identity since before an instant; None when nobody was."""
    kind, value = identity
    row = tx.get(PersonIdentity, (kind, vault.index("identity", kind, value)))
    return row.holder_id if row is not None and row.recognised_at < before else None


def identity_context(kind: str) -> bytes:
    """What a sealed identity is bound to."""
    return b"identity:" + kind.encode()


def _known_holder(tx: Session, wanted: Sequence[tuple[str, bytes]]) -> tuple[UUID, UUID] | None:
    """The holder known by the first of these identities that is known, and the person that holder is.

    Both are held against being forgotten, merged or parted until commit, the person before the holder.
    """
    while True:
        holder_id = _holder_named(tx, wanted)
        if holder_id is None:
            return None
        person_id = person_of(tx, holder_id)
        for key in dict.fromkeys((person_id, holder_id)):
            tx.execute(select(PersonKey.holder_id).where(PersonKey.holder_id == key).with_for_update(read=True))
        if (_holder_named(tx, wanted), person_of(tx, holder_id)) == (holder_id, person_id):
            return holder_id, person_id


def _holder_named(tx: Session, wanted: Sequence[tuple[str, bytes]]) -> UUID | None:
    rows = tx.execute(
        select(PersonIdentity.kind, PersonIdentity.value_index, PersonIdentity.holder_id)
        .join(PersonKey, PersonKey.holder_id == PersonIdentity.holder_id)
        .where(tuple_(PersonIdentity.kind, PersonIdentity.value_index).in_(wanted), PersonKey.wrapped_key.is_not(None))
    )
    by_key = {(row.kind, row.value_index): row.holder_id for row in rows}
    return next((by_key[key] for key in wanted if key in by_key), None)


def _make_person(tx: Session, vault: Vault, now: datetime) -> UUID:
    holder_id = new_id()
    tx.add(Holder(id=holder_id, kind="person", created_at=now))
    tx.flush()
    tx.add(PersonKey(holder_id=holder_id, wrapped_key=vault.new_person_key(holder_id.bytes)))
    tx.flush()
    return holder_id


def hold_person(tx: Session, holder_id: UUID, *, alone: bool = False, otherwise: type[Refusal] = SessionEnded) -> None:
    """Let nobody forget this person until commit, nor (`alone`) consent for them or become their guardian.

    Raises `otherwise` when they were forgotten.
    """
    query = select(PersonKey.holder_id).where(PersonKey.holder_id == holder_id, PersonKey.wrapped_key.is_not(None))
    if tx.scalar(query.with_for_update(read=not alone)) is None:
        raise otherwise


_WRAPPED_KEY = select(PersonKey.__table__.c.wrapped_key).where(PersonKey.__table__.c.holder_id == bindparam("holder"))


def person_sealer(tx: Session, vault: Vault, holder_id: UUID) -> Sealer:
    """The sealer of the person on whose behalf something is asked. Raises SessionEnded once they were forgotten."""
    wrapped_key = tx.scalar(_WRAPPED_KEY, {"holder": holder_id})
    if not wrapped_key:
        raise SessionEnded
    return vault.person(wrapped_key, holder_id.bytes)


def person_sealers(tx: Session, vault: Vault, holder_ids: Sequence[UUID]) -> dict[UUID, Sealer]:
    """The sealers of several persons, in one query. Unreadable when any of them was forgotten."""
    if not holder_ids:
        return {}
    rows = tx.execute(
        select(PersonKey.holder_id, PersonKey.wrapped_key).where(PersonKey.holder_id.in_(set(holder_ids)))
    )
    sealers = {row.holder_id: vault.person(row.wrapped_key, row.holder_id.bytes) for row in rows if row.wrapped_key}
    if len(sealers) < len(set(holder_ids)):
        raise Unreadable("a person's key was destroyed")
    return sealers


def enrol(tx: Session, holder_id: UUID, programme: str, account_kind: str, *, now: datetime) -> None:
    """Open a holder's account in a programme; nothing happens when it is open already."""
    row = {"holder_id": holder_id, "programme": programme, "account_kind": account_kind, "enrolled_at": now}
    insert_rows(tx, Enrolment, [row], on_conflict=("holder_id", "programme"))


def enrol_in_consumer_programmes(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """Consumer programmes are open to everybody who logs in."""
    for programme in programmes(tx).values():
        if programme.kind == "consumer":
            enrol(tx, holder_id, programme.code, "personal", now=now)


def enrolments(tx: Session, holder_id: UUID) -> list[Enrolment]:
    """The holder's accounts, by programme."""
    query = select(Enrolment).where(Enrolment.holder_id == holder_id).order_by(Enrolment.programme)
    return list(tx.scalars(query))


def start_session(tx: Session, holder_id: UUID, *, now: datetime) -> StartedSession:
    """Log a person in on one device."""
    token = tokens.new_refresh_token()
    session = LoginSession(
        id=new_id(),
        holder_id=holder_id,
        refresh_digest=tokens.refresh_token_digest(token),
        started_at=now,
        expires_at=now + SESSION_LIFE,
    )
    tx.add(session)
    tx.flush()
    return StartedSession(session.id, holder_id, token)


def refresh_session(tx: Session, refresh_token: str, *, now: datetime) -> StartedSession | None:
    """Exchange a refresh token for the next one.

    None means the token was an old one: somebody copied it, so the session has been ended, and that must be committed.
    Raises InvalidRefreshToken for a token never seen, expired or of an ended session.
    """
    digest = tokens.refresh_token_digest(refresh_token)
    session = tx.scalar(
        select(LoginSession)
        .where(or_(LoginSession.refresh_digest == digest, LoginSession.previous_digest == digest))
        .with_for_update()
    )
    if session is None or session.ended_at is not None or session.expires_at <= now:
        raise InvalidRefreshToken
    if session.refresh_digest != digest:
        session.ended_at = now
        wechat_sessions.end(tx, session.id)
        return None
    token = tokens.new_refresh_token()
    session.previous_digest = session.refresh_digest
    session.refresh_digest = tokens.refresh_token_digest(token)
    session.expires_at = now + SESSION_LIFE
    return StartedSession(session.id, session.holder_id, token)


def end_session(tx: Session, session_id: UUID, *, now: datetime) -> None:
    """Log out: from now on neither token of this session is taken."""
    session = tx.get(LoginSession, session_id)
    if session is not None and session.ended_at is None:
        session.ended_at = now
        wechat_sessions.end(tx, session_id)


def require_live_session(tx: Session, session_id: UUID, holder_id: UUID, *, now: datetime) -> None:
    """Raises SessionEnded unless this session of this holder may still act."""
    session = tx.get(LoginSession, session_id)
    if session is None or session.holder_id != holder_id or session.ended_at is not None or session.expires_at <= now:
        raise SessionEnded
