"""Changing what acts earn: two operators agree on a rule or a campaign's multiplier, and it counts from a later day."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from backend import identity, two_operators
from backend.approvals import Approval
from backend.identity import FINANCE, OperatorView
from backend.points.coming_into_force import require_later, require_not_past
from backend.points.errors import InvalidRule, RuleChangedMeanwhile, UnknownMultiplier
from backend.points.policy import PERIODS, Cap, Multiplier, Rule, announced_on, exact
from backend.points.rules import multipliers, rules, save_multiplier, save_rule
from backend.two_operators import Done

RULE, MULTIPLIER = "points.rule", "points.multiplier"
#: No campaign multiplies by more: a slip of the keyboard is not to be agreed upon by two tired people.
LARGEST_FACTOR = 10
#: Nor does an act earn more, per gram or fixed, whoever agreed; and points stay whole numbers that fit.
LARGEST_RATE, MOST_POINTS = 1_000, 1_000_000_000
LONGEST_LIFE = 3_650
_CAMPAIGN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewRule:
    """A version of a programme's rule that is asked for (see `PointsRule`). Rates are exact numbers as text."""

    programme: str
    in_force_from: date
    points_per_gram: str
    rates: Mapping[str, str] = field(default_factory=dict)
    fixed_points: Mapping[str, int] = field(default_factory=dict)
    caps: Sequence[Cap] = ()
    expires_after_days: int = 730
    note: str = ""

    def check(self) -> None:
        """Raises InvalidRule."""
        for rate in (self.points_per_gram, *self.rates.values()):
            if _exact(rate) > LARGEST_RATE:
                raise InvalidRule(problem=f"a rate is at most {LARGEST_RATE} points per gram", rate=rate)
        if not all(0 < points <= MOST_POINTS for points in self.fixed_points.values()):
            raise InvalidRule(problem=f"fixed points are whole, from 1 to {MOST_POINTS}")
        if not 0 < self.expires_after_days <= LONGEST_LIFE:
            raise InvalidRule(problem=f"points live for 1 to {LONGEST_LIFE} days")
        if len({cap.code for cap in self.caps}) < len(self.caps):
            raise InvalidRule(problem="two caps have the same code")
        for cap in self.caps:
            fits = 0 < cap.points <= MOST_POINTS and cap.methodologies != ()
            if not cap.code or cap.period not in PERIODS or not fits:
                raise InvalidRule(problem=f"not a cap: {cap.code}")

    def facts(self, follows: int) -> dict[str, Any]:
        """The whole rule, and the version it comes after (0 for the first one)."""
        return {
            "programme": self.programme,
            "follows": follows,
            "in_force_from": self.in_force_from.isoformat(),
            "points_per_gram": self.points_per_gram,
            "rates": dict(self.rates),
            "fixed_points": dict(self.fixed_points),
            "caps": [cap.as_json() for cap in self.caps],
            "expires_after_days": self.expires_after_days,
            "note": self.note,
        }

    @classmethod
    def of(cls, facts: Facts) -> "NewRule":
        """The rule that was asked for."""
        stated = {name: facts[name] for name in cls.__dataclass_fields__}
        caps = tuple(Cap(**cap) for cap in facts["caps"])
        return cls(**stated | {"in_force_from": date.fromisoformat(facts["in_force_from"]), "caps": caps})


def request_rule(tx: Session, new: NewRule, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for another version of a programme's rule; returns the request that another operator decides.

    It does not begin before the newest version does, which would take its place again on the day it begins; on the same
    day it takes the place of that one. Raises OperatorNotAllowed, UnknownProgramme, InvalidRule, RuleTooLate.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, new.programme)
    new.check()
    require_later(new.in_force_from, now)
    newest = _newest_rule(tx, new.programme)
    if newest is not None and new.in_force_from < newest.in_force_from:
        raise InvalidRule(problem="it would begin before the version it follows", earliest=newest.in_force_from)
    facts = new.facts(newest.version if newest else 0)
    return two_operators.ask(tx, RULE, facts, operator, reason, now, before=_told(newest))


