"""Operators: who runs the house, what each may do, and the token each is recognised by.

A token is shown once and stored as a digest. Roles: everybody may look; a reviewer decides about activities, finance
about points that are owed; an administrator may do everything and alone appoints the others.
"""

import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.identity.errors import (
    InvalidOperatorName,
    InvalidTokenDigest,
    OperatorExists,
    OperatorNotAllowed,
    UnknownOperator,
)
from backend.identity.models import Operator
from backend.ids import new_id
from backend.lists import insert_rows

VIEWER, REVIEWER, FINANCE, ADMINISTRATOR = ROLES = ("viewer", "reviewer", "finance", "administrator")
_NAME = re.compile(r"[\w.@-]{1,64}")
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class OperatorView:
    """An operator as the others see them."""

    id: UUID
    name: str
    role: str
    active: bool

    def require(self, role: str) -> None:
        """Raises OperatorNotAllowed when the operator's role is not this one and does not include it."""
        if role != VIEWER and self.role not in (role, ADMINISTRATOR):
            raise OperatorNotAllowed(needed=role)


def new_token() -> tuple[str, str]:
    """A token, 256 random bits, and the digest by which the house knows it. The prefix lets scanners find a leaked one.

    Whoever is to use the token makes it and hands in the digest: then nobody else has ever seen it.
    """
    token = "op_" + randomness.token_urlsafe(32)
    return token, _digest(token).hex()


def add_operator(tx: Session, name: str, role: str, *, now: datetime) -> tuple[OperatorView, str]:
    """Appoint an operator; returns them and their token, which nothing can show again. Raises as `appoint`."""
    token, digest = new_token()
    return appoint(tx, name, role, digest, now=now), token


def appoint(tx: Session, name: str, role: str, token_digest: str, *, now: datetime) -> OperatorView:
    """Appoint an operator, who has the token of this digest.

    A name is taken for good, also by who no longer works here. Raises InvalidOperatorName, InvalidTokenDigest,
    OperatorExists.
    """
    row = {"id": new_id(), "name": name, "role": role, "active": True, "appointed_at": now}
    row["token_digest"] = check_appointment(tx, name, role, token_digest)
    if not insert_rows(tx, Operator, [row], on_conflict=("name",), returning=("id",)):
        raise OperatorExists(name=name)
    return _view(_held(tx, name))


def check_appointment(tx: Session, name: str, role: str, token_digest: str) -> bytes:
    """The digest, in bytes; raises what `appoint` raises."""
    if not _NAME.fullmatch(name) or role not in ROLES:
        raise InvalidOperatorName
    if tx.scalar(select(Operator.id).where(Operator.name == name)) is not None:
        raise OperatorExists(name=name)
    return parse_digest(token_digest)


def parse_digest(text: str) -> bytes:
    """64 hexadecimal digits, as `new_token` gives them. Raises InvalidTokenDigest."""
    if not _DIGEST.fullmatch(text):
        raise InvalidTokenDigest
    return bytes.fromhex(text)


def operators(tx: Session) -> list[OperatorView]:
    """All operators, by name, with those who no longer work here."""
    return [_view(row) for row in tx.scalars(select(Operator).order_by(Operator.name))]


def deactivate_operator(tx: Session, name: str) -> OperatorView:
    """End an operator's work: their token opens nothing any more. Raises UnknownOperator."""
    row = _held(tx, name)
    row.active = False
    tx.flush()
    return _view(row)


def rotate_operator_token(tx: Session, name: str) -> tuple[OperatorView, str]:
    """Give an active operator another token; the old one ends at once. Raises UnknownOperator."""
    token, digest = new_token()
    return replace_operator_token(tx, name, digest), token


def replace_operator_token(tx: Session, name: str, token_digest: str) -> OperatorView:
    """From now on an active operator has the token of this digest. Raises UnknownOperator, InvalidTokenDigest."""
    row = _held(tx, name)
    if not row.active:
        raise UnknownOperator
    row.token_digest = parse_digest(token_digest)
    tx.flush()
    return _view(row)


def authenticate_operator(tx: Session, name: str, token: str) -> OperatorView:
    """The active operator of this name and token. UnknownOperator does not say which of the two was wrong."""
    row = tx.scalar(select(Operator).where(Operator.name == name))
    stored = row.token_digest if row is not None else bytes(32)
    if not hmac.compare_digest(stored, _digest(token)) or row is None or not row.active:
        raise UnknownOperator
    return _view(row)


def has_administrator(tx: Session) -> bool:
    """Whether anybody can appoint operators; until then, who sets up the house does."""
    query = select(Operator.id).where(Operator.role == ADMINISTRATOR, Operator.active).limit(1)
    return tx.scalar(query) is not None


def appoints_alone(tx: Session, by: OperatorView, role: str) -> bool:
    """Whether this administrator alone may appoint somebody of this role: who only looks, and the second administrator.

    Everybody else can be one of two who decide, so two have to want them; also when all but one administrator left.
    """
    _held(tx, by.name)  # so that nobody appoints two second administrators at once
    ever = tx.scalar(select(func.count()).select_from(Operator).where(Operator.role == ADMINISTRATOR)) or 0
    return role == VIEWER or (role == ADMINISTRATOR and ever == 1)


def operator_names(tx: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The names behind these ids."""
    query = select(Operator.id, Operator.name).where(Operator.id.in_(ids))
    return {row.id: row.name for row in tx.execute(query)}


def _held(tx: Session, name: str) -> Operator:
    query = select(Operator).where(Operator.name == name).with_for_update()
    row = tx.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise UnknownOperator
    return row


def _view(row: Operator) -> OperatorView:
    return OperatorView(row.id, row.name, row.role, row.active)


def _digest(token: str) -> bytes:
    """SHA-256: random bits need neither salt nor a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
