"""What outside providers are asked for, what they answered, and for whom."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

#: How far an order is (`ProviderOrder.state`): not sent; sent, or being sent, with an unknown outcome; being taken
#: back; and the four ends.
WAITING, PLACING, WITHDRAWING = OPEN_STATES = ("waiting", "placing", "withdrawing")
DONE, REFUSED, WITHDRAWN, DROPPED = END_STATES = ("done", "refused", "withdrawn", "dropped")
#: For whom an order is (`OrderRecipient.kind`).
ADDRESS, REFERENCE = "address", "reference"
#: Orders that somebody still has to ask about.
_FOLLOWED = "next_attempt_at IS NOT NULL"


class ProviderOrder(Base):
    """One redemption on its way to an outside provider, under the request number that its id gives.

    `waiting` (nothing was sent) → `placing` (it may have arrived) → `done` | `refused`, or → `withdrawing` →
    `withdrawn`; `dropped`: it was never sent and never will be. `placed_at`: when it was first sent. `not_known_count`:
    how often in a row the provider said it had never seen the number. `claimed_until`: until when one worker alone
    calls. `next_attempt_at` is NULL when nothing more is asked; what is done is asked about until `status` is an end.
    `withdrawal`: whether its member wants it withdrawn, since `withdrawal_asked_at`, or the provider did not agree.
    """

    __tablename__ = "reward_orders"
    __table_args__ = (
        ForeignKeyConstraint(["holder_id", "redemption_id"], ["redemptions.holder_id", "redemptions.id"]),
        CheckConstraint(
            f"state IN ({', '.join(repr(state) for state in (*OPEN_STATES, *END_STATES))})",
            name="state",
        ),
        CheckConstraint("(state = 'done') = (reference IS NOT NULL AND status IS NOT NULL)", name="done"),
        CheckConstraint("(placed_at IS NULL) = (state IN ('waiting', 'dropped'))", name="placed"),
        CheckConstraint("(finished_at IS NULL) = (state IN ('waiting', 'placing', 'withdrawing'))", name="finished"),
        CheckConstraint("finished_at IS NOT NULL OR next_attempt_at IS NOT NULL", name="never_in_limbo"),
        CheckConstraint("withdrawal IN ('asked', 'denied')", name="withdrawal"),
        CheckConstraint("(withdrawal IS NULL) = (withdrawal_asked_at IS NULL)", name="withdrawal_asked"),
        CheckConstraint("withdrawal IS NULL OR placed_at IS NOT NULL", name="withdrawal_placed"),
        CheckConstraint("quantity > 0 AND attempts >= 0 AND not_known_count >= 0", name="counts"),
        Index(
            "ix_reward_orders_due",
            "next_attempt_at",
            "holder_id",
            "redemption_id",
            postgresql_where=text(_FOLLOWED),
            sqlite_where=text(_FOLLOWED),
        ),
        Index("ix_reward_orders_placed", "provider", "placed_at"),
        Index("ix_reward_orders_redemption_id", "redemption_id"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    provider: Mapped[str] = mapped_column(ForeignKey("reward_providers.code"))
    item: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    placed_at: Mapped[datetime | None] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(Integer)
    not_known_count: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Instant)
    claimed_until: Mapped[datetime] = mapped_column(Instant)
    reference: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str | None] = mapped_column(Text)
    shipped_at: Mapped[datetime | None] = mapped_column(Instant)
    withdrawal: Mapped[str | None] = mapped_column(Text)
    withdrawal_asked_at: Mapped[datetime | None] = mapped_column(Instant)
    last_error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class ProviderAnswer(Base):
    """What a provider said about an order, in the order in which it was heard. Never changed.

    `asked`: `place`, `query` or `withdraw`, or `settle` where two operators said it. `counted`: it moved the order on;
    what is late, said twice or contradicts what was settled stands here and changes nothing.
    """

    __tablename__ = "reward_answers"
    __table_args__ = (
        ForeignKeyConstraint(
            ["holder_id", "redemption_id"], ["reward_orders.holder_id", "reward_orders.redemption_id"]
        ),
        CheckConstraint("asked IN ('place', 'query', 'withdraw', 'settle')", name="asked"),
        CheckConstraint(
            "answer IN ('done', 'refused', 'withdrawn', 'cancelled', 'unknown', 'not_known')", name="answer"
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    asked: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    counted: Mapped[bool]
    heard_at: Mapped[datetime] = mapped_column(Instant)


class OrderRecipient(Base):
    """For whom an order is: an address, or what a platform calls the member. Sealed under the member's own key.

    `agreed_at`: when the member agreed that `provider` learns it, which may be the house itself (`recorded`). `sealed`
    is empty from `deleted_at` on; the rest stays as the record that it was deleted, and why.
    """

    __tablename__ = "reward_recipients"
    __table_args__ = (
        ForeignKeyConstraint(["holder_id", "redemption_id"], ["redemptions.holder_id", "redemptions.id"]),
        CheckConstraint("kind IN ('address', 'reference')", name="kind"),
        CheckConstraint("(sealed IS NULL) = (deleted_at IS NOT NULL)", name="deleted"),
        CheckConstraint("(deleted_at IS NULL) = (deleted_because IS NULL)", name="deleted_because"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    provider: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    agreed_at: Mapped[datetime] = mapped_column(Instant)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)
    deleted_because: Mapped[str | None] = mapped_column(Text)


class Handover(Base):
    """Something that operators carry out themselves for a redemption that is confirmed: it waits until one says so."""

    __tablename__ = "reward_handovers"
    __table_args__ = (
        ForeignKeyConstraint(["holder_id", "redemption_id"], ["redemptions.holder_id", "redemptions.id"]),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("(carried_out_at IS NULL) = (operator_id IS NULL)", name="carried_out"),
        Index("ix_reward_handovers_redemption_id", "redemption_id"),
        Index(
            "ix_reward_handovers_open",
            "recorded_at",
            postgresql_where=text("carried_out_at IS NULL"),
            sqlite_where=text("carried_out_at IS NULL"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    redemption_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reward: Mapped[str] = mapped_column(ForeignKey("rewards.code"))
    quantity: Mapped[int] = mapped_column(Amount)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    carried_out_at: Mapped[datetime | None] = mapped_column(Instant)
    operator_id: Mapped[UUID | None] = mapped_column(ForeignKey("operators.id"))