def decide_rule(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; a rule that is granted is announced on this day, in the same transaction.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, RuleTooLate,
    RuleChangedMeanwhile.
    """

    def announce(asked: Approval) -> Done:
        facts, new = asked.facts, NewRule.of(asked.facts)
        require_later(new.in_force_from, now)
        newest = _newest_rule(tx, new.programme)
        if (newest.version if newest else 0) != facts["follows"]:
            raise RuleChangedMeanwhile(newest=newest.version if newest else 0)
        stated: dict[str, Any] = {name: getattr(new, name) for name in NewRule.__dataclass_fields__}
        announced: dict[str, Any] = {"announced_on": announced_on(now), "approval_id": request_id}
        if not save_rule(tx, version=facts["follows"] + 1, **stated, **announced):
            raise RuleChangedMeanwhile
        return Done(before=_told(newest))

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {RULE: announce}, operator, granted, reason, now)


def request_multiplier(
    tx: Session,
    *,
    programme: str,
    campaign: str,
    factor: str,
    first_day: date,
    last_day: date,
    methodologies: Collection[str] | None,
    title: str,
    operator: OperatorView,
    reason: str,
    now: datetime,
) -> UUID:
    """Ask for a campaign's multiplier (`title`: `中文 / English`); returns the request another operator decides.

    Raises OperatorNotAllowed, UnknownProgramme, InvalidRule, RuleTooLate, RuleChangedMeanwhile where the campaign has
    one already.
    """
    operator.require(FINANCE)
    identity.require_programme(tx, programme)
    require_factor(factor)
    if last_day < first_day or not _CAMPAIGN.fullmatch(campaign):
        raise InvalidRule(problem="a multiplier has the code of a campaign, and no last day before its first")
    require_later(first_day, now)
    if any(item.campaign == campaign for item in multipliers(tx, programme)):
        raise RuleChangedMeanwhile(campaign=campaign)
    facts = {"programme": programme, "campaign": campaign, "follows": 0, "factor": factor, "title": title}
    facts |= {"methodologies": None if methodologies is None else sorted(methodologies)}
    facts |= {"first_day": first_day.isoformat(), "last_day": last_day.isoformat()}
    return two_operators.ask(tx, MULTIPLIER, facts, operator, reason, now)


def require_factor(factor: str) -> None:
    """InvalidRule unless this is what a campaign may multiply by: above 1, at most `LARGEST_FACTOR`."""
    if not 1 < _exact(factor) <= LARGEST_FACTOR:
        raise InvalidRule(problem=f"a multiplier is above 1 and at most {LARGEST_FACTOR}")


def request_end_of_multiplier(
    tx: Session, programme: str, campaign: str, last_day: date, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for a campaign's multiplier to end earlier, on the day of the decision at the earliest.

    Raises OperatorNotAllowed, UnknownMultiplier, InvalidRule, RuleTooLate.
    """
    operator.require(FINANCE)
    stands = _standing_multiplier(tx, programme, campaign)
    if last_day >= stands.last_day:
        raise InvalidRule(problem="a multiplier ends earlier only", last_day=stands.last_day)
    require_not_past(last_day, now)
    facts = _of_multiplier(replace(stands, last_day=last_day)) | {"follows": stands.version}
    return two_operators.ask(tx, MULTIPLIER, facts, operator, reason, now, before=_of_multiplier(stands))


def decide_multiplier(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision about a multiplier or its earlier end, which is announced on this day.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, RuleTooLate,
    RuleChangedMeanwhile.
    """

    def announce(asked: Approval) -> Done:
        facts = asked.facts
        days: dict[str, Any] = {name: date.fromisoformat(facts[name]) for name in ("first_day", "last_day")}
        before: Facts | None = None
        if facts["follows"]:
            require_not_past(days["last_day"], now)
            stands = _standing_multiplier(tx, facts["programme"], facts["campaign"])
            if stands.version != facts["follows"]:
                raise RuleChangedMeanwhile(newest=stands.version)
            before = _of_multiplier(stands)
        else:
            require_later(days["first_day"], now)
        named = {name: facts[name] for name in ("programme", "campaign", "factor", "methodologies", "title")}
        announced: dict[str, Any] = {"announced_on": announced_on(now), "approval_id": request_id}
        if not save_multiplier(tx, version=facts["follows"] + 1, **named, **days, **announced):
            raise RuleChangedMeanwhile
        return Done(before=before)

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {MULTIPLIER: announce}, operator, granted, reason, now)


def _exact(text: str) -> Fraction:
    try:
        return exact(text)
    except ValueError:
        raise InvalidRule(problem="a rate is written in decimals or as a fraction", rate=text) from None


def _newest_rule(tx: Session, programme: str) -> Rule | None:
    return max((rule for rule in rules(tx) if rule.programme == programme), key=lambda r: r.version, default=None)


def _standing_multiplier(tx: Session, programme: str, campaign: str) -> Multiplier:
    for item in multipliers(tx, programme):
        if item.campaign == campaign:
            return item
    raise UnknownMultiplier(programme=programme, campaign=campaign)


def _told(rule: Rule | None) -> dict[str, Any] | None:
    """A rule as the operator log shows it."""
    if rule is None:
        return None
    rates = {methodology: str(rate) for methodology, rate in rule.rates.items()}
    fixed, per_gram = dict(rule.fixed_points), str(rule.points_per_gram)
    limits, life = rule.caps, rule.expires_after_days
    new = NewRule(rule.programme, rule.in_force_from, per_gram, rates, fixed, limits, life, rule.note)
    return {"version": rule.version} | new.facts(rule.version - 1)


def _of_multiplier(item: Multiplier) -> dict[str, Any]:
    return {
        "programme": item.programme,
        "campaign": item.campaign,
        "version": item.version,
        "factor": str(item.factor),
        "methodologies": None if item.methodologies is None else list(item.methodologies),
        "title": item.title,
        "first_day": item.first_day.isoformat(),
        "last_day": item.last_day.isoformat(),
    }
