"""The big screens of a campaign."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class CampaignScreen(Base):
    """大屏: where it hangs (`title`), and the digest of the ticket it shows itself with, from `opened_at` to `ends_at`.

    `closed_at`: an operator took the ticket back before that.
    """

    __tablename__ = "campaign_screens"
    __table_args__ = (
        UniqueConstraint("ticket_digest"),
        CheckConstraint("opened_at < ends_at", name="time"),
        Index("ix_campaign_screens_campaign", "campaign"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"))
    title: Mapped[str] = mapped_column(Text)
    ticket_digest: Mapped[bytes] = mapped_column(LargeBinary)
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("operators.id"))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
