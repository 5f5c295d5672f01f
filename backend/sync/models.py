"""Destinations, their keys, and what was delivered to them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

#: What becomes of a notice (`Delivery.state`).
WAITING, DELIVERED, DEAD, STOPPED, WITHHELD = "waiting", "delivered", "dead", "stopped", "withheld"
#: What an account is to a destination (`AccountSequence.state`).
TOLD, INTERRUPTED, ENDED = "told", "interrupted", "ended"
#: What a difference is (`Difference.state`).
OPEN, EXPLAINED, HEALED = "open", "explained", "healed"


class Destination(Base):
    """A platform that is told. `topics` is a JSON list; `position` is the last announcement that was fanned out to it.

    `basis`: `entrusted` works for us under contract; `consent` is told about a person only while they agree, and what
    members read about it is `title`, `contact` and `purpose` (`中文 / English`). Nothing is sent before `quiet_until`,
    which a receiver sets by asking for patience. `claimed_until` says until when one worker alone delivers here; a
    worker that dies lets it run out. From `retired_at` on it is told nothing ever again; the row stays as a record.
    """

    __tablename__ = "sync_destinations"
    __table_args__ = (CheckConstraint("basis IN ('entrusted', 'consent')", name="basis"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    url: Mapped[str] = mapped_column(Text)
    basis: Mapped[str] = mapped_column(Text)
    title: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)
    purpose: Mapped[str] = mapped_column(Text)
    topics: Mapped[str] = mapped_column(Text)
    active: Mapped[bool]
    position: Mapped[int] = mapped_column(Amount)
    quiet_until: Mapped[datetime] = mapped_column(Instant)
    claimed_until: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def consented_to(self) -> str | None:
        """The code that persons' consents have to name; None where none is needed."""
        return self.code if self.basis == "consent" else None


class DestinationKey(Base):
    """A key we sign with (`whsec_…`), sealed by the house; several are valid during a rotation."""

    __tablename__ = "sync_keys"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    destination: Mapped[str] = mapped_column(ForeignKey("sync_destinations.code"), index=True)
    sealed_key: Mapped[bytes] = mapped_column(LargeBinary)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)


class AccountSequence(Base):
    """What one destination was told about one account: `last` is the number of its last notice, `since` when it began.

    It knows the account by `pseudonym` and programme. `state`: `told` everything; `interrupted`, when something was
    withheld since, so that the balances are stated before the next change is told; `ended`, when it was told that
    nothing more comes. The rows stay as the record of whom a platform was told about.
    """

    __tablename__ = "sync_sequences"
    __table_args__ = (
        UniqueConstraint("destination", "pseudonym", "programme"),
        CheckConstraint("state IN ('told', 'interrupted', 'ended')", name="state"),
    )

    destination: Mapped[str] = mapped_column(ForeignKey("sync_destinations.code"), primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    pseudonym: Mapped[str] = mapped_column(Text)
    last: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(Instant)


class Delivery(Base):
    """One announcement on its way to one destination; `id` is the id the receiver sees, over every attempt.

    `state`: waiting → delivered | dead (every attempt failed) | stopped (the destination wants nothing any more) |
    withheld (the destination may not be told about this person any more, or is retired).
    """

    __tablename__ = "sync_deliveries"
    __table_args__ = (
        UniqueConstraint("outbox_id", "destination"),
        UniqueConstraint("destination", "holder_id", "programme", "sequence"),
        CheckConstraint("state IN ('waiting', 'delivered', 'dead', 'stopped', 'withheld')", name="state"),
        Index(
            "ix_sync_deliveries_waiting",
            "destination",
            "next_attempt_at",
            "id",
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    destination: Mapped[str] = mapped_column(ForeignKey("sync_destinations.code"))
    outbox_id: Mapped[UUID] = mapped_column(ForeignKey("outbox.id"))
    holder_id: Mapped[UUID] = mapped_column(Uuid)
    programme: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    last_status: Mapped[int | None] = mapped_column(Integer)
    last_error: Mapped[str | None] = mapped_column(Text)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)


class Comparison(Base):
    """One comparison of a mirroring platform's balances with ours, page by page; `cursor` is the last holder compared.

    `claimed_until`: one worker alone asks. A question that fails is asked again at `next_attempt_at`; `error` says why
    a comparison ended early.
    """

    __tablename__ = "sync_comparisons"
    __table_args__ = (
        Index(
            "uq_sync_comparisons_open",
            "destination",
            unique=True,
            postgresql_where=text("finished_at IS NULL"),
            sqlite_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    destination: Mapped[str] = mapped_column(ForeignKey("sync_destinations.code"))
    begun_at: Mapped[datetime] = mapped_column(Instant)
    cursor: Mapped[str | None] = mapped_column(Text)
    accounts: Mapped[int] = mapped_column(Amount)
    differing: Mapped[int] = mapped_column(Amount)
    failures: Mapped[int] = mapped_column(Integer)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    claimed_until: Mapped[datetime] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class Difference(Base):
    """An account whose balances a platform and we see differently, under the platform's name for its holder.

    `ours` and `theirs` are JSON: our balances where it should stand by the notices it counted, and its own with their
    number; null where that side has no such account. `state`: open → healed, when a comparison agrees; `explained`
    while it lacks nothing but notices that we could not deliver.
    """

    __tablename__ = "sync_differences"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'explained', 'healed')", name="state"),
        Index(
            "uq_sync_differences_standing",
            "destination",
            "pseudonym",
            "programme",
            unique=True,
            postgresql_where=text("state <> 'healed'"),
            sqlite_where=text("state <> 'healed'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    destination: Mapped[str] = mapped_column(ForeignKey("sync_destinations.code"))
    pseudonym: Mapped[str] = mapped_column(Text)
    programme: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    ours: Mapped[str | None] = mapped_column(Text)
    theirs: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    first_seen_at: Mapped[datetime] = mapped_column(Instant)
    last_seen_at: Mapped[datetime] = mapped_column(Instant)
