"""Making the scores of a campaign again from the acts, page by page, while boards are read and news is followed."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.campaigns import reading
from backend.campaigns.errors import CampaignNotCounted
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.following import Followed, hold_follower
from backend.campaigns.scoring.heads import count_heads
from backend.campaigns.scoring.keeping import recount
from backend.campaigns.scoring.summing import sum_up
from backend.database import transaction

#: Days of participants that one transaction counts.
PAGE_DAYS = 4_000


def counted_campaign(tx: Session, code: str, *, now: datetime) -> CampaignView:
    """A campaign whose scores are counted. Raises CampaignNotFound, and CampaignNotCounted for one that is not
    announced, is cancelled or final."""
    found = reading.campaign(tx, code, now=now, drafts=True)
    if not reading.counted(tx, [code]):
        raise CampaignNotCounted(campaign=code, state=found.state(now))
    return found


def count_participants(tx: Session, campaign: CampaignView) -> int:
    """How many take part or took part."""
    mine = CampaignParticipant.campaign == campaign.code
    return tx.scalar(select(func.count()).select_from(CampaignParticipant).where(mine)) or 0


def page_behind(tx: Session, campaign: CampaignView, last: UUID | None) -> list[UUID]:
    """The next holders who take part or took part, behind one of them; as many as have `PAGE_DAYS` days."""
    row = CampaignParticipant.__table__.c
    query = select(row.holder_id).where(row.campaign == campaign.code).order_by(row.holder_id)
    if last is not None:
        query = query.where(row.holder_id > last)
    return list(tx.scalars(query.limit(max(1, PAGE_DAYS // len(campaign.days)))))


def rebuild(
    sessions: sessionmaker[Session],
    code: str,
    *,
    tell: Callable[[Followed], None] = lambda followed: None,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[int, int]]:
    """Count everything of a campaign again: days, weeks, the whole, groups, buckets and heads.

    Yields how many participants were looked at and how many of their scores were wrong, page by page; `tell` hears of
    what changed after each commit. What is `stopping` half-way is right up to there, and may be begun again.
    Raises CampaignNotFound, CampaignNotCounted.
    """
    last, looked_at = None, 0
    while not stopping():
        with transaction(sessions) as tx:
            at = hold_follower(tx).position
            campaign = counted_campaign(tx, code, now=clock.now())
            page = page_behind(tx, campaign, last)
            days = [(holder_id, day) for holder_id in page for day in campaign.days]
            changed = recount(tx, campaign, days, now=clock.now())
            if not page:
                sum_up(tx, campaign)
                count_heads(tx, campaign, now=clock.now())
        tell(Followed(at, at, 0, changed))
        looked_at += len(page)
        yield looked_at, len(changed)
        if not page:
            return
        last = page[-1]
