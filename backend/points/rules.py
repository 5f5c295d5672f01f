"""The points rules of the programmes and the multipliers of campaigns, as they are stored: versions that follow one
another."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from backend import identity
from backend.errors import NotFound
from backend.lists import insert_rows
from backend.points.models import PointsMultiplier, PointsRule
from backend.points.policy import Cap, Multiplier, Rule, Rulebook, exact

#: How many versions, and how many campaigns, are shown at once.
MOST_PUBLISHED = 50
_RULE = tuple(name for name in Rule.__dataclass_fields__)
_MULTIPLIER = tuple(name for name in Multiplier.__dataclass_fields__)


def save_rule(
    tx: Session,
    *,
    programme: str,
    version: int,
    in_force_from: date,
    points_per_gram: str = "1",
    rates: Mapping[str, str] | None = None,
    fixed_points: Mapping[str, int] | None = None,
    caps: Sequence[Cap] = (),
    expires_after_days: int = 730,
    note: str = "",
    announced_on: date | None = None,
    approval_id: UUID | None = None,
) -> bool:
    """Write a version of a programme's points rule; a version that exists already is left as it is, and False.

    This sets a house up: what changes a rule members live by is `request_rule`. `announced_on`: the day before the
    rule begins to count where it is not told. Raises ValueError for a rate that is not an exact number.
    """
    for rate in (points_per_gram, *(rates or {}).values()):
        exact(rate)
    row = {
        "programme": programme,
        "version": version,
        "announced_on": announced_on or in_force_from - timedelta(days=1),
        "in_force_from": in_force_from,
        "points_per_gram": points_per_gram,
        "rates": json.dumps(rates or {}, sort_keys=True),
        "fixed_points": json.dumps(fixed_points or {}, sort_keys=True),
        "caps": json.dumps([cap.as_json() for cap in caps], sort_keys=True),
        "expires_after_days": expires_after_days,
        "note": note,
        "approval_id": approval_id,
    }
    return bool(insert_rows(tx, PointsRule, [row], on_conflict=("programme", "version"), returning=("version",)))


def save_multiplier(
    tx: Session,
    *,
    programme: str,
    campaign: str,
    factor: str,
    first_day: date,
    last_day: date,
    methodologies: Collection[str] | None = None,
    title: str = "",
    version: int = 1,
    announced_on: date | None = None,
    approval_id: UUID | None = None,
) -> bool:
    """Write a version of a campaign's multiplier; a version that exists already is left as it is, and False.

    This sets a house up: what changes what members earn is `request_multiplier`. `announced_on`: the day before the
    first day where it is not told. Raises ValueError for a factor that is not above 1.
    """
    if exact(factor) <= 1:
        raise ValueError(f"a multiplier is above 1: {factor}")
    row = {
        "programme": programme,
        "campaign": campaign,
        "version": version,
        "announced_on": announced_on or first_day - timedelta(days=1),
        "first_day": first_day,
        "last_day": last_day,
        "factor": factor,
        "methodologies": None if methodologies is None else json.dumps(sorted(methodologies)),
        "title": title or campaign,
        "approval_id": approval_id,
    }
    key = ("programme", "campaign", "version")
    return bool(insert_rows(tx, PointsMultiplier, [row], on_conflict=key, returning=("version",)))


def rules(tx: Session) -> list[Rule]:
    """Every version of every programme's rule."""
    query = select(PointsRule.__table__).order_by(PointsRule.programme, PointsRule.version)
    return [_rule(row) for row in tx.execute(query).mappings()]


def multipliers(tx: Session, programme: str | None = None) -> list[Multiplier]:
    """The multipliers as they stand, each in its newest version, oldest first."""
    query = select(PointsMultiplier.__table__).where(_newest())
    if programme is not None:
        query = query.where(PointsMultiplier.programme == programme)
    found = tx.execute(query.order_by(PointsMultiplier.first_day, PointsMultiplier.campaign)).mappings()
    return [_multiplier(row) for row in found]


def multiplier_versions(tx: Session) -> list[Multiplier]:
    """Every version of every multiplier."""
    return [_multiplier(row) for row in tx.execute(select(PointsMultiplier.__table__)).mappings()]


def multiplier(tx: Session, programme: str, campaign: str, version: int) -> Multiplier:
    """One version of a multiplier, as a lot names it."""
    keys = {"programme": programme, "campaign": campaign, "version": version}
    return _multiplier(tx.execute(select(PointsMultiplier.__table__).filter_by(**keys)).mappings().one())


def rulebook(tx: Session, days: Collection[date]) -> Rulebook:
    """Every rule, and the multipliers of these days, by one statement."""
    begun = PointsMultiplier.first_day <= max(days, default=date.min)
    lasting = PointsMultiplier.last_day >= min(days, default=date.max)
    on = (PointsMultiplier.programme == PointsRule.programme) & begun & lasting & _newest()
    campaigns = [PointsMultiplier.__table__.c[name].label(f"m_{name}") for name in _MULTIPLIER]
    query = select(PointsRule.__table__, *campaigns).select_from(PointsRule).outerjoin(PointsMultiplier, on)
    known: dict[tuple[str, int], Rule] = {}
    found: dict[tuple[str, str], Multiplier] = {}
    for row in tx.execute(query.order_by(PointsRule.programme, PointsRule.version)).mappings():
        known[row["programme"], row["version"]] = known.get((row["programme"], row["version"])) or _rule(row)
        if row["m_campaign"] is not None and (row["programme"], row["m_campaign"]) not in found:
            found[row["programme"], row["m_campaign"]] = _multiplier(row, "m_")
    return Rulebook(list(known.values()), [found[key] for key in sorted(found)])


def published(tx: Session, programme: str, today: date) -> Rulebook:
    """What members are told of a programme: its newest versions, newest first, and the campaigns that are not over.

    Raises NotFound.
    """
    if programme not in identity.programmes(tx):
        raise NotFound
    query = select(PointsRule.__table__).where(PointsRule.programme == programme)
    newest = tx.execute(query.order_by(PointsRule.version.desc()).limit(MOST_PUBLISHED)).mappings()
    lasting = [item for item in multipliers(tx, programme) if item.last_day >= max(today, item.first_day)]
    return Rulebook([_rule(row) for row in newest], lasting[:MOST_PUBLISHED])


def _newest() -> Any:
    later = aliased(PointsMultiplier)
    same = (later.programme == PointsMultiplier.programme) & (later.campaign == PointsMultiplier.campaign)
    return ~select(later.version).where(same, later.version > PointsMultiplier.version).exists()


def _rule(row: Any) -> Rule:
    return Rule.parse(**{name: row[name] for name in _RULE})


def _multiplier(row: Any, prefix: str = "") -> Multiplier:
    return Multiplier.parse(**{name: row[prefix + name] for name in _MULTIPLIER})
