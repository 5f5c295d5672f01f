"""Heads: how many people the groups of a campaign have, and how many of them take part.

They are counted anew from the roster and the participants by a job, every minute, and a final result counts them again.
"""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, Text, delete, func, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import reading
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.groups import department_counted
from backend.campaigns.scoring.models import CampaignHeads
from backend.lists import Columns, recordset, upsert_rows

#: (kind, key, day) → people, participants.
_Counts = dict[tuple[str, str, date], tuple[int, int]]


def count_all_heads(tx: Session, *, now: datetime) -> int:
    """Count the heads of every campaign whose scores are counted. Returns how many numbers changed."""
    return sum(count_heads(tx, campaign, now=now) for campaign in reading.counted(tx))


def count_heads(tx: Session, campaign: CampaignView, *, now: datetime) -> int:
    """Count the heads of the groups of a campaign, on its days up to tomorrow. Returns how many numbers changed."""
    row = CampaignHeads.__table__.c
    mine = select(row.kind, row.key, row.day, row.people, row.participants).where(row.campaign == campaign.code)
    before: _Counts = {(kind, key, day): (people, joined) for kind, key, day, people, joined in tx.execute(mine)}
    after = _departments(tx, campaign, now) | _joined(tx, campaign)
    changed = sorted(key for key, counts in after.items() if before.get(key) != counts)
    names = ("campaign", "kind", "key", "day", "people", "participants")
    rows = [dict(zip(names, (campaign.code, *key, *after[key]), strict=True)) for key in changed]
    upsert_rows(tx, CampaignHeads, rows, key=names[:4])
    gone = sorted(before.keys() - after.keys())
    if gone:
        columns: Columns = {"kind": Text(), "key": Text(), "day": Date()}
        given = recordset(tx, "given", columns, gone)
        same = [getattr(CampaignHeads, name) == given.c[name] for name in columns]
        there = select(1).select_from(given).where(*same).exists()
        statement = delete(CampaignHeads).where(CampaignHeads.campaign == campaign.code, there)
        tx.execute(statement.execution_options(synchronize_session=False))
    return len(changed) + len(gone)


def _departments(tx: Session, campaign: CampaignView, now: datetime) -> _Counts:
    """Everybody on the roster by the department that is counted, also who takes no part."""
    depth = campaign.terms.department_depth
    days = [day for day in campaign.days if day <= clock.day_of(now) + timedelta(days=1)]
    if not depth or not days:
        return {}
    row = CampaignParticipant.__table__.c
    taking_part = tx.scalars(select(row.holder_id).where(row.campaign == campaign.code, row.left_at.is_(None)))
    counts: dict[tuple[str, str, date], list[int]] = defaultdict(lambda: [0, 0])
    everybody = identity.roster.heads_by_day(tx, campaign.programme, days)
    joined = identity.roster.heads_by_day(tx, campaign.programme, days, among=list(taking_part))
    for place, found in enumerate((everybody, joined)):
        for (path, day), people in found.items():
            if department := department_counted(path, depth):
                counts["department", department, day][place] += people
    return {key: (people, participants) for key, (people, participants) in counts.items()}


def _joined(tx: Session, campaign: CampaignView) -> _Counts:
    """Cities and teams: their people are those who take part."""
    row = CampaignParticipant.__table__.c
    first = campaign.days[0]
    found: _Counts = {}
    by_kind: dict[str, Any] = {"city": row.city, "team": row.team_id}
    for kind, column in by_kind.items():
        mine = (row.campaign == campaign.code, row.left_at.is_(None), column.is_not(None))
        query = select(column, func.count()).where(*mine).group_by(column)
        found |= {(kind, _text(key), first): (people, people) for key, people in tx.execute(query)}
    return found


def _text(key: str | UUID) -> str:
    return str(key)
