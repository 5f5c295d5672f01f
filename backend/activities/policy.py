"""Who wins when acts contend. Pure: the same acts give the same answer in whatever order they arrived.

Two acts contend when they claim the same physical act (a fingerprint), overlap in time, exclude each other on one day,
or exceed a daily limit. The better one is that with the higher evidence grade, then the earlier beginning, then the
smaller order number; arrival never decides. There is one exception: which of two exclusive acts counts is closed on the
second day after them, and what comes later gives way to what was credited, also where that is corrected since.

An act whose source keeps the claim stands before all others, whatever its grade: its reduction is in other books, and
whoever is credited beside it would make one reduction two. It is credited to nobody here, so no limit is used up by it
and no other act of its day takes anything from it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from backend import clock
from backend.activities.records import ISSUED, Act, ActivityKey

#: No single trip lasts longer (a rail journey may take this long): a trip reaches into the day after the one it began
#: on, and no further.
LONGEST_TRIP = timedelta(hours=6, minutes=30)

ALREADY_CLAIMED, OVERLAPPING_TRIP, EXCLUDED_BY = "ALREADY_CLAIMED", "OVERLAPPING_TRIP", "EXCLUDED_BY"
CLAIM_KEPT = "CLAIM_KEPT"


@dataclass(frozen=True, slots=True)
class DailyLimit:
    """At most `maximum` of what is measured counts on one day of a holder; what exceeds it is outdone with `reason`.

    `measure` names a number of the act's data (`default` where the data have none), or is ``acts``: their count.
    `scope`: the methodology, or the group of methodologies, whose acts use it up together.
    """

    scope: str
    measure: str
    maximum: Fraction
    reason: str
    default: Fraction = Fraction(0)

    def measured(self, act: Act) -> Fraction:
        """How much of the limit one act uses up."""
        if self.measure == "acts":
            return Fraction(1)
        number = json.loads(act.data).get(self.measure)
        return self.default if number is None else Fraction(number)


@dataclass(frozen=True, slots=True)
class DayRules:
    """What a methodology says about one day of a holder.

    `groups` it belongs to, `excludes` whose acts of that day rule its own out; `days_open`: for how many days after the
    act a better one may still take its place.
    """

    limits: tuple[DailyLimit, ...] = ()
    groups: frozenset[str] = frozenset()
    excludes: frozenset[str] = frozenset()
    days_open: int = 0

    def rule_out(self, other: "DayRules") -> bool:
        """Whether an act under these rules and one under those cannot both be credited on one day."""
        return not (self.groups.isdisjoint(other.excludes) and self.excludes.isdisjoint(other.groups))


#: The rules of a methodology on a day.
RulesOf = Callable[[str, date], DayRules]


@dataclass(frozen=True, slots=True)
class Loss:
    """Why an act does not count, and which act counts instead."""

    reason: str
    excluded_by: UUID | None


def priority(act: Act) -> tuple[bool, int, datetime, str, str, str, int]:
    """Sort key: the better claim comes first."""
    return not act.keeps_claim, -int(act.grade[1:]), act.begins_at, act.partner, act.order_no, act.line, act.revision


def owner_of(contenders: Collection[Act]) -> Act | None:
    """Whose claim stands among those who claim one fingerprint."""
    return min(contenders, key=priority, default=None)


@dataclass(slots=True)
class Contest:
    """Everybody who claims one fingerprint, as stored."""

    owner: ActivityKey | None = None
    contenders: set[ActivityKey] = field(default_factory=set)

    @property
    def parties(self) -> set[ActivityKey]:
        return self.contenders | ({self.owner} if self.owner else set())


NOBODY = Contest()


def settle_contests(
    new: Sequence[Act],
    withdrawn: Collection[ActivityKey],
    stored: Mapping[bytes, Contest],
    acts: Mapping[ActivityKey, Act],
    eligible: Collection[ActivityKey],
    late: Collection[ActivityKey] = (),
) -> dict[bytes, Contest]:
    """The contests as they stand after the new acts joined and the withdrawn ones left.

    `acts` holds every stored party; a stored party that is not issued may win only when it is `eligible` (its holder
    still consents, or its source keeps the claim and nothing is credited). A new act that is too late to be credited
    (`late`) takes no claim from one that may be.
    """
    parties: dict[bytes, list[Act]] = {
        fingerprint: [acts[key] for key in contest.parties if key not in withdrawn]
        for fingerprint, contest in stored.items()
    }
    for act in new:
        for fingerprint in act.fingerprints:
            parties.setdefault(fingerprint, []).append(act)
    new_keys = {act.key for act in new}
    after = {}
    for fingerprint, claimants in parties.items():
        contest = stored.get(fingerprint, NOBODY)
        able = [
            act
            for act in claimants
            # An owner that lost to another trip keeps its claim: the physical act is still its own.
            if act.key in new_keys or act.status == ISSUED or act.key in eligible or act.key == contest.owner
        ]
        owner = owner_of([act for act in able if act.key not in late]) or owner_of(able)
        after[fingerprint] = Contest(
            owner.key if owner else None, {act.key for act in claimants if owner is None or act.key != owner.key}
        )
    return after


def days_of(act: Act, rules_of: RulesOf) -> set[tuple[UUID, date]]:
    """The holder's days on which this act is decided against others: those a trip touches, else its day under rules."""
    if act.started_at is not None and act.ended_at is not None:
        return {(act.holder_id, clock.day_of(instant)) for instant in (act.started_at, act.ended_at)}
    rules = rules_of(act.methodology, act.day)
    return {(act.holder_id, act.day)} if rules.limits or rules.excludes else set()


