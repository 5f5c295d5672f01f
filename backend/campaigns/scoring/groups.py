"""Which groups a participant's day is counted for: the department of that day, their class, city and team."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select
from sqlalchemy.orm import Session

from backend import identity
from backend.campaigns.models import CampaignGroup
from backend.campaigns.reading import CampaignView
from backend.ids import new_id
from backend.lists import Columns, insert_rows, recordset

#: Kind of group, and its key (see `CampaignGroup`).
GroupKey = tuple[str, str]
#: What gives (campaign, keys) the ids of groups: `ids_of` makes those that are missing, `ids_known` does not.
IdsOf = Callable[[Session, str, Iterable[GroupKey]], Mapping[GroupKey, UUID]]


def keys_by_day(
    tx: Session, campaign: CampaignView, participants: Mapping[UUID, Any], days: Collection[tuple[UUID, date]]
) -> dict[tuple[UUID, date], list[GroupKey]]:
    """The groups each (holder, day) is counted for. `participants`: holder → their row."""
    paths: Mapping[tuple[UUID, date], str] = {}
    if campaign.terms.department_depth:
        paths = identity.roster.departments_by_day(tx, campaign.programme, days)
    found = {}
    for holder_id, day in days:
        row = participants[holder_id]
        keys: list[GroupKey] = []
        if path := department_counted(paths.get((holder_id, day), ""), campaign.terms.department_depth):
            keys.append(("department", path))
        if row.kind == "class":
            keys.append(("class", str(holder_id)))
        if row.city is not None:
            keys.append(("city", row.city))
        if row.team_id is not None:
            keys.append(("team", str(row.team_id)))
        found[holder_id, day] = keys
    return found


def department_counted(path: str, depth: int) -> str:
    """The beginning of a department's path that is counted as one department; "" for none."""
    return "/".join(path.split("/")[:depth]) if path else ""


def ids_of(tx: Session, campaign: str, keys: Iterable[GroupKey]) -> dict[GroupKey, UUID]:
    """The id of each of these groups of a campaign; made where there is none yet."""
    wanted = sorted(set(keys))
    if not wanted:
        return {}
    found = known(tx, campaign, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        rows = [{"id": new_id(), "campaign": campaign, "kind": kind, "key": key} for kind, key in missing]
        insert_rows(tx, CampaignGroup, rows, on_conflict=("campaign", "kind", "key"))
        found |= known(tx, campaign, missing)
    return found


def ids_known(tx: Session, campaign: str, keys: Iterable[GroupKey]) -> dict[GroupKey, UUID]:
    """The id of each of these groups; nothing is written, so those that are missing get one that nobody has."""
    wanted = sorted(set(keys))
    return {key: new_id() for key in wanted} | (known(tx, campaign, wanted) if wanted else {})


def known(tx: Session, campaign: str, keys: Collection[GroupKey]) -> dict[GroupKey, UUID]:
    """The id of those of these groups that are there."""
    columns: Columns = {"kind": Text(), "key": Text()}
    given = recordset(tx, "given", columns, list(keys))
    group = CampaignGroup.__table__.c
    same = (group.kind == given.c.kind) & (group.key == given.c.key) & (group.campaign == campaign)
    query = select(group.kind, group.key, group.id).join_from(given, CampaignGroup.__table__, same)
    return {(row.kind, row.key): row.id for row in tx.execute(query)}
