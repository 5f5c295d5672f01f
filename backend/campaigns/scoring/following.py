"""Following the books: scores are brought up to date from what was announced, in batches, by one process at a time."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, identity, outbox
from backend.campaigns import reading
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.keeping import Changed, recount
from backend.campaigns.scoring.models import CampaignFollower
from backend.database import transaction
from backend.lists import insert_rows
from backend.outbox import Announcement

NAME = "scores"
BATCH = 500
#: Days that one batch counts again, some more: who joins a long campaign has many.
MOST_DAYS = 20_000
#: An act is worth more or less than before.
ACTS_CHANGED = ("reduction.issued", "reduction.reversed", "reduction.restated")
#: A participant joined, left, shows or hides, is in another team or city: all of their days are counted.
PARTICIPANT_CHANGED = "campaign.participant_changed"

Days = set[tuple[UUID, date]]


@dataclass(frozen=True, slots=True)
class Followed:
    """One batch: the announcements between these positions, and every score they changed."""

    after: int
    up_to: int
    looked_at: int
    changed: Sequence[Changed]


def participant_changed(tx: Session, campaign: str, holder_ids: Sequence[UUID], *, now: datetime) -> None:
    """Announce that these participants are to be counted again, in the transaction that changes something of them."""
    news = [Announcement(PARTICIPANT_CHANGED, holder_id, {"campaign": campaign}) for holder_id in holder_ids]
    outbox.announce(tx, news, now=now)


def hold_follower(tx: Session, name: str = NAME) -> CampaignFollower:
    """Hold a follower until commit; whoever writes scores does so under that of the scores."""
    insert_rows(tx, CampaignFollower, [{"name": name, "position": 0}], on_conflict=("name",))
    query = select(CampaignFollower).where(CampaignFollower.name == name)
    return tx.scalars(query.with_for_update().execution_options(populate_existing=True)).one()


def follow(tx: Session, *, now: datetime, limit: int = BATCH) -> Followed:
    """Count again what the next announcements are about. `looked_at` is 0 when there is nothing to follow.

    While there is no campaign to count, nothing needs to be looked at: who joins one later is counted from the acts.
    """
    follower = hold_follower(tx)
    after, newest = follower.position, outbox.last_position(tx)
    campaigns = reading.counted(tx)  # behind the position: what was announced before it is seen with its campaign
    rows = outbox.read_after(tx, after, limit=limit) if campaigns else ()
    if not rows:
        follower.position = max(after, newest) if not campaigns else after
        tx.flush()
        return Followed(after, follower.position, 0, ())
    touched, looked_at = _touched(campaigns, rows)
    changed: list[Changed] = []
    for campaign in campaigns:
        changed += recount(tx, campaign, touched[campaign.code], now=now)
    follower.position = rows[looked_at - 1].position
    tx.flush()
    return Followed(after, follower.position, looked_at, changed)


def follow_all(
    sessions: sessionmaker[Session],
    *,
    tell: Callable[[Followed], None] = lambda followed: None,
    stopping: Callable[[], bool] = lambda: False,
    limit: int = BATCH,
) -> int:
    """Follow batch by batch, each in a transaction of its own, until there is nothing more or `stopping` says so.

    `tell` hears of each batch after it was committed. Returns how many announcements were looked at.
    """
    looked_at = 0
    while not stopping():
        with transaction(sessions) as tx:
            followed = follow(tx, now=clock.now(), limit=limit)
        tell(followed)
        looked_at += followed.looked_at
        if not followed.looked_at:
            break
    return looked_at


def followed_by_all(tx: Session) -> int | None:
    """Up to which announcement everybody in this room has followed; None while nobody follows."""
    return tx.scalar(select(func.min(CampaignFollower.position)))


def position(tx: Session) -> int | None:
    """Up to which announcement the scores are made; None before the first was followed."""
    return tx.scalar(select(CampaignFollower.position).where(CampaignFollower.name == NAME))


def _touched(campaigns: Sequence[CampaignView], rows: Sequence[Any]) -> tuple[dict[str, Days], int]:
    """The (holder, day) of each campaign that these announcements are about, and how many of them: as many as have
    `MOST_DAYS` together, but one at least."""
    by_code = {campaign.code: campaign for campaign in campaigns}
    days_of = {campaign.code: frozenset(campaign.days) for campaign in campaigns}
    found: dict[str, Days] = defaultdict(set)
    for looked_at, row in enumerate(rows, start=1):
        if row.holder_id is not None and row.topic in _ABOUT:
            facts = json.loads(row.payload)
            for campaign, days in _ABOUT[row.topic](by_code, days_of, facts):
                found[campaign] |= {(row.holder_id, day) for day in days}
        if sum(map(len, found.values())) >= MOST_DAYS:
            return found, looked_at
    return found, len(rows)


Campaigns = Mapping[str, CampaignView]
DaysOf = Mapping[str, Collection[date]]
About = Iterator[tuple[str, Collection[date]]]


def _by_act(campaigns: Campaigns, days_of: DaysOf, facts: Mapping[str, Any]) -> About:
    day = date.fromisoformat(facts["day"])
    for code, campaign in campaigns.items():
        if campaign.programme == facts["programme"] and day in days_of[code]:
            yield code, (day,)


def _by_campaign(_: Campaigns, days_of: DaysOf, facts: Mapping[str, Any]) -> About:
    if facts["campaign"] in days_of:
        yield facts["campaign"], days_of[facts["campaign"]]


def _by_roster(campaigns: Campaigns, days_of: DaysOf, facts: Mapping[str, Any]) -> About:
    for code, campaign in campaigns.items():
        if campaign.programme == facts["programme"] and campaign.terms.department_depth:
            yield code, days_of[code]


def _by_age(_: Campaigns, days_of: DaysOf, _facts: Mapping[str, Any]) -> About:
    yield from days_of.items()


#: Topic → which days of which campaigns its announcement is about.
_ABOUT: dict[str, Callable[[Campaigns, DaysOf, Mapping[str, Any]], About]] = {
    **dict.fromkeys(ACTS_CHANGED, _by_act),
    PARTICIPANT_CHANGED: _by_campaign,
    identity.roster.CHANGED: _by_roster,
    identity.AGE_CHANGED: _by_age,
}