def heirs_of(new: Sequence[Act], withdrawn: Sequence[Act], rules_of: RulesOf) -> set[ActivityKey]:
    """The new acts that correct one that was credited: the same line, day, holder and rule of exclusion.

    What was credited for good stays so when it is corrected, unless its source keeps the claim from now on.
    """

    def place(act: Act) -> tuple[object, ...]:
        rules = rules_of(act.methodology, act.day)
        return act.holder_id, act.partner, act.order_no, act.line, act.day, rules.groups, rules.excludes

    credited = {place(act) for act in withdrawn if act.status == ISSUED}
    return {act.key for act in new if not act.keeps_claim and place(act) in credited}


def one_of(holder_id: UUID, same: Mapping[UUID, Sequence[UUID]]) -> UUID:
    """One holder that stands for all holders of the same person: the first of them."""
    return same[holder_id][0] if holder_id in same else holder_id


def decide_days(
    acts: Sequence[Act], rules_of: RulesOf, *, now: datetime, heirs: Collection[ActivityKey] = ()
) -> dict[ActivityKey, Loss]:
    """Which of one person's acts lose to an overlap, an exclusive act or a daily limit: the losers with the reason.

    `heirs`: see `heirs_of`.
    """
    losses: dict[ActivityKey, Loss] = {}
    kept = sorted((act for act in acts if act.keeps_claim), key=priority)
    accepted: list[Act] = list(kept)
    used: dict[tuple[DailyLimit, date], Fraction] = defaultdict(Fraction)
    ranked = sorted((act for act in acts if not act.keeps_claim), key=priority)
    closed = [act for act in ranked if (act.status == ISSUED or act.key in heirs) and _closed(act, rules_of, now)]

    def judge(act: Act, rivals: Sequence[Act]) -> None:
        rules = rules_of(act.methodology, act.day)
        uses = {(limit, act.day): limit.measured(act) for limit in rules.limits}
        loss = _overlapped(act, accepted) or _excluded(act, rules, rivals, rules_of) or _exceeded(uses, used)
        if loss is not None:
            losses[act.key] = loss
            return
        losses.pop(act.key, None)
        accepted.append(act)
        for key, measured in uses.items():
            used[key] += measured

    def credited() -> list[Act]:
        """What can rule out an act that was credited on a closed day: never one whose claim is kept."""
        return accepted[len(kept) :]

    for act in ranked:
        judge(act, credited() if act in closed else [*closed, *accepted])
    fallen = {act.id for act in closed if act.key in losses}
    for act in ranked:
        # What it gave way to was outdone itself, by a better trip or a limit: then only what counts is in its way.
        if act.key in losses and losses[act.key].excluded_by in fallen:
            judge(act, credited() if act in closed else accepted)
    return losses


def shut_out(
    acts: Sequence[Act],
    stored: Sequence[Act],
    rules_of: RulesOf,
    *,
    now: datetime,
    heirs: Collection[ActivityKey] = (),
    same: Mapping[UUID, Sequence[UUID]] | None = None,
) -> set[ActivityKey]:
    """Those of these acts that come too late: one of their person's day that rules them out was credited for good.

    `same`: holder → the holders of the same person, of those who were merged. Never an act whose source keeps the
    claim: there is nothing to credit, so it is in nobody's way but has its claims.
    """
    same = same or {}
    closed: dict[UUID, list[Act]] = defaultdict(list)
    for act in (*acts, *stored):
        if (act.status == ISSUED or act.key in heirs) and _closed(act, rules_of, now):
            closed[one_of(act.holder_id, same)].append(act)
    return {
        act.key
        for act in acts
        if act.key not in heirs
        and not act.keeps_claim
        and _excluded(act, rules_of(act.methodology, act.day), closed[one_of(act.holder_id, same)], rules_of)
        is not None
    }


def _closed(act: Act, rules_of: RulesOf, now: datetime) -> bool:
    """Whether it is too late for an exclusive act to take the place of this one, whose points may have ripened."""
    rules = rules_of(act.methodology, act.day)
    return bool(rules.excludes) and now >= clock.start_of_day_after(act.day, rules.days_open)


def _excluded(act: Act, rules: DayRules, rivals: Sequence[Act], rules_of: RulesOf) -> Loss | None:
    """The loss of an act to one of the same day that rules it out."""
    if not rules.excludes:
        return None
    for rival in rivals:
        if rival.day == act.day and rules.rule_out(rules_of(rival.methodology, rival.day)):
            return Loss(EXCLUDED_BY, rival.id)
    return None


def _exceeded(
    uses: Mapping[tuple[DailyLimit, date], Fraction], used: Mapping[tuple[DailyLimit, date], Fraction]
) -> Loss | None:
    """The loss of an act that would use more of a limit than the better ones have left."""
    for key, measured in uses.items():
        limit = key[0]
        if used.get(key, Fraction(0)) + measured > limit.maximum:
            return Loss(limit.reason, None)
    return None


def _overlapped(act: Act, accepted: Sequence[Act]) -> Loss | None:
    return next((Loss(OVERLAPPING_TRIP, other.id) for other in accepted if overlap(act, other)), None)


def overlap(one: Act, other: Act) -> bool:
    """Whether two trips share an instant; one that begins when the other ends does not."""
    if one.started_at is None or one.ended_at is None or other.started_at is None or other.ended_at is None:
        return False
    return one.started_at < other.ended_at and other.started_at < one.ended_at
