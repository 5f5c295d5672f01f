"""The figures of a campaign's report, as JSON: sums of groups of people, and nobody in particular."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import activities, clock
from backend.bilingual import halves
from backend.campaigns.models import CampaignTeam
from backend.campaigns.policy import SMALLEST_GROUP
from backend.campaigns.reading import CampaignView
from backend.campaigns.report.collecting import (
    BEFORE,
    DAY,
    DURING,
    OTHERS,
    PARTICIPANTS,
    PHASES,
    WAY,
    Collected,
    Tally,
    collect,
    phases,
)
from backend.campaigns.report.privacy import Kind, groups_of

_OTHERS = {"zh": "其他", "en": "Others"}
_NO_GROUP = {"zh": "未分组", "en": "In no group"}


def report(tx: Session, campaign: CampaignView, *, now: datetime) -> dict[str, Any]:
    """Participation, grams by day, scenario and grade and by group, and before, during and after.

    `tx` should read one moment (`database.reading`). A figure about fewer than `policy.SMALLEST_GROUP` people is left
    out or put together with others, and so is one that would let such a figure be worked out by taking two apart.
    """
    found = collect(tx, campaign, now=now)
    total, shown = found.around[DURING, PARTICIPANTS], groups_of(found.crossed)
    enough = total.people >= SMALLEST_GROUP and bool(shown[DAY])
    named: dict[str, Callable[[Kind], dict[str, Any]]] = {DAY: _day, WAY: _way}
    named |= dict.fromkeys(found.crossed.partitions[2:], _path) | {"city": _city(campaign), "team": _team(tx, campaign)}
    divided = {
        partition: _rows(found.divided[partition], shown[partition], named[partition])
        for partition in found.crossed.partitions
    }
    return {
        "campaign": campaign.code,
        "title": halves(campaign.title),
        "state": campaign.state(now),
        "starts_at": clock.iso(campaign.starts_at),
        "ends_at": clock.iso(campaign.ends_at),
        "as_of": clock.iso(now),
        "smallest_group": SMALLEST_GROUP,
        "participants": _participants(found.participants, total.people),
        "total": _amounts(total) if enough else None,
        "days": divided[DAY],
        "ways": divided[WAY],
        "groups": {kind: divided[kind] for kind in found.crossed.partitions[2:]},
        "phases": _phases(found, campaign, now),
    }


def _participants(participants: int, active: int) -> int | None:
    """How many take part; None where it would tell that a few of them did nothing."""
    idle = participants - active
    return participants if participants >= SMALLEST_GROUP and (idle <= 0 or idle >= SMALLEST_GROUP) else None


def _amounts(tally: Tally) -> dict[str, Any]:
    return {"people": tally.people, "acts": tally.acts, "grams": tally.grams, "points": tally.points}


def _rows(
    tallies: Mapping[Kind, Tally], groups: Iterable[frozenset[Kind]], named: Callable[[Kind], dict[str, Any]]
) -> list[dict[str, Any]]:
    """A row for each group; kinds that stand together are not named, and who did both is not counted: people None."""
    rows, together = [], []
    for group in groups:
        if len(group) == 1:
            [kind] = group
            rows.append({**named(kind), **_amounts(tallies[kind])})
            continue
        sums = {name: sum(getattr(tallies[kind], name) for kind in group) for name in ("acts", "grams", "points")}
        together.append({"key": None, "title": _OTHERS, "people": None, **sums})
    return [*sorted(rows, key=lambda row: str(row["key"])), *sorted(together, key=lambda row: -row["grams"])]


def _day(kind: Kind) -> dict[str, Any]:
    return {"key": str(kind), "title": {"zh": str(kind), "en": str(kind)}}


def _way(kind: Any) -> dict[str, Any]:
    methodology, grade = kind
    title = activities.methodology_title(methodology)
    named = {language: f"{text} {grade}" for language, text in title.items()}
    return {"key": f"{methodology} {grade}", "title": named, "methodology": methodology, "grade": grade}


def _path(kind: Kind) -> dict[str, Any]:
    return {"key": kind, "title": {"zh": str(kind), "en": str(kind)} if kind else _NO_GROUP}


def _city(campaign: CampaignView) -> Callable[[Kind], dict[str, Any]]:
    def named(kind: Kind) -> dict[str, Any]:
        return {"key": kind, "title": halves(campaign.terms.cities.get(str(kind), str(kind))) if kind else _NO_GROUP}

    return named


def _team(tx: Session, campaign: CampaignView) -> Callable[[Kind], dict[str, Any]]:
    """Teams are called by their name once it was checked, and by the end of their number until then."""
    if not campaign.terms.teams:
        return _path
    team = CampaignTeam
    query = select(team.id, team.name).where(team.campaign == campaign.code, team.name_passed.is_(True))
    names: dict[UUID, str] = {row.id: row.name for row in tx.execute(query)}

    def named(kind: Kind) -> dict[str, Any]:
        if not kind:
            return {"key": kind, "title": _NO_GROUP}
        name = names.get(UUID(str(kind)))
        number = str(kind)[-6:]
        return {"key": kind, "title": {"zh": name or f"小队 {number}", "en": name or f"Team {number}"}}

    return named


def _phases(found: Collected, campaign: CampaignView, now: datetime) -> list[dict[str, Any]]:
    """Before, during and after, for who takes part and for everybody else: grams a day, and beside those before."""
    spans, rows = phases(campaign, now), []
    daily = {key: _daily(tally, *spans[key[0]]) for key, tally in found.around.items()}
    for who in (PARTICIPANTS, OTHERS):
        for phase in PHASES:
            tally = found.around.get((phase, who), Tally())
            first, last = spans[phase]
            row: dict[str, Any] = {"phase": phase, "who": who, "from": clock.iso(first), "until": clock.iso(last)}
            if tally.people < SMALLEST_GROUP:
                rows.append({**row, "people": None, "acts": None, "grams": None, "daily_g": None, "percent": None})
                continue
            before = found.around.get((BEFORE, who), Tally())
            base = daily.get((BEFORE, who), 0) if before.people >= SMALLEST_GROUP else 0
            percent = daily[phase, who] * 100 // base if base else None
            amounts = {"people": tally.people, "acts": tally.acts, "grams": tally.grams}
            rows.append({**row, **amounts, "daily_g": daily[phase, who], "percent": percent})
    return rows


def _daily(tally: Tally, first: datetime, last: datetime) -> int:
    """Grams per 24 hours, rounded down; 0 of a time that has not begun."""
    seconds = int((last - first).total_seconds())
    return tally.grams * 86_400 // seconds if seconds else 0
