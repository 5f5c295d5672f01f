"""Campaigns as they stand, and which of them are still counted."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.campaigns.errors import CampaignNotFound
from backend.campaigns.models import Campaign
from backend.campaigns.policy import DRAFT, Board, days_between, state_of
from backend.campaigns.terms import Terms, read_terms


@dataclass(frozen=True, slots=True)
class CampaignView:
    """A campaign with its terms read. `title`: `中文 / English`."""

    code: str
    programme: str
    kind: str
    title: str
    terms: Terms
    joining: str
    starts_at: datetime
    ends_at: datetime
    closes_at: datetime
    announced_at: datetime | None
    cancelled_at: datetime | None
    final_at: datetime | None

    def state(self, now: datetime) -> str:
        """One of `policy.STATES`."""
        return state_of(
            announced=self.announced_at is not None,
            cancelled=self.cancelled_at is not None,
            final=self.final_at is not None,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            now=now,
        )

    @property
    def days(self) -> list[date]:
        """The Shanghai days that have a part in it."""
        return days_between(self.starts_at, self.ends_at)

    def board(self, name: str) -> Board | None:
        """Its board of this name; None where it has none."""
        return next((board for board in self.terms.boards if board.name == name), None)


_STATED = tuple(name for name in CampaignView.__dataclass_fields__ if name != "terms")


def view(row: Campaign | Any) -> CampaignView:
    """A row of `campaigns`, its terms read."""
    return CampaignView(**{name: getattr(row, name) for name in _STATED}, terms=_terms(row.terms))


@lru_cache(maxsize=64)
def _terms(text: str) -> Terms:
    return read_terms(json.loads(text))


def campaign(tx: Session, code: str, *, now: datetime, drafts: bool = False) -> CampaignView:
    """The campaign of this code. Raises CampaignNotFound, for a draft too unless `drafts` are asked for."""
    row = None if "\0" in code else tx.get(Campaign, code)  # PostgreSQL takes no NUL
    found = view(row) if row is not None else None
    if found is None or (found.state(now) == DRAFT and not drafts):
        raise CampaignNotFound(campaign=code)
    return found


def every(tx: Session, programme: str | None = None) -> list[CampaignView]:
    """Every campaign and draft, of one programme if asked for, the latest first."""
    query = select(Campaign.__table__)
    if programme is not None:
        query = query.where(Campaign.programme == programme)
    return [view(row) for row in tx.execute(query.order_by(Campaign.starts_at.desc(), Campaign.code))]


def counted(tx: Session, codes: Collection[str] | None = None) -> list[CampaignView]:
    """The announced campaigns whose scores follow the acts: neither cancelled nor final. Of these codes, if any."""
    query = select(Campaign.__table__).where(
        Campaign.announced_at.is_not(None), Campaign.cancelled_at.is_(None), Campaign.final_at.is_(None)
    )
    if codes is not None:
        query = query.where(Campaign.code.in_(sorted(codes)))
    return [view(row) for row in tx.execute(query.order_by(Campaign.code))]
