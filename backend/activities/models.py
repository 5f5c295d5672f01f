"""What people did, as their evidence says it, and what it was worth.

An order is what a partner calls it; each of its lines says one act. `OrderLine` holds the statement that stands (the
highest revision), `Activity` the act itself, `Claim` the physical act that nobody may count twice.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class Order(Base):
    """A partner's order; locked while its lines are decided. `order_type` is NULL until its first event came."""

    __tablename__ = "orders"

    partner: Mapped[str] = mapped_column(Text, primary_key=True)
    order_no: Mapped[str] = mapped_column(Text, primary_key=True)
    order_type: Mapped[str | None] = mapped_column(Text)


class OrderLine(Base):
    """The statement that stands for one line of an order; line `*` is a cancellation of the whole order."""

    __tablename__ = "order_lines"

    partner: Mapped[str] = mapped_column(Text, primary_key=True)
    order_no: Mapped[str] = mapped_column(Text, primary_key=True)
    line: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(Integer)
    rank: Mapped[int] = mapped_column(SmallInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    activity_id: Mapped[UUID | None] = mapped_column(Uuid)


class QuantificationBasis(Base):
    """The methodology version, profile and factor rows a reduction was computed from, as they read on that day."""

    __tablename__ = "quantification_bases"

    hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    content: Mapped[str] = mapped_column(Text)


class Activity(Base):
    """One low-carbon act.

    `status`: issued; outdone (another act has the better claim: `reason`, `excluded_by`); kept (its source books the
    reduction itself, as its `claim` says: `reason`); refused (`reason`); taken_back (`reason`). Emissions are exact
    fractions of a gram as text, NULL where the source publishes none; `reduction` is signed and before the evidence
    grade; `reduction_g`, `offset_g` and `eac_wh` (watt-hours) are what was credited, or would be. `data` is canonical
    JSON: with the basis it is all that a stranger needs to recompute them. `rests_on`: what allows it to be recorded.
    """

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint("status IN ('issued', 'outdone', 'kept', 'refused', 'taken_back')", name="status"),
        CheckConstraint("claim IN ('transferred', 'kept')", name="claim"),
        CheckConstraint("rests_on IN ('consent', 'agreement', 'own_act')", name="rests_on"),
        CheckConstraint(
            "(status <> 'issued' OR claim = 'transferred') AND (status <> 'kept' OR claim = 'kept')",
            name="credited_or_kept",
        ),
        CheckConstraint("reduction_g >= 0 AND offset_g >= 0 AND eac_wh >= 0", name="credits_not_negative"),
        CheckConstraint("started_at IS NULL OR ended_at > started_at", name="window"),
        Index("ix_activities_holder_day", "holder_id", "day"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    partner: Mapped[str] = mapped_column(Text)
    order_no: Mapped[str] = mapped_column(Text)
    line: Mapped[str] = mapped_column(Text)
    revision: Mapped[int] = mapped_column(Integer)
    methodology: Mapped[str] = mapped_column(Text)
    scene: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)
    grade: Mapped[str] = mapped_column(Text)
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    day: Mapped[date] = mapped_column(Date)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    pending_days: Mapped[int] = mapped_column(Integer)
    data: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(Text)
    claim: Mapped[str] = mapped_column(Text)
    rests_on: Mapped[str] = mapped_column(Text)
    basis_hash: Mapped[bytes | None] = mapped_column(ForeignKey("quantification_bases.hash"))
    baseline: Mapped[str | None] = mapped_column(Text)
    project: Mapped[str | None] = mapped_column(Text)
    leakage: Mapped[str | None] = mapped_column(Text)
    reduction: Mapped[str | None] = mapped_column(Text)
    reduction_g: Mapped[int] = mapped_column(Amount)
    offset_g: Mapped[int] = mapped_column(Amount)
    eac_wh: Mapped[int] = mapped_column(Amount)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    excluded_by: Mapped[UUID | None] = mapped_column(Uuid)
    issue_count: Mapped[int] = mapped_column(SmallInteger)
    recorded_at: Mapped[datetime] = mapped_column(Instant)


class RestatementRun(Base):
    """One run over the issued acts of a methodology version, to compute them anew by a library that was corrected.

    The cursor is the last act that was examined: a run that was interrupted goes on behind it. `library_digest` is the
    SHA-256 of the library's lock: a run goes on only with the library it began with.
    """

    __tablename__ = "restatement_runs"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    methodology: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    library_digest: Mapped[bytes] = mapped_column(LargeBinary)
    cursor_holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    cursor_activity_id: Mapped[UUID | None] = mapped_column(Uuid)
    examined: Mapped[int] = mapped_column(Integer)
    restated: Mapped[int] = mapped_column(Integer)
    refused: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def cursor(self) -> tuple[UUID, UUID] | None:
        """Holder and id of the last act that was examined."""
        if self.cursor_holder_id is None or self.cursor_activity_id is None:
            return None
        return self.cursor_holder_id, self.cursor_activity_id


class ActivityRestatement(Base):
    """重述: what an issued act is worth since a number was corrected. Append-only; the highest `sequence` stands.

    The act itself keeps what was issued. `transaction_id` is the ledger transaction that posted the difference.
    """

    __tablename__ = "restatements"
    __table_args__ = (
        CheckConstraint(
            "reduction_g >= 0 AND offset_g >= 0 AND eac_wh >= 0 AND "
            "previous_reduction_g >= 0 AND previous_offset_g >= 0 AND previous_eac_wh >= 0",
            name="credits_not_negative",
        ),
        CheckConstraint("sequence > 0", name="sequence"),
        ForeignKeyConstraint(["holder_id", "activity_id"], ["activities.holder_id", "activities.id"]),
        ForeignKeyConstraint(
            ["holder_id", "transaction_id"], ["ledger_transactions.holder_id", "ledger_transactions.id"]
        ),
        Index("ix_restatements_run", "run_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sequence: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("restatement_runs.id"))
    previous_basis_hash: Mapped[bytes] = mapped_column(ForeignKey("quantification_bases.hash"))
    previous_reduction_g: Mapped[int] = mapped_column(Amount)
    previous_offset_g: Mapped[int] = mapped_column(Amount)
    previous_eac_wh: Mapped[int] = mapped_column(Amount)
    basis_hash: Mapped[bytes] = mapped_column(ForeignKey("quantification_bases.hash"))
    baseline: Mapped[str | None] = mapped_column(Text)
    project: Mapped[str | None] = mapped_column(Text)
    leakage: Mapped[str | None] = mapped_column(Text)
    reduction: Mapped[str | None] = mapped_column(Text)
    reduction_g: Mapped[int] = mapped_column(Amount)
    offset_g: Mapped[int] = mapped_column(Amount)
    eac_wh: Mapped[int] = mapped_column(Amount)
    transaction_id: Mapped[UUID] = mapped_column(Uuid)
    restated_at: Mapped[datetime] = mapped_column(Instant)


class Claim(Base):
    """A physical act and whose it is. The owner is NULL after a reversal released it; the row stays as the lock."""

    __tablename__ = "claims"

    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    activity_id: Mapped[UUID | None] = mapped_column(Uuid)


class ClaimContender(Base):
    """An act that claims what another one owns; it may come to its right when the owner is taken back."""

    __tablename__ = "claim_contenders"

    fingerprint: Mapped[bytes] = mapped_column(ForeignKey("claims.fingerprint"), primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    activity_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class HolderDay(Base):
    """The lock under which overlaps, exclusivity and daily limits of one holder's day are decided."""

    __tablename__ = "holder_days"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)


Index(
    "ix_claims_owner",
    Claim.holder_id,
    Claim.activity_id,
    postgresql_where=text("activity_id IS NOT NULL"),
    sqlite_where=text("activity_id IS NOT NULL"),
)
Index("ix_claim_contenders_activity", ClaimContender.holder_id, ClaimContender.activity_id)
