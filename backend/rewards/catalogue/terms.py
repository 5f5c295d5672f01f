"""The terms of a reward: versions that follow one another, each in force from a day on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.lists import insert_rows
from backend.rewards.catalogue.models import RewardAudience, RewardTerms
from backend.rewards.errors import TermsTooEarly


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` pieces within any `days` days; within ever, when there are no days."""

    count: int
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What one piece costs and to whom it is given: see `RewardTerms`. `audiences` are (programme, account kind)."""

    in_force_from: date
    price_points: int
    audiences: Collection[tuple[str, str]]
    last_day: date | None = None
    per_person: Limit | None = None
    per_device: Limit | None = None
    least_code_days: int = 0
    delivered_amount: int | None = None
    delivered_unit: str | None = None
    terms_of_use_zh: str = ""
    terms_of_use_en: str = ""


def save_terms(tx: Session, reward: str, terms: Terms, *, announced_on: date, approval_id: UUID | None = None) -> int:
    """Publish the next version of a reward's terms; returns its number.

    The first may begin at once: nobody relied on anything before it. Raises TermsTooEarly.
    """
    newest = tx.scalar(select(func.max(RewardTerms.version)).where(RewardTerms.reward == reward))
    if newest is not None and terms.in_force_from <= announced_on:
        raise TermsTooEarly(announced_on=announced_on, in_force_from=terms.in_force_from)
    version = (newest or 0) + 1
    person, device = terms.per_person, terms.per_device
    row = {
        "reward": reward,
        "version": version,
        "announced_on": announced_on,
        "in_force_from": terms.in_force_from,
        "last_day": terms.last_day,
        "price_points": terms.price_points,
        "per_person_count": person.count if person else None,
        "per_person_days": person.days if person else None,
        "per_device_count": device.count if device else None,
        "per_device_days": device.days if device else None,
        "least_code_days": terms.least_code_days,
        "delivered_amount": terms.delivered_amount,
        "delivered_unit": terms.delivered_unit,
        "terms_of_use_zh": terms.terms_of_use_zh,
        "terms_of_use_en": terms.terms_of_use_en,
        "approval_id": approval_id,
    }
    insert_rows(tx, RewardTerms, [row])
    key = {"reward": reward, "version": version}
    audiences = [key | {"programme": code, "account_kind": kind} for code, kind in sorted(set(terms.audiences))]
    insert_rows(tx, RewardAudience, audiences)
    return version


def terms_on(versions: Iterable[RewardTerms], day: date) -> RewardTerms | None:
    """The version in force on a day: of those that have begun, the one that began last."""
    begun = [row for row in versions if row.in_force_from <= day]
    return max(begun, key=lambda row: (row.in_force_from, row.version), default=None)


def versions_of(tx: Session, rewards: Collection[str]) -> dict[str, list[RewardTerms]]:
    """Every version of the terms of these rewards, oldest first."""
    found: dict[str, list[RewardTerms]] = {code: [] for code in rewards}
    query = select(RewardTerms).where(RewardTerms.reward.in_(found)).order_by(RewardTerms.reward, RewardTerms.version)
    for row in tx.scalars(query):
        found[row.reward].append(row)
    return found


def audiences_of(tx: Session, rewards: Collection[str]) -> dict[tuple[str, int], set[tuple[str, str]]]:
    """(Reward, version) → the (programme, account kind) it is offered to."""
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for row in tx.scalars(select(RewardAudience).where(RewardAudience.reward.in_(list(rewards)))):
        found.setdefault((row.reward, row.version), set()).add((row.programme, row.account_kind))
    return found


def person_limit(row: RewardTerms) -> Limit | None:
    """How many pieces one person may have."""
    return _limit(row.per_person_count, row.per_person_days)


def device_limit(row: RewardTerms) -> Limit | None:
    """How many pieces one device may redeem."""
    return _limit(row.per_device_count, row.per_device_days)


def _limit(count: int | None, days: int | None) -> Limit | None:
    return None if count is None else Limit(count, days)


def delivered(row: RewardTerms) -> dict[str, Any] | None:
    """What the provider delivers for one piece, as it is told."""
    if row.delivered_amount is None:
        return None
    return {"amount": row.delivered_amount, "unit": row.delivered_unit}
