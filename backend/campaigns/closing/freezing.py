"""Freezing: when a campaign closes, everybody is counted once more from the acts themselves, and that is the result.

The running scores are not asked: whatever went wrong with them, the result is what the books say at one moment.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, database, identity
from backend.campaigns import reading, scoring
from backend.campaigns.closing import statement
from backend.campaigns.closing.following import hold_finals
from backend.campaigns.closing.models import CampaignCount, CampaignFinal, CampaignFinalScore
from backend.campaigns.errors import CampaignNotClosed
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.policy import PERSON, total
from backend.campaigns.reading import CampaignView
from backend.lists import insert_rows
from backend.signing_keys import SigningKey

#: How many participants are counted by one set of statements.
PAGE = 1_000

log = structlog.get_logger(__name__)


def close_due(sessions: sessionmaker[Session], key: SigningKey) -> int:
    """Freeze every campaign whose time has come; returns how many became final."""
    with database.reading(sessions) as tx:
        due = [item.code for item in reading.counted(tx) if item.closes_at <= clock.now()]
    return sum(close(sessions, key, code) for code in due)


def close(sessions: sessionmaker[Session], key: SigningKey, code: str) -> bool:
    """Freeze one campaign; False where it is final already. Raises CampaignNotFound, CampaignNotClosed.

    The running scores and the heads of groups are brought up to date first, for boards of groups, of single days and of
    weeks are read from them.
    """
    while database.retried(sessions, lambda tx: scoring.follow(tx, now=clock.now())).looked_at:
        pass
    database.retried(sessions, lambda tx: _count_heads(tx, code))

    def attempt(tx: Session) -> bool:
        database.read_one_moment(tx)
        return freeze(tx, key, code, now=clock.now())

    return database.retried(sessions, attempt)


def _count_heads(tx: Session, code: str) -> None:
    scoring.hold_follower(tx)
    for campaign in reading.counted(tx, [code]):
        scoring.count_heads(tx, campaign, now=clock.now())


def freeze(tx: Session, key: SigningKey, code: str, *, now: datetime) -> bool:
    """Count, rank, sign and keep the result, in one transaction that sees one moment (`database.read_one_moment`).

    Whoever follows corrections is held until commit: what is taken back meanwhile is announced, and looked at then.
    """
    hold_finals(tx)
    campaign = require_closed(tx, code, now=now)
    if campaign.final_at is not None:
        return False
    tx.execute(delete(CampaignCount).where(CampaignCount.campaign == code))
    participants = 0
    for page in _pages(tx, code):
        participants += len(page)
        insert_rows(tx, CampaignCount, _counted(tx, campaign, page))
    _rank(tx, code)
    _sign(tx, key, campaign, participants, now)
    tx.execute(delete(CampaignCount).where(CampaignCount.campaign == code))
    tx.execute(update(Campaign).where(Campaign.code == code).values(final_at=now))
    log.info("campaign_final", campaign=code, participants=participants)
    return True


def require_closed(tx: Session, code: str, *, now: datetime) -> CampaignView:
    """The campaign, of which nothing counts any more that comes late. Raises CampaignNotFound, CampaignNotClosed."""
    campaign = reading.campaign(tx, code, now=now)
    if campaign.cancelled_at is not None or now < campaign.closes_at:
        raise CampaignNotClosed(campaign=code, closes_at=clock.iso(campaign.closes_at))
    return campaign


def _pages(tx: Session, code: str) -> Iterator[Sequence[Any]]:
    """Everybody who takes part and did not leave, page by page."""
    row = CampaignParticipant.__table__.c
    query = select(CampaignParticipant.__table__).where(row.campaign == code, row.left_at.is_(None))
    after: UUID | None = None
    while True:
        further = query.where(row.holder_id > after) if after is not None else query
        page = tx.execute(further.order_by(row.holder_id).limit(PAGE)).all()
        if not page:
            return
        yield page
        after = page[-1].holder_id


def _counted(tx: Session, campaign: CampaignView, page: Sequence[Any]) -> list[dict[str, Any]]:
    """What these participants came to; those without acts that count are left out."""
    rows = {row.holder_id: row for row in page}
    scores = scoring.count_acts(tx, campaign, [(holder_id, day) for holder_id in rows for day in campaign.days])
    minors = identity.minors_among(tx, rows, now=campaign.closes_at)
    of_holder: dict[UUID, list[Any]] = {}
    for (holder_id, _), score in scores.items():
        of_holder.setdefault(holder_id, []).append(score)
    return [
        {
            "holder_id": holder_id,
            "campaign": campaign.code,
            "participant_id": rows[holder_id].id,
            "listed": rows[holder_id].shown and rows[holder_id].kind == PERSON and holder_id not in minors,
            "days": len(mine),
            **total(mine)._asdict(),
        }
        for holder_id, mine in sorted(of_holder.items())
    ]


def _rank(tx: Session, code: str) -> None:
    """Give everybody who was counted their places: one behind the listed ones who have more."""
    count = CampaignCount.__table__.c
    seen = case((count.listed, 1), else_=0)

    def rank(score: Any) -> Any:
        up_to_here = func.sum(seen).over(order_by=score.desc())  # with the equal ones
        return (up_to_here - func.sum(seen).over(partition_by=score) + 1).label(f"rank_{score.name}")

    query = select(*count, rank(count.grams), rank(count.points)).where(count.campaign == code)
    names = [*(column.name for column in count), "rank_grams", "rank_points"]
    tx.execute(insert(CampaignFinalScore).from_select(names, query))


def _sign(tx: Session, key: SigningKey, campaign: CampaignView, participants: int, now: datetime) -> None:
    """Keep what the result comes to, and the signature of the statement of it."""
    row = CampaignFinalScore.__table__.c
    sums = select(
        func.count().label("scored"),
        func.coalesce(func.sum(case((row.listed, 1), else_=0)), 0).label("listed"),
        func.coalesce(func.sum(row.grams), 0).label("grams"),
        func.coalesce(func.sum(row.points), 0).label("points"),
    ).where(row.campaign == campaign.code)
    scored = tx.execute(sums).one()
    final: dict[str, Any] = {name: int(getattr(scored, name)) for name in ("scored", "listed", "grams", "points")}
    final |= {"campaign": campaign.code, "frozen_at": now, "participants": participants}
    final["scores_sha256"] = statement.scores_sha256(tx, campaign.code)
    made = statement.made(tx, key, campaign, final)
    final |= {"statement_sha256": made.sha256, "signature": made.signature}
    made.close()
    insert_rows(tx, CampaignFinal, [final])
