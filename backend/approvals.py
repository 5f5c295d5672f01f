"""What takes two operators: one asks, another decides, and it is done once.

Three tables that only grow: a request, at most one decision about it, at most one execution. The keys and checks of
the database hold the rules, so they hold for two processes at the same moment.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Row,
    Select,
    Text,
    UniqueConstraint,
    Uuid,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend.database import Base, Instant
from backend.errors import NotFound, Refusal
from backend.ids import new_id
from backend.lists import insert_rows

#: How long a request may wait for its decision and its execution.
LIFE = timedelta(days=7)


class ApprovalRequest(Base):
    """What one operator wants done: `kind` says what, `facts` (canonical JSON) with which numbers. Never changed."""

    __tablename__ = "approval_requests"
    __table_args__ = (UniqueConstraint("id", "requested_by"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    facts: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    requested_by: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    requested_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class ApprovalDecision(Base):
    """The one decision about a request. `requested_by` stands here again so that the database compares the two."""

    __tablename__ = "approval_decisions"
    __table_args__ = (
        CheckConstraint("decided_by <> requested_by", name="two_operators"),
        ForeignKeyConstraint(
            ["request_id", "requested_by"], ["approval_requests.id", "approval_requests.requested_by"]
        ),
    )

    request_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    requested_by: Mapped[UUID] = mapped_column(Uuid)
    decided_by: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    granted: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime] = mapped_column(Instant)


class ApprovalExecution(Base):
    """That what was granted has been done."""

    __tablename__ = "approval_executions"

    request_id: Mapped[UUID] = mapped_column(ForeignKey("approval_decisions.request_id"), primary_key=True)
    executed_at: Mapped[datetime] = mapped_column(Instant)


class SecondOperatorNeeded(Refusal):
    code = "SECOND_OPERATOR_NEEDED"
    status = 403
    title = "须由另一位操作员审批 / Another operator has to decide"


class ApprovalDecided(Refusal):
    code = "APPROVAL_DECIDED"
    status = 409
    title = "该申请已有审批结果 / This request was decided before"


class ApprovalExpired(Refusal):
    code = "APPROVAL_EXPIRED"
    status = 409
    title = "该申请已过期 / This request has expired"


class NotApproved(Refusal):
    code = "NOT_APPROVED"
    status = 409
    title = "该申请未获批准 / This request was not approved"


class ApprovalExecuted(Refusal):
    code = "APPROVAL_EXECUTED"
    status = 409
    title = "该申请已执行过 / This request was executed before"


@dataclass(frozen=True, slots=True)
class Approval:
    """A request and how far it is: `status` is pending, granted, refused, executed or expired."""

    id: UUID
    kind: str
    facts: Mapping[str, Any]
    reason: str
    requested_by: UUID
    requested_at: datetime
    expires_at: datetime
    decided_by: UUID | None
    status: str


def request(
    tx: Session,
    *,
    kind: str,
    facts: Mapping[str, Any],
    reason: str,
    operator_id: UUID,
    now: datetime,
    life: timedelta = LIFE,
) -> UUID:
    """Ask for something that a second operator has to allow; returns the id of the request."""
    row = {
        "id": new_id(),
        "kind": kind,
        "facts": json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
        "reason": reason,
        "requested_by": operator_id,
        "requested_at": now,
        "expires_at": now + life,
    }
    insert_rows(tx, ApprovalRequest, [row])
    return UUID(str(row["id"]))


def decide(tx: Session, request_id: UUID, *, operator_id: UUID, granted: bool, reason: str, now: datetime) -> Approval:
    """Another operator's decision. Of two at the same moment the first stands and the second is ApprovalDecided.

    Raises NotFound, SecondOperatorNeeded, ApprovalExpired, ApprovalDecided.
    """
    asked = find(tx, request_id, now=now)
    if asked.requested_by == operator_id:
        raise SecondOperatorNeeded
    if asked.decided_by is not None:
        raise ApprovalDecided
    if asked.status == "expired":
        raise ApprovalExpired
    row = {
        "request_id": request_id,
        "requested_by": asked.requested_by,
        "decided_by": operator_id,
        "granted": granted,
        "reason": reason,
        "decided_at": now,
    }
    if not insert_rows(tx, ApprovalDecision, [row], on_conflict=("request_id",), returning=("request_id",)):
        raise ApprovalDecided
    return find(tx, request_id, now=now)


def execute(tx: Session, request_id: UUID, kind: str, *, now: datetime) -> Approval:
    """Take a granted request of this kind to be done in this transaction: nobody else can, once it commits.

    Raises NotFound, NotApproved, ApprovalExpired, ApprovalExecuted.
    """
    asked = find(tx, request_id, now=now)
    if asked.kind != kind:
        raise NotFound
    refusals = {"executed": ApprovalExecuted, "expired": ApprovalExpired}
    if asked.status != "granted":
        raise refusals.get(asked.status, NotApproved)
    row = {"request_id": request_id, "executed_at": now}
    if not insert_rows(tx, ApprovalExecution, [row], on_conflict=("request_id",), returning=("request_id",)):
        raise ApprovalExecuted
    return asked


def find(tx: Session, request_id: UUID, *, now: datetime) -> Approval:
    """A request as it stands, or NotFound."""
    row = tx.execute(_query().where(ApprovalRequest.id == request_id)).one_or_none()
    if row is None:
        raise NotFound
    return _approval(row, now)


def newest(
    tx: Session, *, now: datetime, kind: str | None = None, pending: bool = False, limit: int = 50
) -> list[Approval]:
    """The newest requests, newest first: of one kind, and those that wait for a decision, if asked for."""
    query = _query().order_by(ApprovalRequest.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(ApprovalRequest.kind == kind)
    if pending:
        query = query.where(ApprovalDecision.request_id.is_(None), ApprovalRequest.expires_at > now)
    return [_approval(row, now) for row in tx.execute(query)]


def _query() -> Select[Any]:
    return (
        select(
            *ApprovalRequest.__table__.columns,
            ApprovalDecision.decided_by,
            ApprovalDecision.granted,
            ApprovalExecution.executed_at,
        )
        .outerjoin(ApprovalDecision, ApprovalDecision.request_id == ApprovalRequest.id)
        .outerjoin(ApprovalExecution, ApprovalExecution.request_id == ApprovalRequest.id)
    )


def _approval(row: Row[Any], now: datetime) -> Approval:
    if row.executed_at is not None:
        status = "executed"
    elif row.granted is False:
        status = "refused"
    elif row.expires_at <= now:
        status = "expired"
    else:
        status = "granted" if row.granted else "pending"
    stated = (row.requested_by, row.requested_at, row.expires_at)
    return Approval(row.id, row.kind, json.loads(row.facts), row.reason, *stated, row.decided_by, status)
