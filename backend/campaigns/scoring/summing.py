"""What is summed up from scores, summed up anew: the sums of groups and the buckets of ranks."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Text, Uuid, case, delete, func, or_, select
from sqlalchemy.orm import Session

from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import ALL, periods_of
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.keeping import SUMMED
from backend.campaigns.scoring.models import CampaignBucket, CampaignGroupScore, CampaignScore
from backend.database import Base
from backend.lists import Columns, recordset, upsert_rows

#: (period, group) → grams, points, acts.
GroupSums = dict[tuple[str, UUID], tuple[int, int, int]]
#: (period, measure, bucket) → people.
Buckets = dict[tuple[str, str, int], int]
#: By how much longer than 7 binary digits a score can be: any that fits into a column.
_EXPONENTS = range(1, 56)


def group_sums(tx: Session, campaign: CampaignView) -> GroupSums:
    """What groups come to by the scores of days."""
    row = CampaignScore.__table__.c
    totals = [func.sum(row[name]) for name in SUMMED]
    mine = (row.campaign == campaign.code, row.groups.is_not(None))
    periods = {day.isoformat(): periods_of(day) for day in campaign.days}
    sums: dict[tuple[str, UUID], list[int]] = defaultdict(lambda: [0, 0, 0])
    for day, together, *more in tx.execute(
        select(row.period, row.groups, *totals).where(*mine).group_by(row.period, row.groups)
    ):
        for period in periods.get(day, ()):
            for group_id in together.split():
                so_far = sums[period, UUID(group_id)]
                for place, amount in enumerate(more):
                    so_far[place] += int(amount)
    return {key: (grams, points, acts) for key, (grams, points, acts) in sums.items()}


def stored_group_sums(tx: Session, campaign: CampaignView) -> GroupSums:
    """What groups come to by their own rows; nothing is left out."""
    row = CampaignGroupScore.__table__.c
    query = select(row.period, row.group_id, *(row[name] for name in SUMMED)).where(row.campaign == campaign.code)
    found = {(period, group_id): (int(g), int(p), int(a)) for period, group_id, g, p, a in tx.execute(query)}
    return {key: sums for key, sums in found.items() if any(sums)}


def buckets(tx: Session, campaign: CampaignView) -> Buckets:
    """How many listed participants are in each bucket, by the scores."""
    row = CampaignScore.__table__.c
    found: Buckets = {}
    for measure in ("grams", "points"):
        each = select(row.period, _bucket(row[measure]).label("bucket")).where(
            row.campaign == campaign.code, row.listed
        )
        given = each.subquery().c
        query = select(given.period, given.bucket, func.count()).group_by(given.period, given.bucket)
        found |= {(period, measure, bucket): people for period, bucket, people in tx.execute(query)}
    return found


def stored_buckets(tx: Session, campaign: CampaignView) -> Buckets:
    """How many listed participants are in each bucket, by the buckets themselves; the empty ones are left out."""
    row = CampaignBucket.__table__.c
    query = select(row.period, row.measure, row.bucket, row.people).where(
        row.campaign == campaign.code, row.people != 0
    )
    return {(period, measure, bucket): people for period, measure, bucket, people in tx.execute(query)}


def _bucket(score: ColumnElement[int]) -> ColumnElement[int]:
    """`policy.bucket_of` in SQL."""
    steps = [(score < 128, score)]
    steps += [(score < 1 << (exponent + 7), (exponent << 6) + score // (1 << exponent)) for exponent in _EXPONENTS]
    return case(*steps)


def strays(campaign: CampaignView) -> ColumnElement[bool]:
    """Scores that are nobody's, or of a period that the campaign does not have."""
    row = CampaignScore
    whose = (CampaignParticipant.holder_id == row.holder_id) & (CampaignParticipant.campaign == row.campaign)
    theirs = select(1).where(whose).exists()
    periods = {ALL} | {period for day in campaign.days for period in periods_of(day)}
    return (row.campaign == campaign.code) & or_(~theirs, row.period.not_in(sorted(periods)))


def sum_up(tx: Session, campaign: CampaignView) -> None:
    """Make the sums of groups and the buckets anew from the scores, and remove scores that are nobody's.

    The caller holds the follower.
    """
    tx.execute(delete(CampaignScore).where(strays(campaign)).execution_options(synchronize_session=False))
    sums = group_sums(tx, campaign)
    rows: list[dict[str, Any]] = [
        {"campaign": campaign.code, "period": period, "group_id": id, **dict(zip(SUMMED, more, strict=True))}
        for (period, id), more in sorted(sums.items())
    ]
    key = ("campaign", "period", "group_id")
    upsert_rows(tx, CampaignGroupScore, rows, key=key)
    _keep_only(tx, CampaignGroupScore, campaign.code, {"period": Text(), "group_id": Uuid()}, list(sums))
    counted = buckets(tx, campaign)
    rows = [
        {"campaign": campaign.code, "period": period, "measure": measure, "bucket": bucket, "people": people}
        for (period, measure, bucket), people in sorted(counted.items())
    ]
    upsert_rows(tx, CampaignBucket, rows, key=("campaign", "period", "measure", "bucket"))
    columns: Columns = {"period": Text(), "measure": Text(), "bucket": Integer()}
    _keep_only(tx, CampaignBucket, campaign.code, columns, list(counted))


def _keep_only(tx: Session, table: type[Base], campaign: str, columns: Columns, keys: list[Any]) -> None:
    """Remove the rows of a campaign that have none of these keys."""
    given = recordset(tx, "given", columns, sorted(keys))
    row = table.__table__.c
    there = select(1).select_from(given).where(*(row[name] == given.c[name] for name in columns)).exists()
    statement = delete(table).where(row.campaign == campaign, ~there)
    tx.execute(statement.execution_options(synchronize_session=False))
