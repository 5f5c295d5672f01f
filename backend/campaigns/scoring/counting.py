"""Counting: what participants' days come to, from the acts that stand, and the scores that are made of days.

A day is never added to, it is counted again from its acts. So it does not matter how often, in which order or after
what somebody asks for it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, select
from sqlalchemy.orm import Session

from backend import activities, identity, points
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import (
    ALL,
    NOTHING,
    PERSON,
    ActScored,
    Score,
    bucket_of,
    periods_of,
    score_of_day,
    total,
    week_of,
)
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import groups
from backend.campaigns.scoring.models import CampaignBucket, CampaignGroupScore, CampaignScore
from backend.lists import Columns, recordset, upsert_rows

_SCORE = Score._fields
#: What of a score is summed up for a group.
_SUMMED = ("grams", "points", "acts")


@dataclass(frozen=True, slots=True)
class Changed:
    """A participant's score in one period, as it is now: what boards are told. `score` is None where there is none."""

    campaign: str
    period: str
    participant_id: UUID
    listed: bool
    score: Score | None


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
    keys = groups.keys_by_day(tx, campaign, participants, list(scores))
    ids = groups.ids_of(tx, campaign.code, (key for found in keys.values() for key in found))
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


def recount(
    tx: Session, campaign: CampaignView, days: Collection[tuple[UUID, date]], *, now: datetime
) -> list[Changed]:
    """Count these (holder, day) again and write what changed: days, weeks, the whole, groups and buckets.

    The caller holds the follower, so scores are written by one transaction at a time.
    """
    asked = sorted(set(days))
    participants = participants_of(tx, campaign.code, {holder_id for holder_id, _ in asked})
    asked = [key for key in asked if key[0] in participants]
    if not asked:
        return []
    counted = count_days(tx, campaign, participants, asked)
    minors = identity.minors_among(tx, set(participants), now=now)
    before = _stored(tx, campaign, asked)
    after = _after(campaign, before, asked, counted)
    for (holder_id, _), row in after.items():
        owner = participants[holder_id]
        row["participant_id"] = owner.id
        row["listed"] = owner.shown and owner.kind == PERSON and holder_id not in minors
    changed = {key: row for key, row in after.items() if row != before.get(key)}
    gone = before.keys() - after.keys()
    _write(tx, campaign.code, changed, gone)
    _add_to_groups(tx, campaign.code, before, after, changed.keys() | gone)
    _add_to_buckets(tx, campaign.code, before, after, changed.keys() | gone)
    told = [_told(campaign.code, key, row, row) for key, row in changed.items()]
    return told + [_told(campaign.code, key, before[key], None) for key in gone]


_Rows = dict[tuple[UUID, str], dict[str, Any]]


def _stored(tx: Session, campaign: CampaignView, asked: Sequence[tuple[UUID, date]]) -> _Rows:
    """The scores as they are that these days have a part in, and those they are summed up with, by (holder, period)."""
    by_week: dict[str, set[str]] = defaultdict(set)
    for day in campaign.days:
        by_week[week_of(day)].add(day.isoformat())
    wanted: dict[UUID, set[str]] = defaultdict(lambda: {ALL, *by_week})
    for holder_id, day in asked:
        wanted[holder_id] |= by_week.get(week_of(day), set())
    keys = [(holder_id, period) for holder_id, periods in sorted(wanted.items()) for period in sorted(periods)]
    columns: Columns = {"holder_id": Uuid(), "period": Text()}
    given = recordset(tx, "given", columns, keys)
    row = CampaignScore.__table__.c
    same = (row.holder_id == given.c.holder_id) & (row.campaign == campaign.code) & (row.period == given.c.period)
    names = ("holder_id", "period", "participant_id", *_SCORE, "groups", "listed")
    query = select(*(row[name] for name in names)).join_from(given, CampaignScore.__table__, same)
    return {(found[0], found[1]): dict(zip(names[2:], found[2:], strict=True)) for found in tx.execute(query)}


