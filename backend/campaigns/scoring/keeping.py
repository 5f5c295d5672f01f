"""Keeping the scores: the days that were counted again are written with everything that is summed up from them.

The caller holds the follower (`following.hold_follower`), so scores are written by one transaction at a time.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, Uuid, delete, select
from sqlalchemy.orm import Session

from backend.campaigns.policy import ALL, NOTHING, Score, bucket_of, periods_of, week_of
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring import groups
from backend.campaigns.scoring.counting import DayCounted, count_days, listed_among, participants_of
from backend.campaigns.scoring.models import CampaignBucket, CampaignGroupScore, CampaignScore
from backend.lists import Columns, recordset, upsert_rows

_SCORE = Score._fields
#: What of a score is summed up for a group.
SUMMED = ("grams", "points", "acts")

#: (holder, period) → the columns of the row that are not in its key, without the campaign.
Rows = dict[tuple[UUID, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Changed:
    """A participant's score in one period, as it is now: what boards are told. `score` is None where there is none."""

    campaign: str
    period: str
    participant_id: UUID
    listed: bool
    score: Score | None


@dataclass(frozen=True, slots=True)
class Judged:
    """Scores as they are stored and as they are to be."""

    before: Rows
    after: Rows

    @property
    def changed(self) -> Rows:
        """The rows that are to be written."""
        return {key: row for key, row in self.after.items() if row != self.before.get(key)}

    @property
    def gone(self) -> set[tuple[UUID, str]]:
        """The keys of the rows that are to go."""
        return self.before.keys() - self.after.keys()


def judge(
    tx: Session, campaign: CampaignView, days: Collection[tuple[UUID, date]], *, ids_of: groups.IdsOf, now: datetime
) -> Judged:
    """What counting these (holder, day) again says of the scores of these participants. Writes no score."""
    asked = sorted(set(days))
    participants = participants_of(tx, campaign.code, {holder_id for holder_id, _ in asked})
    asked = [key for key in asked if key[0] in participants]
    if not asked:
        return Judged({}, {})
    counted = count_days(tx, campaign, participants, asked, ids_of=ids_of)
    listed = listed_among(tx, participants, now=now)
    before = stored(tx, campaign, asked)
    after = _after(campaign, before, asked, counted)
    for (holder_id, _), row in after.items():
        row["participant_id"], row["listed"] = participants[holder_id].id, holder_id in listed
    return Judged(before, after)


def recount(
    tx: Session, campaign: CampaignView, days: Collection[tuple[UUID, date]], *, now: datetime
) -> list[Changed]:
    """Count these (holder, day) again and write what changed: days, weeks, the whole, groups and buckets."""
    judged = judge(tx, campaign, days, ids_of=groups.ids_of, now=now)
    before, after, changed, gone = judged.before, judged.after, judged.changed, judged.gone
    _write(tx, campaign.code, changed, gone)
    _add_to_groups(tx, campaign.code, before, after, changed.keys() | gone)
    _add_to_buckets(tx, campaign.code, before, after, changed.keys() | gone)
    told = [_told(campaign.code, key, row, row) for key, row in changed.items()]
    return told + [_told(campaign.code, key, before[key], None) for key in gone]


def stored(tx: Session, campaign: CampaignView, asked: Sequence[tuple[UUID, date]]) -> Rows:
    """The scores as they are that these days have a part in, and those they are summed up with."""
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
    before: Rows,
    asked: Iterable[tuple[UUID, date]],
    counted: Mapping[tuple[UUID, date], DayCounted],
) -> Rows:
    """The scores as they are to be: the days as counted, their weeks and the whole summed up anew."""
    weeks = {day.isoformat(): week_of(day) for day in campaign.days}
    after = {key: dict(row) for key, row in before.items() if key[1] in weeks}
    sums: dict[tuple[UUID, str], Score] = {}
    for holder_id, day in asked:
        after.pop((holder_id, day.isoformat()), None)
        sums[holder_id, week_of(day)] = NOTHING
        if found := counted.get((holder_id, day)):
            names = " ".join(sorted(map(str, found.groups))) or None
            after[holder_id, day.isoformat()] = {**found.score._asdict(), "groups": names}
    for (holder_id, period), row in after.items():
        sums[holder_id, weeks[period]] = sums.get((holder_id, weeks[period]), NOTHING).plus(_score(row))
    for (holder_id, period), row in before.items():
        if period not in weeks and period != ALL:
            sums.setdefault((holder_id, period), _score(row))
    wholes: dict[UUID, Score] = {}
    for (holder_id, _), score in sums.items():
        wholes[holder_id] = wholes.get(holder_id, NOTHING).plus(score)
    sums |= {(holder_id, ALL): score for holder_id, score in wholes.items()}
    return after | {key: {**score._asdict(), "groups": None} for key, score in sums.items() if score != NOTHING}


def _score(row: Mapping[str, Any]) -> Score:
    return Score(*(row[name] for name in _SCORE))


def _write(tx: Session, campaign: str, changed: Rows, gone: Collection[tuple[UUID, str]]) -> None:
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


def _add_to_groups(tx: Session, campaign: str, before: Rows, after: Rows, keys: Iterable[tuple[UUID, str]]) -> None:
    """Add the difference that days make to the groups they are counted for, in each period the day belongs to."""
    sums: dict[tuple[str, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
    for key in keys:
        for sign, row in ((-1, before.get(key)), (1, after.get(key))):
            if row is None or not row["groups"]:
                continue
            for period in periods_of(date.fromisoformat(key[1])):
                for group_id in row["groups"].split():
                    so_far = sums[period, UUID(group_id)]
                    for place, name in enumerate(SUMMED):
                        so_far[place] += sign * row[name]
    rows = [
        {"campaign": campaign, "period": period, "group_id": group_id, **dict(zip(SUMMED, more, strict=True))}
        for (period, group_id), more in sorted(sums.items())
        if any(more)
    ]
    upsert_rows(tx, CampaignGroupScore, rows, key=("campaign", "period", "group_id"), add=True)


def _add_to_buckets(tx: Session, campaign: str, before: Rows, after: Rows, keys: Iterable[tuple[UUID, str]]) -> None:
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
