"""Screens and their tickets: opened by an operator, recognised by a digest, closed when a ticket got around."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import operator_log
from backend.campaigns import reading
from backend.campaigns.errors import InvalidCampaign
from backend.campaigns.live.errors import ScreenNotFound, ScreenTicketRefused
from backend.campaigns.live.models import CampaignScreen
from backend.identity import OperatorView
from backend.ids import new_id

#: For how long after the close a screen still shows the result.
SHOWS_RESULT = timedelta(days=7)
_LONGEST_TITLE, _LONGEST_TICKET = 80, 100


@dataclass(frozen=True, slots=True)
class ScreenView:
    """A screen, without its ticket: that is shown once."""

    id: UUID
    campaign: str
    title: str
    opened_at: datetime
    ends_at: datetime
    closed_at: datetime | None


def open_screen(
    tx: Session, campaign: str, title: str, *, operator: OperatorView, reason: str, now: datetime
) -> tuple[ScreenView, str]:
    """A new screen and its ticket, which nothing can show again. `title`: where it hangs.

    Raises CampaignNotFound, and InvalidCampaign for a title that is none and a campaign that is long over.
    """
    found = reading.campaign(tx, campaign, now=now)
    if not title.strip() or len(title) > _LONGEST_TITLE or not title.isprintable():
        raise InvalidCampaign(field="title", problem=f"a text of 1 to {_LONGEST_TITLE} characters")
    ends_at = found.closes_at + SHOWS_RESULT
    if ends_at <= now:
        raise InvalidCampaign(field="closes_at", problem="the campaign has been over for too long")
    ticket = "scr_" + secrets.token_urlsafe(32)
    row = CampaignScreen(
        id=new_id(),
        campaign=found.code,
        title=title,
        ticket_digest=_digest(ticket),
        opened_by=operator.id,
        opened_at=now,
        ends_at=ends_at,
        closed_at=None,
    )
    tx.add(row)
    tx.flush()
    after = {"campaign": found.code, "title": title, "ends_at": ends_at}
    _note(tx, "campaign.screen_opened", row, operator, reason, after, now)
    return _view(row), ticket


def close_screen(tx: Session, id: UUID, *, operator: OperatorView, reason: str, now: datetime) -> None:
    """Take a screen's ticket back: its stream ends within seconds. Raises ScreenNotFound."""
    row = tx.get(CampaignScreen, id, with_for_update=True, populate_existing=True)
    if row is None or row.closed_at is not None:
        raise ScreenNotFound(screen=str(id))
    row.closed_at = now
    tx.flush()
    _note(tx, "campaign.screen_closed", row, operator, reason, {"closed_at": now}, now)


def screens_of(tx: Session, campaign: str) -> list[ScreenView]:
    """The screens of a campaign, open and closed, in the order they were opened."""
    query = select(CampaignScreen).where(CampaignScreen.campaign == campaign).order_by(CampaignScreen.id)
    return [_view(row) for row in tx.scalars(query)]


def admitted(tx: Session, campaign: str, ticket: str, *, now: datetime) -> ScreenView:
    """The screen of this campaign that has this ticket. Raises ScreenTicketRefused."""
    if len(ticket) > _LONGEST_TICKET or not ticket.isascii():
        raise ScreenTicketRefused
    row = tx.scalars(select(CampaignScreen).where(CampaignScreen.ticket_digest == _digest(ticket))).one_or_none()
    if row is None or row.campaign != campaign or row.closed_at is not None or row.ends_at <= now:
        raise ScreenTicketRefused
    return _view(row)


def _digest(ticket: str) -> bytes:
    return hashlib.sha256(ticket.encode()).digest()


def _view(row: CampaignScreen) -> ScreenView:
    return ScreenView(**{name: getattr(row, name) for name in ScreenView.__dataclass_fields__})


def _note(
    tx: Session,
    action: str,
    row: CampaignScreen,
    operator: OperatorView,
    reason: str,
    after: dict[str, object],
    now: datetime,
) -> None:
    subject = f"screen {row.id}"
    operator_log.write(tx, operator_id=operator.id, action=action, subject=subject, reason=reason, after=after, now=now)