def _after(
    campaign: CampaignView,
    before: _Rows,
    asked: Iterable[tuple[UUID, date]],
    counted: Mapping[tuple[UUID, date], DayCounted],
) -> _Rows:
    """The scores as they are to be: the days as counted, their weeks and the whole summed up anew."""
    days = {period for day in campaign.days for period in periods_of(day)[:1]}
    after = {key: dict(row) for key, row in before.items() if key[1] in days}
    weeks: dict[tuple[UUID, str], Score] = {}
    touched: set[tuple[UUID, str]] = set()
    for holder_id, day in asked:
        after.pop((holder_id, day.isoformat()), None)
        touched.add((holder_id, week_of(day)))
        if found := counted.get((holder_id, day)):
            names = " ".join(str(id) for id in sorted(found.groups)) or None
            after[holder_id, day.isoformat()] = {**found.score._asdict(), "groups": names}
    of_holder: dict[UUID, list[tuple[str, Score]]] = defaultdict(list)
    for (holder_id, period), row in after.items():
        of_holder[holder_id].append((period, _score(row)))
    for holder_id, week in touched:
        mine = [score for day, score in of_holder[holder_id] if week_of(date.fromisoformat(day)) == week]
        weeks[holder_id, week] = total(mine)
    for (holder_id, period), row in before.items():
        if period not in days and period != ALL:
            weeks.setdefault((holder_id, period), _score(row))
    wholes: dict[UUID, list[Score]] = defaultdict(list)
    for (holder_id, _), score in weeks.items():
        wholes[holder_id].append(score)
    sums = {**weeks, **{(holder_id, ALL): total(mine) for holder_id, mine in wholes.items()}}
    return after | {key: {**score._asdict(), "groups": None} for key, score in sums.items() if score != NOTHING}


def _score(row: Mapping[str, Any]) -> Score:
    return Score(*(row[name] for name in _SCORE))


def _write(tx: Session, campaign: str, changed: _Rows, gone: Collection[tuple[UUID, str]]) -> None:
    rows = [
        {"holder_id": holder_id, "campaign": campaign, "period": period, **row}
        for (holder_id, period), row in sorted(changed.items(), key=lambda item: item[0])
    ]
    upsert_rows(tx, CampaignScore, rows, key=("holder_id", "campaign", "period"))
    if gone:
        columns: Columns = {"holder_id": Uuid(), "period": Text()}
        given = recordset(tx, "given", columns, sorted(gone))
        same = (CampaignScore.holder_id == given.c.holder_id) & (CampaignScore.period == given.c.period)
        there = select(1).select_from(given).where(same).exists()
        tx.execute(
            delete(CampaignScore)
            .where(CampaignScore.campaign == campaign, there)
            .execution_options(synchronize_session=False)
        )


def _add_to_groups(tx: Session, campaign: str, before: _Rows, after: _Rows, keys: Iterable[tuple[UUID, str]]) -> None:
    """Add the difference that days make to the groups they are counted for, in each period the day belongs to."""
    sums: dict[tuple[str, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
    for key in keys:
        for sign, row in ((-1, before.get(key)), (1, after.get(key))):
            if row is None or not row["groups"]:
                continue
            for period in periods_of(date.fromisoformat(key[1])):
                for group_id in row["groups"].split():
                    so_far = sums[period, UUID(group_id)]
                    for place, name in enumerate(_SUMMED):
                        so_far[place] += sign * row[name]
    rows = [
        {
            "campaign": campaign,
            "period": period,
            "group_id": group_id,
            "grams": more[0],
            "points": more[1],
            "acts": more[2],
        }
        for (period, group_id), more in sorted(sums.items())
        if any(more)
    ]
    upsert_rows(tx, CampaignGroupScore, rows, key=("campaign", "period", "group_id"), add=True)


def _add_to_buckets(tx: Session, campaign: str, before: _Rows, after: _Rows, keys: Iterable[tuple[UUID, str]]) -> None:
    """Move listed participants from bucket to bucket."""
    moved: dict[tuple[str, str, int], int] = defaultdict(int)
    for key in keys:
        for sign, row in ((-1, before.get(key)), (1, after.get(key))):
            if row is not None and row["listed"]:
                for measure in ("grams", "points"):
                    moved[key[1], measure, bucket_of(row[measure])] += sign
    rows = [
        {"campaign": campaign, "period": period, "measure": measure, "bucket": bucket, "people": people}
        for (period, measure, bucket), people in sorted(moved.items())
        if people
    ]
    upsert_rows(tx, CampaignBucket, rows, key=("campaign", "period", "measure", "bucket"), add=True)


def _told(campaign: str, key: tuple[UUID, str], owner: Mapping[str, Any], row: Mapping[str, Any] | None) -> Changed:
    score = _score(row) if row is not None else None
    return Changed(campaign, key[1], owner["participant_id"], bool(row and row["listed"]), score)
