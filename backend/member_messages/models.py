"""Warnings to members, and what members let be sent to them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

#: To be sent; shown in the mini-program only, until the member lets one be sent; being sent; WeChat took it; WeChat
#: says it arrived, or did not; nobody knows whether WeChat took it; WeChat never will; nothing lapses any more; its
#: time is over.
WAITING, IN_APP, SENDING, SENT = "waiting", "in_app", "sending", "sent"
DELIVERED, UNDELIVERED, UNKNOWN, FAILED = "delivered", "undelivered", "unknown", "failed"
WITHDRAWN, OUTDATED = "withdrawn", "outdated"
STATES = (WAITING, IN_APP, SENDING, SENT, DELIVERED, UNDELIVERED, UNKNOWN, FAILED, WITHDRAWN, OUTDATED)
#: How many days before points lapse a member is warned; the nearer one stands in for the farther once it has come.
DISTANCES = (30, 7)
#: What a member's WeChat answered when it asked whether a message may be sent (`wx.requestSubscribeMessage`).
ACCEPT, REJECT, BAN, FILTER = "accept", "reject", "ban", "filter"
ANSWERS = (ACCEPT, REJECT, BAN, FILTER)
#: More taps than this are not counted.
MOST_PERMISSIONS = 100

_OPEN = "state IN ('waiting', 'sending', 'unknown', 'failed')"


class MessageTemplate(Base):
    """A subscribe-message template 订阅消息模板 of the mini-program, for one kind of message of one programme.

    `fields` is JSON: what the message says → the keyword of the template that holds it (`points` → `number2`).
    `page`: the page of the mini-program that a tap on the message opens; empty for none.
    """

    __tablename__ = "message_templates"
    __table_args__ = (CheckConstraint("kind IN ('points_expiry')", name="kind"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    template_id: Mapped[str] = mapped_column(Text)
    fields: Mapped[str] = mapped_column(Text)
    page: Mapped[str] = mapped_column(Text)
    set_at: Mapped[datetime] = mapped_column(Instant)

    def as_json(self) -> dict[str, str]:
        """As the operator log keeps it."""
        return {"template_id": self.template_id, "fields": self.fields, "page": self.page}


class MessagePermission(Base):
    """How many messages of a template a member still lets be sent: one tap is one message.

    `answer` and `answered_at`: what their WeChat said last.
    """

    __tablename__ = "message_permissions"
    __table_args__ = (
        CheckConstraint(f"remaining BETWEEN 0 AND {MOST_PERMISSIONS}", name="remaining"),
        CheckConstraint("answer IN ('accept', 'reject', 'ban', 'filter')", name="answer"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(Text, primary_key=True)
    remaining: Mapped[int] = mapped_column(Integer)
    answer: Mapped[str] = mapped_column(Text)
    answered_at: Mapped[datetime] = mapped_column(Instant)


class ExpiryWarning(Base):
    """One warning that points lapse: one per member, programme, day and distance, whatever happens.

    `points`: how many it was about when it was looked at last. `claimed_until`: until then somebody is sending it; when
    nobody says how that went, it is `unknown` from then on. `message_id`: WeChat's own number of the message.
    """

    __tablename__ = "expiry_warnings"
    __table_args__ = (
        UniqueConstraint("holder_id", "programme", "lapses_on", "days_ahead"),
        CheckConstraint("days_ahead IN (30, 7)", name="days_ahead"),
        CheckConstraint("points > 0", name="points"),
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="state"),
        CheckConstraint("(state = 'sending') = (claimed_until IS NOT NULL)", name="claimed"),
        CheckConstraint("state NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL", name="sent"),
        Index(
            "ix_expiry_warnings_due",
            *("next_attempt_at", "lapses_on", "holder_id", "id"),
            postgresql_where=text("state = 'waiting'"),
            sqlite_where=text("state = 'waiting'"),
        ),
        Index("ix_expiry_warnings_open", "state", postgresql_where=text(_OPEN), sqlite_where=text(_OPEN)),
        Index("ix_expiry_warnings_lapses_on", "lapses_on"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    lapses_on: Mapped[date] = mapped_column(Date)
    days_ahead: Mapped[int] = mapped_column(SmallInteger)
    points: Mapped[int] = mapped_column(Amount)
    state: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime] = mapped_column(Instant)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(SmallInteger)
    claimed_until: Mapped[datetime | None] = mapped_column(Instant)
    template_id: Mapped[str | None] = mapped_column(Text)
    message_id: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    error: Mapped[str | None] = mapped_column(Text)


class WarningRound(Base):
    """How far the warnings of a Shanghai day have been collected: behind the lot that lapses then, of that holder."""

    __tablename__ = "warning_rounds"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    after_instant: Mapped[datetime | None] = mapped_column(Instant)
    after_holder: Mapped[UUID | None] = mapped_column(Uuid)
    after_lot: Mapped[UUID | None] = mapped_column(Uuid)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class MessageHalt(Base):
    """No message of this template is sent until then, because WeChat found fault with it; `*` stands for all."""

    __tablename__ = "message_halts"

    template_id: Mapped[str] = mapped_column(Text, primary_key=True)
    until: Mapped[datetime] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text)
