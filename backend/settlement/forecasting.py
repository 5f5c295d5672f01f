"""What restating a version would do, before it is done. Nothing is locked and nothing is written."""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, points
from backend.activities import Library
from backend.database import transaction
from backend.settlement.issuing import CREDIT_ACCOUNTS
from backend.settlement.restating import BATCH, Change, RefusedAct, judge

#: How many of the members with the largest movements are named.
MOVERS = 10


@dataclass(slots=True)
class Amounts:
    """One claim type over the affected acts: what stands, what would stand, and `after` − `before`."""

    before: int = 0
    after: int = 0
    difference: int = 0


@dataclass(slots=True)
class PointsEffect:
    """Points of the affected acts, for information: they stay as they are.

    `earned` = `pending` + `available` + `used` + `expired`, as they lie now; `would_be` is what the restated credits
    would have earned by the same rules.
    """

    earned: int = 0
    pending: int = 0
    available: int = 0
    used: int = 0
    expired: int = 0
    would_be: int = 0


@dataclass(slots=True)
class Mover:
    """A member whose credits would move: how many acts, and by how much, by claim type."""

    holder_id: UUID
    acts: int = 0
    differences: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CREDIT_ACCOUNTS, 0))

    @property
    def size(self) -> int:
        """The largest movement of one claim type: the types are never added together."""
        return max(map(abs, self.differences.values()))


@dataclass(slots=True)
class Forecast:
    """Who would change and by how much, as far as the acts have been `examined`; `amounts` by claim type."""

    methodology: str
    version: str
    total: int
    examined: int = 0
    acts: int = 0
    holders: int = 0
    amounts: dict[str, Amounts] = field(default_factory=lambda: {credit: Amounts() for credit in CREDIT_ACCOUNTS})
    points: PointsEffect = field(default_factory=PointsEffect)
    movers: list[Mover] = field(default_factory=list)
    refused: list[RefusedAct] = field(default_factory=list)

    @property
    def largest(self) -> list[Mover]:
        """The members with the largest movements, the largest first."""
        return heapq.nlargest(MOVERS, self.movers, key=lambda mover: mover.size)


def forecast(
    sessions: sessionmaker[Session],
    methodology: str,
    version: str,
    *,
    library: Library | None = None,
    limit: int = BATCH,
) -> Iterator[Forecast]:
    """Yields one growing forecast: before the first page of acts, and after each. Raises as `restate` does."""
    library = library or activities.library()
    scope = activities.scope_of(library, methodology, version)
    with transaction(sessions) as tx:
        found = Forecast(methodology, version, activities.count_issued(tx, scope))
    yield found
    cursor, more = None, True
    while more:
        with transaction(sessions) as tx:
            page = activities.issued_after(tx, scope, cursor, limit)
            judged = judge(tx, page, library)
            _count(found, judged.changes)
            _count_points(tx, found.points, judged.changes)
        found.refused += judged.refused
        found.examined += len(page)
        cursor, more = (page[-1].key if page else cursor), len(page) == limit
        yield found


def _count(found: Forecast, changes: Sequence[Change]) -> None:
    """Add these acts. They come member by member, so the last mover may still be growing."""
    for change in changes:
        before, after = asdict(activities.credits_of(change.standing)), asdict(change.credits)
        holder_id = change.standing.holder_id
        if not found.movers or found.movers[-1].holder_id != holder_id:
            found.movers = [*found.largest, Mover(holder_id)]
            found.holders += 1
        found.acts += 1
        mover = found.movers[-1]
        mover.acts += 1
        for credit, amounts in found.amounts.items():
            amounts.before += before[credit]
            amounts.after += after[credit]
            amounts.difference += after[credit] - before[credit]
            mover.differences[credit] += after[credit] - before[credit]


def _count_points(tx: Session, effect: PointsEffect, changes: Sequence[Change]) -> None:
    """Add where the points of these acts lie, and what the rule of each lot gives for the restated credits."""
    rules = {(rule.programme, rule.version): rule for rule in points.rules(tx)} if changes else {}
    lots = points.newest_lots(tx, [change.standing.key for change in changes]) if changes else {}
    for change in changes:
        act, lot = change.standing, lots.get(change.standing.key)
        if lot is None:
            continue  # no rule was in force, or the act earned nothing by it
        engagement = activities.claims_engagement(act.methodology, act.day)
        earned = rules[lot.programme, lot.rule_version].points_for
        effect.would_be += earned(act.methodology, **asdict(change.credits), engagement=engagement)
        effect.earned += lot.amount
        effect.pending += lot.remaining if lot.stage == "pending" else 0
        effect.available += lot.remaining if lot.stage == "available" else 0
        effect.expired += lot.expired
        effect.used += lot.amount - lot.remaining - lot.expired
