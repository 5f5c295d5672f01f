"""One request, one effect: what a client sends again under the same key is answered as it was the first time.

The key's row commits together with what the request did. Whoever comes with the same key meanwhile waits for that row
and then reads its answer. A row without an answer belongs to a request that is still under way: the outside is being
asked, or the process died while it was. Requests that were never carried out (a malformed body, no login) leave no row.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend import problems
from backend.database import Base, Instant
from backend.errors import Refusal
from backend.lists import insert_rows
from backend.vault import Vault

HEADER, REPLAYED_HEADER = "Idempotency-Key", "Idempotency-Replayed"
#: How long an answer can be had again.
KEPT = timedelta(hours=72)
LONGEST_KEY = 255
#: A structured-field string (RFC 8941, as draft-ietf-httpapi-idempotency-key-header wants it) or a plain token.
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_TOKEN = re.compile(r"[!#$%&'*+./:=^_`|~0-9A-Za-z-]+")
_RETRY_AFTER_S = 2


class IdempotencyKey(Base):
    """A client's key for one request, about `subject`. `status` and `answer` are NULL while it is under way.

    `fingerprint`: a keyed hash of what was asked, which tells nobody what it was.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (CheckConstraint("(status IS NULL) = (answer IS NULL)", name="answered"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    subject: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None] = mapped_column(Text)
    begun_at: Mapped[datetime] = mapped_column(Instant, index=True)


class IdempotencyKeyNeeded(Refusal):
    """The request spends something and came without a key, or with one that cannot be read."""

    code = "IDEMPOTENCY_KEY_NEEDED"
    status = 400
    title = "缺少有效的 Idempotency-Key / A valid Idempotency-Key header is needed"


class IdempotencyKeyReused(Refusal):
    """The key came before with another request."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    title = "该 Idempotency-Key 已用于另一请求 / This Idempotency-Key came before with another request"


class RequestUnderWay(Refusal):
    """The first request under this key has no answer yet."""

    code = "REQUEST_UNDER_WAY"
    status = 409
    title = "同一请求仍在处理中，请稍后重试 / The same request is still under way, please try again shortly"
    retry_after_s = _RETRY_AFTER_S


@dataclass(frozen=True, slots=True)
class Asked:
    """A request under a key: by whom, which key, and what it asks for."""

    holder_id: UUID
    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and the JSON text that goes with it; `replayed` when it was given before."""

    status: int
    text: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of an earlier request with this key; `answer` is None while it is under way."""

    subject: UUID
    answer: Answer | None
    begun_at: datetime


def read_key(header: str | None) -> str:
    """The key a header names, in quotation marks or without. Raises IdempotencyKeyNeeded."""
    given = (header or "").strip(" \t")
    quoted = _STRING.fullmatch(given)
    key = given if _TOKEN.fullmatch(given) else ""
    if quoted is not None:
        key = re.sub(r'\\(["\\])', r"\1", quoted[1])
    if not 0 < len(key) <= LONGEST_KEY:
        raise IdempotencyKeyNeeded(longest=LONGEST_KEY)
    return key


def ask(vault: Vault, holder_id: UUID, key: str, operation: str, body: Any) -> Asked:
    """A request as it is recognised: blanks and the order of the body's fields do not matter."""
    said = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return Asked(holder_id, key, vault.index("idempotent request", operation, said))


def take(tx: Session, asked: Asked, subject: UUID, *, now: datetime, answer: Answer | None = None) -> Earlier | None:
    """Take the key for this transaction; None says that the request is to be carried out now.

    Waits for whoever holds the same key. `answer` where it is certain already, if this transaction commits. Raises
    IdempotencyKeyReused.
    """
    row = {
        "holder_id": asked.holder_id,
        "key": asked.key,
        "fingerprint": asked.fingerprint,
        "subject": subject,
        "status": answer.status if answer else None,
        "answer": answer.text if answer else None,
        "begun_at": now,
    }
    if insert_rows(tx, IdempotencyKey, [row], on_conflict=("holder_id", "key"), returning=("subject",)):
        return None
    found = earlier(tx, asked)
    if found is None:  # purged between the two statements
        raise RequestUnderWay
    return found


_EARLIER = select(*IdempotencyKey.__table__.c).where(
    IdempotencyKey.__table__.c.holder_id == bindparam("holder", type_=Uuid()),
    IdempotencyKey.__table__.c.key == bindparam("given_key"),
)


def earlier(tx: Session, asked: Asked) -> Earlier | None:
    """What is known of an earlier request with this key. Raises IdempotencyKeyReused when it was another request."""
    row = tx.execute(_EARLIER, {"holder": asked.holder_id, "given_key": asked.key}).one_or_none()
    if row is None:
        return None
    if row.fingerprint != asked.fingerprint:
        raise IdempotencyKeyReused
    answer = None if row.status is None else Answer(row.status, row.answer, replayed=True)
    return Earlier(row.subject, answer, row.begun_at)


def finish(tx: Session, asked: Asked, answer: Answer) -> None:
    """Write the answer down; the first one stays."""
    mine = (IdempotencyKey.holder_id == asked.holder_id, IdempotencyKey.key == asked.key)
    statement = update(IdempotencyKey).where(*mine, IdempotencyKey.status.is_(None))
    tx.execute(statement.values(status=answer.status, answer=answer.text).execution_options(synchronize_session=False))


def answer_of(refusal: Refusal) -> Answer:
    """A refusal as the answer it is."""
    return Answer(refusal.status, json.dumps(problems.of_refusal(refusal), default=str, ensure_ascii=False))


def forget(tx: Session, holder_id: UUID) -> None:
    """Remove every key of a holder, with the answers."""
    tx.execute(delete(IdempotencyKey).where(IdempotencyKey.holder_id == holder_id))


def purge(tx: Session, *, now: datetime, limit: int = 1_000) -> int:
    """Remove keys whose answers were kept long enough. Returns how many were removed."""
    key = tuple_(IdempotencyKey.holder_id, IdempotencyKey.key)
    old = select(IdempotencyKey.holder_id, IdempotencyKey.key).where(IdempotencyKey.begun_at <= now - KEPT)
    old = old.order_by(IdempotencyKey.begun_at).limit(limit).with_for_update(skip_locked=True)
    statement = delete(IdempotencyKey).where(key.in_(old)).returning(IdempotencyKey.key)
    return len(list(tx.execute(statement.execution_options(synchronize_session=False))))
