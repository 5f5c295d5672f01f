"""Pledges for car-free days, and what the days of a campaign came to when they were last counted."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant


class CampaignPledge(Base):
    """承诺: somebody who takes part says that they will leave the car on a day. Whether they did, their acts say."""

    __tablename__ = "campaign_pledges"
    __table_args__ = (Index("ix_campaign_pledges_day", "campaign", "day"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    pledged_at: Mapped[datetime] = mapped_column(Instant)


class CarFreeDay(Base):
    """A day of a campaign as it was counted last: counted again from pledges and acts, never added to.

    `pledged`: who pledged; `kept`: who of them did; `parked`: participants whose car stood, pledged or not;
    `reduction_g`: grams of these cars.
    """

    __tablename__ = "campaign_car_free_days"
    __table_args__ = (CheckConstraint("0 <= kept AND kept <= pledged AND parked >= 0", name="people"),)

    campaign: Mapped[str] = mapped_column(ForeignKey("campaigns.code"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    pledged: Mapped[int] = mapped_column(Integer)
    kept: Mapped[int] = mapped_column(Integer)
    parked: Mapped[int] = mapped_column(Integer)
    reduction_g: Mapped[int] = mapped_column(Amount)
    counted_at: Mapped[datetime] = mapped_column(Instant)
