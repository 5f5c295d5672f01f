"""Comparing the scores of campaigns with a clean count, so that nobody has to believe that following is right.

Each page is judged within one moment of the database. Of whom something was announced that is not followed yet is left
out: their scores are still to change.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock, database, outbox
from backend.campaigns.reading import CampaignView, counted
from backend.campaigns.scoring import groups, summing
from backend.campaigns.scoring.following import Followed, position
from backend.campaigns.scoring.keeping import Judged, judge
from backend.campaigns.scoring.models import CampaignComparison, CampaignScore
from backend.campaigns.scoring.rebuilding import counted_campaign, page_behind, rebuild
from backend.database import transaction
from backend.lists import upsert_rows

#: Differences that are told one by one; all of them are counted.
TOLD = 100

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is stored otherwise than it is counted. `what`: score, group, bucket or stray.

    `whose`: a participant, a group, a measure with its bucket. `stored` and `counted`: what is in the row.
    """

    what: str
    period: str
    whose: str
    stored: str | None
    counted: str | None


class Reading(Protocol):
    """Opens a transaction in which nothing is written, as `database.reading` does."""

    def __call__(self, *, one_moment: bool) -> AbstractContextManager[Session]: ...


def compare(reading: Reading, code: str) -> Iterator[tuple[int, list[Difference]]]:
    """Compare the scores of a campaign page by page; writes nothing. Yields how many participants were looked at so
    far, and what differs. Raises CampaignNotFound, CampaignNotCounted."""
    last, looked_at = None, 0
    while True:
        with reading(one_moment=True) as tx:
            campaign = counted_campaign(tx, code, now=clock.now())
            page = page_behind(tx, campaign, last)
            if not page:
                yield looked_at, _of_sums(tx, campaign)
                return
            found = _of_scores(tx, campaign, page)
        looked_at += len(page)
        yield looked_at, found
        last = page[-1]


def _of_scores(tx: Session, campaign: CampaignView, page: list[UUID]) -> list[Difference]:
    days = [(holder_id, day) for holder_id in page for day in campaign.days]
    judged = judge(tx, campaign, days, ids_of=groups.ids_known, now=clock.now())
    differing = sorted(judged.changed.keys() | judged.gone)
    waiting = outbox.waiting_for(tx, {holder_id for holder_id, _ in differing}, position(tx) or 0)
    return [_difference(judged, key) for key in differing if key[0] not in waiting]


def _difference(judged: Judged, key: tuple[UUID, str]) -> Difference:
    before, after = judged.before.get(key), judged.after.get(key)
    whose = str((before or after or {})["participant_id"])
    return Difference("score", key[1], whose, _text(before), _text(after))


def _of_sums(tx: Session, campaign: CampaignView) -> list[Difference]:
    """Groups and buckets against the scores they are summed up from, and scores that are nobody's."""
    found = []
    both: tuple[tuple[str, Mapping[Any, object], Mapping[Any, object]], ...] = (
        ("group", summing.stored_group_sums(tx, campaign), summing.group_sums(tx, campaign)),
        ("bucket", summing.stored_buckets(tx, campaign), summing.buckets(tx, campaign)),
    )
    for what, stored, clean in both:
        for key in sorted(stored.keys() | clean.keys()):
            if stored.get(key) != clean.get(key):
                whose = " ".join(map(str, key[1:]))
                found.append(Difference(what, key[0], whose, _text(stored.get(key)), _text(clean.get(key))))
    query = select(CampaignScore).where(summing.strays(campaign)).order_by(CampaignScore.holder_id).limit(TOLD)
    lost = [Difference("stray", row.period, str(row.participant_id), str(row.grams), None) for row in tx.scalars(query)]
    return found + lost


def _text(row: object) -> str | None:
    return None if row is None else str(row)


def compare_all(
    sessions: sessionmaker[Session],
    *,
    tell: Callable[[Followed], None] = lambda followed: None,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Compare every campaign that is counted, note what came of it, and rebuild those that differ. Returns how much
    differed."""
    with transaction(sessions) as tx:
        codes = [campaign.code for campaign in counted(tx)]
    differing = 0
    for code in codes:
        if stopping():
            break
        pages = list(compare(partial(database.reading, sessions), code))
        differences = [difference for _, found in pages for difference in found]
        with transaction(sessions) as tx:
            note(tx, code, pages[-1][0], len(differences))
        if differences:
            log.error("campaign_scores_differ", campaign=code, count=len(differences), first=str(differences[0]))
            for _ in rebuild(sessions, code, tell=tell, stopping=stopping):
                pass
        differing += len(differences)
    return differing


def note(tx: Session, code: str, participants: int, differences: int) -> None:
    """Keep what a comparison found, for those who watch."""
    row = {
        "campaign": code,
        "compared_at": clock.now(),
        "participants": participants,
        "differences": differences,
    }
    upsert_rows(tx, CampaignComparison, [row], key=("campaign",))


def differences_found(tx: Session) -> dict[str, int]:
    """Campaign → how much differed when it was last compared, of those whose scores are counted."""
    codes = [campaign.code for campaign in counted(tx)]
    query = select(CampaignComparison.campaign, CampaignComparison.differences)
    rows = tx.execute(query.where(CampaignComparison.campaign.in_(codes)))
    return {row.campaign: row.differences for row in rows}
