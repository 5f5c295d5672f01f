"""Partners, their keys, and the inbox: what they sent, before and after it was settled."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class Partner(Base):
    """A platform that sends events.

    `return_days`: how long its orders can be returned, and points stay pending. `keeps_claims_from`: the reductions of
    acts of this day and later are booked by the partner itself, unless an event says otherwise. `list_url`: where its
    daily lists are pulled from, with `{day}` in it; NULL where they are brought to us. `programme`: an office or school
    system, whose events rest on an agreement of this programme and name its accounts by staff number or class code;
    NULL: a platform whose users link themselves and consent.
    """

    __tablename__ = "partners"
    __table_args__ = (CheckConstraint("return_days >= 0", name="return_days"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    adapter: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    return_days: Mapped[int] = mapped_column(Integer)
    keeps_claims_from: Mapped[date | None] = mapped_column(Date)
    active: Mapped[bool]
    list_url: Mapped[str | None] = mapped_column(Text)
    programme: Mapped[str | None] = mapped_column(ForeignKey("programmes.code"))


class PartnerKey(Base):
    """A key a partner signs with (`whsec_…` secret or `whpk_…` public key), sealed; several are valid in a rotation."""

    __tablename__ = "partner_keys"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), index=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)


class KeyChange(Base):
    """A key that a partner was given, and by whom; its other keys of that kind end at `others_end_at`.

    What the partner signed to have it done is kept, so that the chain from one public key to the next can be shown;
    NULL where an operator did it. One request changes keys once.
    """

    __tablename__ = "partner_key_changes"
    __table_args__ = (
        UniqueConstraint("partner", "message_id"),
        CheckConstraint(
            "(message_id IS NULL) = (body IS NULL) AND (message_id IS NULL) = (signature IS NULL)"
            " AND (message_id IS NULL) = (signed_at IS NULL)",
            name="asked",
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"))
    key_id: Mapped[UUID] = mapped_column(ForeignKey("partner_keys.id"))
    others_end_at: Mapped[datetime | None] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    message_id: Mapped[str | None] = mapped_column(Text)
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[str | None] = mapped_column(Text)
    signed_at: Mapped[datetime | None] = mapped_column(Instant)


class Batch(Base):
    """Many events under one signature: the digests of their lines, in order, are what was signed.

    `line_digests`: the SHA-256 of every line, 32 bytes each, without the lines themselves, so that nobody has to be
    forgotten here. `message_id`: the `webhook-id` it came under; the same digests under it again are the same batch.
    """

    __tablename__ = "partner_batches"
    __table_args__ = (UniqueConstraint("partner", "message_id", "digests_sha256"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"))
    message_id: Mapped[str] = mapped_column(Text)
    line_digests: Mapped[bytes] = mapped_column(LargeBinary)
    digests_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    received_at: Mapped[datetime] = mapped_column(Instant)


class InboxEvent(Base):
    """An event as it was received: on disk before it is answered, never in limbo.

    `state`: waiting → done | parked (`parked_for`: LINK, CONSENT, AGREEMENT, ORDER) | dead. The body is sealed by the
    house until the person is known (`holder_id`), then under that person's key; it is erased when a parked event
    expires, and after thirty days when the event never found its person. `outcome` is JSON, one entry per line, as the
    partner reads it in the deliveries. `next_attempt_at` of an event that no longer waits is when it was last looked
    at. `day` is the Shanghai day of its `occurred_at`, `order_no` its order: what a day is reconciled by, whatever
    became of the event.

    `body_sha256` is of the bytes that were signed (of a batch, of the line), `content_hash` of what they say: the
    same content under the same id is the same event. `signature` and `signed_at` are those of the request it came with,
    be it a webhook or a batch; `batch_line` is the line there, counted from 1.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("partner", "event_id"),
        CheckConstraint("state IN ('waiting', 'done', 'parked', 'dead')", name="state"),
        CheckConstraint("(batch_id IS NULL) = (batch_line IS NULL)", name="batch_line"),
        Index("ix_inbox_deliveries", "partner", "id"),
        Index(
            "ix_inbox_dead",
            "partner",
            "id",
            postgresql_where=text("state = 'dead'"),
            sqlite_where=text("state = 'dead'"),
        ),
        Index(
            "ix_inbox_waiting",
            "next_attempt_at",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_inbox_parked",
            "partner",
            "user_ref_index",
            postgresql_where=text("state = 'parked'"),
            sqlite_where=text("state = 'parked'"),
        ),
        Index(
            "ix_inbox_holder",
            "holder_id",
            postgresql_where=text("holder_id IS NOT NULL"),
            sqlite_where=text("holder_id IS NOT NULL"),
        ),
        Index(
            "ix_inbox_unowned",
            "received_at",
            postgresql_where=text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
            sqlite_where=text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
        ),
        Index(
            "ix_inbox_awaiting_order",
            "partner",
            "order_no",
            postgresql_where=text("parked_for = 'ORDER'"),
            sqlite_where=text("parked_for = 'ORDER'"),
        ),
        Index("ix_inbox_day", "partner", "day", "order_no", "received_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"))
    event_id: Mapped[str] = mapped_column(Text)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner_batches.id"))
    batch_line: Mapped[int | None] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(Instant)
    day: Mapped[date] = mapped_column(Date)
    order_no: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    parked_for: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    user_ref_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    holder_id: Mapped[UUID | None] = mapped_column(Uuid)
    outcome: Mapped[str | None] = mapped_column(Text)
    last_error: Mapped[str | None] = mapped_column(Text)


class InboxConflict(Base):
    """A signed event that came under an id already used for another content: refused, kept as evidence.

    Its columns mean what they mean in the inbox.
    """

    __tablename__ = "inbox_conflicts"

    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), primary_key=True)
    event_id: Mapped[str] = mapped_column(Text, primary_key=True)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed_body: Mapped[bytes | None] = mapped_column(LargeBinary)
    signature: Mapped[str] = mapped_column(Text)
    signed_at: Mapped[datetime] = mapped_column(Instant)
    batch_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner_batches.id"))
    batch_line: Mapped[int | None] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(Instant)
