"""Counting: what participants' days come to, from nothing but the acts that stand, their lots and the roster.

A day is never added to, it is counted again from its acts. So it does not matter how often, in which order or after
what somebody asks for it. No score is written here: final results are counted by the same verbs.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import activities, identity, points
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import PERSON, ActScored, Score, score_of_day
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.groups import IdsOf, keys_by_day
from backend.campaigns.scoring.groups import ids_of as made_or_known
from backend.lists import recordset


@dataclass(frozen=True, slots=True)
class DayCounted:
    """A participant's day: its score, and the groups it is counted for."""

    score: Score
    groups: tuple[UUID, ...]


def participants_of(tx: Session, campaign: str, holder_ids: Collection[UUID]) -> dict[UUID, Any]:
    """Holder → their row, of those who take part or took part."""
    if not holder_ids:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid()}, [(id,) for id in sorted(set(holder_ids))])
    row = CampaignParticipant.__table__.c
    same = (row.holder_id == given.c.holder_id) & (row.campaign == campaign)
    query = select(CampaignParticipant.__table__).join_from(given, CampaignParticipant.__table__, same)
    return {found.holder_id: found for found in tx.execute(query)}


def count_days(
    tx: Session,
    campaign: CampaignView,
    participants: Mapping[UUID, Any],
    days: Collection[tuple[UUID, date]],
    *,
    recorded_before: datetime | None = None,
    ids_of: IdsOf = made_or_known,
) -> dict[tuple[UUID, date], DayCounted]:
    """What these days of participants come to, from nothing but acts, lots and the roster.

    Who left counts nothing. Days outside of the campaign count nothing. With `recorded_before`, acts that were settled
    later do not count either: what is final does not grow any more.
    """
    within = set(campaign.days)
    asked = [
        (holder_id, day)
        for holder_id, day in sorted(set(days))
        if day in within and holder_id in participants and participants[holder_id].left_at is None
    ]
    scores = count_acts(tx, campaign, asked, recorded_before=recorded_before)
    keys = keys_by_day(tx, campaign, participants, list(scores))
    ids = ids_of(tx, campaign.code, (key for found in keys.values() for key in found))
    return {key: DayCounted(score, tuple(ids[name] for name in keys[key])) for key, score in scores.items()}


def count_acts(
    tx: Session,
    campaign: CampaignView,
    days: Collection[tuple[UUID, date]],
    *,
    recorded_before: datetime | None = None,
) -> dict[tuple[UUID, date], Score]:
    """What these (holder, day) come to by their acts, whoever takes part; days on which nothing counts are left out.

    An act of which the house heard only when the campaign had closed counts no more, however late it is asked; with
    `recorded_before`, one of which it heard only then.
    """
    end = min(campaign.closes_at, recorded_before or campaign.closes_at)
    acts = [
        act for act in activities.issued_on(tx, days) if act.programme == campaign.programme and act.recorded_at < end
    ]
    given = points.given_for(tx, [(act.holder_id, act.id) for act in acts])
    of_day: dict[tuple[UUID, date], list[ActScored]] = defaultdict(list)
    for act in acts:
        earned = given.get((act.holder_id, act.id), 0)
        scored = ActScored(act.id, act.methodology, act.grade, act.occurred_at, act.reduction_g, earned)
        of_day[act.holder_id, act.day].append(scored)
    counting = campaign.terms.counting
    return {
        key: score
        for key, mine in of_day.items()
        if (score := score_of_day(mine, counting, campaign.starts_at, campaign.ends_at)).acts
    }


def listed_among(tx: Session, participants: Mapping[UUID, Any], *, now: datetime) -> set[UUID]:
    """The holders of those participants whose places others see: persons who show themselves and are not known to be
    under fourteen now."""
    minors = identity.minors_among(tx, set(participants), now=now)
    return {id for id, row in participants.items() if row.shown and row.kind == PERSON and id not in minors}
