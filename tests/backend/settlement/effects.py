"""The test that everything derived from acts has to pass: when the acts are gone, it is as if they had never been.

An effect brings a `Case`; each of `WAYS` issues acts, derives the effect from them, and takes the acts back in one way.
`standing` reads the whole database but for what only tells the history; it must read as it did before.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import MetaData, Table, inspect, select, text
from sqlalchemy.orm import Session

from backend import clock, points, settlement
from backend.activities import ActivityKey
from backend.database import Base
from backend.settlement import DerivedEffect
from tests.backend.world import World, cancel, days_ago, trade_in, trip

#: Tables that tell what happened and keep telling it, and the one lock row per day.
HISTORY = {
    *("activities", "claim_contenders", "inbox", "ledger_transactions", "ledger_transfers", "order_lines", "orders"),
    *("outbox", "quantification_bases", "holder_days", "alembic_version"),
}
#: Tables with rows that stand and rows that are history, and which of them stand.
STANDING = {"balances": "amount <> 0", "claims": "activity_id IS NOT NULL", "points_lots": "stage <> 'closed'"}

Derive = Callable[[Session, Sequence[ActivityKey], datetime], None]


@dataclass(frozen=True, slots=True)
class Case:
    """An effect under test.

    `derive` does what the effect does when acts are issued, for these acts, and must leave a trace in the database.
    `standing`: of its own tables that keep history, the condition under which a row still stands.
    """

    effect: DerivedEffect
    derive: Derive
    standing: Mapping[str, str] = field(default_factory=dict)


def standing(world: World, case: Case) -> dict[str, Counter[str]]:
    """Every row of the database that stands, by table."""
    conditions = STANDING | dict(case.standing)
    found = {}
    with world.house.transaction() as tx:
        for table in tables(tx):
            if table.name not in HISTORY:
                query = select(table).where(text(conditions.get(table.name, "1 = 1")))
                found[table.name] = Counter(map(repr, tx.execute(query)))
    return found


def tables(tx: Session) -> list[Table]:
    """Every table there is: those of the house as it describes them, any other as it is found."""
    described = Base.metadata.tables
    others = MetaData()
    unknown = [name for name in inspect(tx.connection()).get_table_names() if name not in described]
    others.reflect(tx.connection(), only=unknown)
    return [*described.values(), *others.tables.values()]


class Trial:
    """One way on one database: issues, derives, and looks."""

    def __init__(self, world: World, case: Case) -> None:
        self.world, self.case = world, case
        settlement.register_effects(world.house.sessions, [case.effect])
        self.alice, self.bob = world.person("alice"), world.person("bob")
        self._bare = standing(world, case)

    def settled(self, partner: str, event: dict[str, Any]) -> str:
        sent = self.world.send(partner, event)
        self.world.settle()
        return sent

    def derived(self, partner: str, event: dict[str, Any], holder: UUID) -> list[ActivityKey]:
        """Settle an event whose lines all count, and derive the effect from its acts."""
        sent = self.settled(partner, event)
        keys = [(holder, UUID(line["activity_id"])) for line in self.world.lines(partner, sent)]
        before = standing(self.world, self.case)
        with self.world.house.transaction() as tx:
            self.case.derive(tx, keys, clock.now())
        assert standing(self.world, self.case) != before, "the effect left no trace"
        return keys

    def ends_as_if_nothing_had_been(self) -> None:
        self.world.check_books()
        assert standing(self.world, self.case) == self._bare


def cancelled(trial: Trial) -> None:
    trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    trial.settled("zhuanzhuan", cancel("D1", "alice"))


def cancelled_twice_and_in_part(trial: Trial) -> None:
    trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    for lines in ((1,), (), (), (1,)):
        trial.settled("zhuanzhuan", cancel("D1", "alice", *lines))


def line_by_line(trial: Trial) -> None:
    order = trade_in("D1", "alice", "SN-1")
    order["data"]["items"].append({"line": 2, "category": "tablet", "serial": "SN-2", "quantity": 1})
    trial.derived("zhuanzhuan", order, trial.alice)
    trial.settled("zhuanzhuan", cancel("D1", "alice", 2))
    trial.settled("zhuanzhuan", cancel("D1", "alice", 1))


def corrected_twice(trial: Trial) -> None:
    trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    for revision, category in ((2, "tablet"), (3, "phone")):
        correction = trade_in("D1", "alice", "SN-1", category=category, revision=revision)
        trial.derived("zhuanzhuan", correction | {"type": "order.corrected"}, trial.alice)
    trial.settled("zhuanzhuan", cancel("D1", "alice"))


def moved_to_another_member(trial: Trial) -> None:
    trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    correction = trade_in("D1", "bob", "SN-1", revision=2) | {"type": "order.corrected"}
    trial.derived("zhuanzhuan", correction, trial.bob)
    trial.settled("zhuanzhuan", cancel("D1", "bob"))


def displaced_and_back(trial: Trial) -> None:
    """Bob's earlier claim takes Alice's place; it is cancelled, hers counts again, and then hers is cancelled too."""
    trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1", occurred_at=days_ago(3)), trial.alice)
    trial.derived("zhuanzhuan", trade_in("D2", "bob", "SN-1", occurred_at=days_ago(5)), trial.bob)
    trial.settled("zhuanzhuan", cancel("D2", "bob"))
    trial.settled("zhuanzhuan", cancel("D1", "alice"))


def overlapped(trial: Trial) -> None:
    trial.derived("transit", trip("T1", "alice", at=days_ago(3, 8, 20)), trial.alice)
    trial.derived("transit", trip("T2", "alice", at=days_ago(3, 8, 0)), trial.alice)
    trial.settled("transit", cancel("T2", "alice"))
    trial.settled("transit", cancel("T1", "alice"))


def reversed_after_a_review(trial: Trial) -> None:
    keys = trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    for _ in range(2):
        with trial.world.house.transaction() as tx:
            settlement.reverse(tx, keys, now=clock.now())


def reversed_when_ripe(trial: Trial) -> None:
    keys = trial.derived("zhuanzhuan", trade_in("D1", "alice", "SN-1"), trial.alice)
    with trial.world.house.transaction() as tx:
        points.ripen(tx, now=clock.start_of_day_after(clock.today(), 30))
        settlement.reverse(tx, keys, now=clock.now())


WAYS = (
    *(
        cancelled,
        cancelled_twice_and_in_part,
        line_by_line,
        corrected_twice,
        moved_to_another_member,
        displaced_and_back,
        overlapped,
    ),
    *(reversed_after_a_review, reversed_when_ripe),
)


def goes_back_whole(world: World, case: Case, way: Callable[[Trial], None]) -> None:
    """Issue, derive, take back in this way, and compare the whole state with never having happened."""
    trial = Trial(world, case)
    way(trial)
    trial.ends_as_if_nothing_had_been()
