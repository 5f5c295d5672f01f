"""Counting a PK: from the running scores while it runs, from the acts themselves when it becomes final.

Nothing is added up as it happens: whatever arrived late, was taken back or corrected, in whatever order, the same acts
come to the same result.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Uuid, func, select
from sqlalchemy.orm import Session

from backend.campaigns import scoring
from backend.campaigns.challenges import sides
from backend.campaigns.challenges.models import CampaignChallenge, CampaignChallengeMember, CampaignChallengeScore
from backend.campaigns.challenges.policy import CHALLENGER, DEPARTMENT, OPPONENT, SIDES, Side, days_of
from backend.campaigns.models import CampaignGroup
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.models import CampaignScore
from backend.lists import recordset

#: Holder → day → what they did on it.
Days = Mapping[UUID, Mapping[date, int]]
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class People:
    """Who is on a side: how many, and those of them who have an account."""

    count: int
    holder_ids: frozenset[UUID]


def people_of(tx: Session, campaign: CampaignView, row: CampaignChallenge) -> dict[str, People]:
    """Who is on each side: as it was accepted; of departments, whoever is on their roster on one of the days."""
    if row.kind == DEPARTMENT:
        return {name: _staff(tx, campaign, row, side_id) for name, side_id in ids_of(row).items()}
    member = CampaignChallengeMember
    found: dict[str, set[UUID]] = {name: set() for name in SIDES}
    query = select(member.side, member.holder_id).where(member.challenge_id == row.id)
    for side, holder_id in tx.execute(query):
        found[side].add(holder_id)
    return {side: People(len(holders), frozenset(holders)) for side, holders in found.items()}


def ids_of(row: CampaignChallenge) -> dict[str, UUID]:
    """Side → what it is known by."""
    return {CHALLENGER: row.challenger_id, OPPONENT: row.opponent_id}


def from_acts(tx: Session, campaign: CampaignView, row: CampaignChallenge) -> tuple[dict[str, int], dict[str, Days]]:
    """The people of each side, and what they did by day: from the acts that were settled before the PK was due."""
    people = people_of(tx, campaign, row)
    amounts = {
        name: _acts_of(tx, campaign, row, people[name].holder_ids, group_id if row.kind == DEPARTMENT else None)
        for name, group_id in ids_of(row).items()
    }
    return {name: found.count for name, found in people.items()}, amounts


def standing(tx: Session, campaign: CampaignView, row: CampaignChallenge) -> dict[str, Side]:
    """Both sides as the running scores know them: what is shown until the PK is final."""
    people = people_of(tx, campaign, row)
    return {
        name: Side(people[name].count, *_summed(tx, row, people[name].holder_ids, group_id))
        for name, group_id in ids_of(row).items()
    }


def final_days(tx: Session, challenge_id: UUID) -> dict[str, dict[UUID, dict[date, int]]]:
    """What the final result counted, by side, holder and day."""
    found: dict[str, dict[UUID, dict[date, int]]] = {name: defaultdict(dict) for name in SIDES}
    query = select(CampaignChallengeScore.__table__).where(CampaignChallengeScore.challenge_id == challenge_id)
    for score in tx.execute(query):
        found[score.side][score.holder_id][score.day] = score.amount
    return found


def days_now(tx: Session, campaign: CampaignView, row: CampaignChallenge, holder_ids: Collection[UUID]) -> Days:
    """What these holders' days of a PK come to now, whatever they changed of their participation since."""
    found: dict[UUID, dict[date, int]] = defaultdict(dict)
    for page in _pages(holder_ids):
        scores = scoring.count_acts(tx, campaign, _asked(row, page))
        for (holder_id, day), score in scores.items():
            if amount := getattr(score, row.measure):
                found[holder_id][day] = amount
    return found


def _staff(tx: Session, campaign: CampaignView, row: CampaignChallenge, group_id: UUID) -> People:
    path = tx.get_one(CampaignGroup, group_id).key
    staff = sides.staff_of(tx, campaign, path, row.first_day, row.last_day)
    return People(len(staff), frozenset(id for id, has_account in staff.items() if has_account))


def _acts_of(
    tx: Session, campaign: CampaignView, row: CampaignChallenge, holder_ids: Collection[UUID], group_id: UUID | None
) -> Days:
    """Holder → day → amount, of those who take part; of one group only the days that are counted for it."""
    found: dict[UUID, dict[date, int]] = defaultdict(dict)
    for page in _pages(holder_ids):
        participants = scoring.participants_of(tx, campaign.code, page)
        scored = scoring.count_days(tx, campaign, participants, _asked(row, page), recorded_before=row.due_at)
        for (holder_id, day), item in scored.items():
            amount = getattr(item.score, row.measure)
            if amount and (group_id is None or group_id in item.groups):
                found[holder_id][day] = amount
    return found


def _asked(row: CampaignChallenge, holder_ids: Collection[UUID]) -> list[tuple[UUID, date]]:
    days = days_of(row.first_day, row.last_day)
    return [(holder_id, day) for holder_id in holder_ids for day in days]


def _summed(tx: Session, row: CampaignChallenge, holder_ids: Collection[UUID], group_id: UUID) -> tuple[int, int]:
    """How many of these holders take part, and what they came to together, on the days of a PK."""
    score = CampaignScore.__table__.c
    days = [day.isoformat() for day in days_of(row.first_day, row.last_day)]
    amount = score[row.measure]
    counts = (score.campaign == row.campaign) & score.period.in_(days) & (amount > 0)
    if row.kind == DEPARTMENT:
        counts &= score.groups.contains(str(group_id))
    taking_part = total = 0
    for page in _pages(holder_ids):
        given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in page])
        query = select(func.count(score.holder_id.distinct()), func.coalesce(func.sum(amount), 0))
        same = (score.holder_id == given.c.holder_id) & counts
        found = tx.execute(query.join_from(given, CampaignScore.__table__, same)).one()
        taking_part, total = taking_part + found[0], total + int(found[1])
    return taking_part, total


def _pages(holder_ids: Iterable[UUID]) -> Iterable[list[UUID]]:
    ordered = sorted(holder_ids)
    return (ordered[start : start + _PAGE] for start in range(0, len(ordered), _PAGE))
