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

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.identity.errors import (
    InvalidOperatorName,
    OperatorExists,
    OperatorNotAllowed,
    UnknownOperator,
)
from backend.identity.models import Operator
from backend.ids import new_id
from backend.lists import insert_rows

VIEWER, REVIEWER, FINANCE, ADMINISTRATOR = ROLES = ("viewer", "reviewer", "finance", "administrator")
_NAME = re.compile(r"[\w.@-]{1,64}")


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


def add_operator(tx: Session, name: str, role: str, *, now: datetime) -> tuple[OperatorView, str]:
    """Appoint an operator; returns them and their token, which nothing can show again.

    A name is taken for good, also by who no longer works here. Raises InvalidOperatorName, OperatorExists.
    """
    if not _NAME.fullmatch(name) or role not in ROLES:
        raise InvalidOperatorName
    token = _new_token()
    row = {
        "id": new_id(),
        "name": name,
        "role": role,
        "active": True,
        "token_digest": _digest(token),
        "appointed_at": now,
    }
    if not insert_rows(tx, Operator, [row], on_conflict=("name",), returning=("id",)):
        raise OperatorExists(name=name)
    return _view(_held(tx, name)), token


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
    row = _held(tx, name)
    if not row.active:
        raise UnknownOperator
    token = _new_token()
    row.token_digest = _digest(token)
    tx.flush()
    return _view(row), token


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


def _new_token() -> str:
    """256 random bits; the prefix lets secret scanners find a leaked one."""
    return "op_" + randomness.token_urlsafe(32)


def _digest(token: str) -> bytes:
    """SHA-256: random bits need neither salt nor a slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
