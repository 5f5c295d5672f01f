"""The places of groups: what their participants came to, as a sum or by the head.

A mean is what a group's participants came to in the period, divided by how many people the group had on average over
the days of the period so far. It is ranked exactly and shown in whole units, rounded down. Equal groups share a place.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.campaigns.interfaces import ClassHeads
from backend.campaigns.models import CampaignGroup, CampaignTeam
from backend.campaigns.policy import (
    GRAMS,
    MEAN_GRAMS,
    MEAN_POINTS,
    SMALLEST_GROUP,
    Board,
    periods_of,
    ranks,
)
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.models import CampaignGroupScore, CampaignHeads


class GroupSum(NamedTuple):
    """What the participants of a group came to together in a period."""

    group_id: UUID
    kind: str
    key: str
    grams: int
    points: int


@dataclass(frozen=True, slots=True)
class GroupStanding:
    """A group on a board.

    `people`: how many it has on average over the days of the period so far; `participants`: how many of them take part
    on the last of these days. `exact` is what it is ranked by, `value` that in whole grams or points, rounded down.
    """

    group_id: UUID
    kind: str
    key: str
    title: str
    people: Fraction
    participants: int
    value: int
    exact: Fraction
    rank: int


class People(NamedTuple):
    """How many people a group has on average, how many take part at the end, what it is called."""

    people: Fraction
    participants: int
    title: str


def group_standings(
    tx: Session, campaign: CampaignView, board: Board, period: str, *, heads: ClassHeads | None, now: datetime
) -> list[GroupStanding]:
    """The groups of a board in their order, as the scores are now. Groups without acts in the period have no place,
    nor have those of fewer people than `SMALLEST_GROUP`."""
    score, group = CampaignGroupScore.__table__.c, CampaignGroup.__table__.c
    query = (
        select(group.id, group.kind, group.key, score.grams, score.points)
        .join_from(CampaignGroupScore.__table__, CampaignGroup.__table__, group.id == score.group_id)
        .where(score.campaign == campaign.code, score.period == period, score.acts > 0, group.kind == board.subject)
    )
    return place(tx, campaign, board, period, [GroupSum(*row) for row in tx.execute(query)], heads=heads, now=now)


def place(
    tx: Session,
    campaign: CampaignView,
    board: Board,
    period: str,
    sums: Sequence[GroupSum],
    *,
    heads: ClassHeads | None,
    now: datetime,
) -> list[GroupStanding]:
    """The places that these sums of the board's kind of groups give, by the heads that were counted (`count_heads`)."""
    days = [day for day in campaign.days if period in periods_of(day) and day <= clock.day_of(now)]
    if not days or not sums:
        return []
    people = _people(tx, campaign, board.subject, sums, days, heads)
    found = []
    for item in sums:
        size = people.get(item.key)
        if size is None or size.people < SMALLEST_GROUP:
            continue
        total = Fraction(item.grams if board.measure in (GRAMS, MEAN_GRAMS) else item.points)
        exact = total / size.people if board.measure in (MEAN_GRAMS, MEAN_POINTS) else total
        found.append((exact, size, item))
    found.sort(key=lambda each: (-each[0], each[1].title, each[2].key))
    places = _ranks([exact for exact, _, _ in found])
    return [
        GroupStanding(
            item.group_id, item.kind, item.key, size.title, size.people, size.participants, int(exact), exact, rank
        )
        for rank, (exact, size, item) in zip(places, found, strict=True)
    ]


def _ranks(values: Sequence[Fraction]) -> list[int]:
    """As `policy.ranks`: equal are those that are exactly equal."""
    order = {value: -number for number, value in enumerate(sorted(set(values), reverse=True))}
    return ranks([order[value] for value in values])


def _people(
    tx: Session,
    campaign: CampaignView,
    kind: str,
    sums: Iterable[GroupSum],
    days: Sequence[date],
    heads: ClassHeads | None,
) -> Mapping[str, People]:
    """Key → how many people the group has."""
    if kind == "class":
        rooms = heads(tx, [UUID(item.key) for item in sums], days) if heads is not None else {}
        return {
            str(id): People(Fraction(sum(room.seats.get(day, 0) for day in days), len(days)), 1, room.title)
            for id, room in rooms.items()
        }
    asked = days if kind == "department" else campaign.days[:1]
    row = CampaignHeads.__table__.c
    query = select(row.key, row.day, row.people, row.participants).where(
        row.campaign == campaign.code, row.kind == kind, row.day >= asked[0], row.day <= asked[-1]
    )
    counted: dict[str, dict[date, tuple[int, int]]] = defaultdict(dict)
    for found in tx.execute(query):
        counted[found.key][found.day] = (found.people, found.participants)
    known = {day for by_day in counted.values() for day in by_day}  # the first minute of a day is not counted yet
    if not known:
        return {}
    titles = _titles(tx, campaign, kind, list(counted))
    last = max(known)
    return {
        key: People(Fraction(sum(n for n, _ in by_day.values()), len(known)), by_day.get(last, (0, 0))[1], titles[key])
        for key, by_day in counted.items()
    }


def _titles(tx: Session, campaign: CampaignView, kind: str, keys: Sequence[str]) -> Mapping[str, str]:
    """Key → what a group is called where others see it."""
    if kind == "city":
        return {key: campaign.terms.cities.get(key, key) for key in keys}
    if kind != "team":
        return {key: key for key in keys}
    query = select(CampaignTeam.id, CampaignTeam.name, CampaignTeam.name_passed)
    named = {
        str(id): name for id, name, passed in tx.execute(query.where(CampaignTeam.campaign == campaign.code)) if passed
    }
    return {key: named.get(key, f"小队 {key[-6:].upper()}") for key in keys}
