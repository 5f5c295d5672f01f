"""Lots through everything that can happen to them, against a model of a few lines.

Acts are earned, corrected and reversed; time passes, lots ripen and lapse; points are reserved, spent, released and
refunded, each step perhaps twice. After every step the books prove themselves and each lot holds what the model says.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from backend import clock, identity, ledger, points, settlement
from backend.identity import OperatorView
from backend.ids import new_id
from backend.points import ContradictingUse, InsufficientPoints
from backend.points.models import Lot
from tests.backend.acting import settle_act
from tests.backend.operating import signed_in
from tests.backend.spending import use
from tests.backend.world import World

LIFE_DAYS = 12
#: Steps of a use: the state they need, and the one they lead to.
STEPS = {
    "confirm": ("reserved", "spent"),
    "release": ("reserved", "released"),
    "refund": ("spent", "refunded"),
}


@dataclass
class Batch:
    """What the model knows of a lot."""

    id: UUID
    order: str
    amount: int
    available_at: datetime
    expires_at: datetime
    remaining: int
    reserved: int = 0
    expired: int = 0
    ripe: bool = False
    gone: bool = False
    caused: int = 0  # of the debt, and not yet paid back of what was written off

    def lives(self, now: datetime) -> bool:
        return self.ripe and self.remaining > 0 and self.expires_at > now


@dataclass
class Model:
    """Lots, debt and uses of one member, by the rules as they are told to members."""

    lots: list[Batch] = field(default_factory=list)
    debt: int = 0
    written_off: int = 0
    uses: dict[UUID, tuple[str, list[tuple[Batch, int]]]] = field(default_factory=dict)

    def soonest(self, now: datetime) -> list[Batch]:
        return sorted((lot for lot in self.lots if lot.lives(now)), key=lambda lot: (lot.expires_at, lot.id))

    def spendable(self, now: datetime) -> int:
        return sum(lot.remaining for lot in self.soonest(now))

    def pay_debt(self, lot: Batch) -> None:
        paid = min(self.debt, lot.remaining)
        self.debt -= paid
        lot.remaining -= paid

    def ripen(self, now: datetime) -> None:
        for lot in sorted(self.lots, key=lambda lot: lot.id):
            if not lot.ripe and not lot.gone and lot.available_at <= now:
                lot.ripe = True
                self.pay_debt(lot)

    def lapse(self, lots: list[Batch], now: datetime) -> None:
        for lot in lots:
            if lot.ripe and lot.expires_at <= now:
                lot.expired, lot.remaining = lot.expired + lot.remaining, 0

    def take(self, use_id: UUID, wanted: int, state: str, now: datetime) -> None:
        parts = []
        for lot in self.soonest(now):
            if part := min(wanted, lot.remaining):
                lot.remaining -= part
                lot.reserved += part if state == "reserved" else 0
                wanted -= part
                parts.append((lot, part))
        self.uses[use_id] = state, parts

    def step(self, use_id: UUID, verb: str, now: datetime) -> None:
        before, after = STEPS[verb]
        _, parts = self.uses[use_id]
        self.uses[use_id] = after, parts
        for lot, part in parts:
            lot.reserved -= part if before == "reserved" else 0
        if verb != "confirm":
            self.lapse([lot for lot, _ in parts], now)
            for lot, part in sorted(parts, key=lambda item: (not item[0].gone, item[0].expires_at, item[0].id)):
                paid = min(self.debt, part)
                self.debt -= paid
                makes_up = min(part - paid, self.written_off, lot.caused)
                self.written_off -= makes_up
                lot.caused -= makes_up
                lot.remaining += part - paid - makes_up
                if part > paid + makes_up and lot.expires_at <= now:
                    lot.expires_at = clock.start_of_day_after(clock.day_of(now), 31)

    def take_back(self, order: str) -> None:
        for lot in self.lots:
            if lot.order == order and not lot.gone:
                owed, lot.gone = lot.amount - lot.remaining - lot.expired, True
                lot.remaining = 0
                open_lots = [other for other in self.lots if other.ripe and other.remaining]
                for other in sorted(open_lots, key=lambda item: (item.expires_at, item.id)):
                    paid = min(owed, other.remaining)
                    other.remaining -= paid
                    owed -= paid
                self.debt += owed
                lot.caused = owed


class LotMachine(RuleBasedStateMachine):
    """One member, from the first act to wherever it goes."""

    world: World
    operators: list[OperatorView]

    @initialize()
    def begin(self) -> None:
        self.traveller = time_machine.travel(datetime(2026, 6, 8, 12, 0, tzinfo=clock.SHANGHAI), tick=False)
        self.time = self.traveller.start()
        self.alice = self.world.person(f"alice-{new_id()}", linked=False, consenting=False)
        with self.world.house.transaction() as tx:
            how = {"partner": "shop", "scene": "commute", "granted": True, "now": clock.now()}
            identity.set_consent(tx, holder_id=self.alice, **how)
        self.model, self.revisions = Model(), dict[str, int]()
        for km in (2, 3, 4):
            self.earn(km)
            self.wait(24, "")
        self.wait(24, "ripen")

    def teardown(self) -> None:
        if hasattr(self, "traveller"):
            with self.world.house.transaction() as tx:
                assert list(ledger.differences(tx)) == []
            self.traveller.stop()

    # -- acts ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.lots) < 8)
    @rule(km=st.integers(1, 9))
    def earn(self, km: int) -> None:
        """Hours apart, so that no daily limit is met."""
        self.time.shift(timedelta(hours=6))
        order = f"O{len(self.revisions) + 1}"
        self.revisions[order] = 1
        self._settle(order, km)

    @precondition(lambda self: self._standing())
    @rule(chance=st.randoms(use_true_random=False), km=st.integers(0, 9))
    def take_back(self, chance: Any, km: int) -> None:
        """An order goes back as it was; it is issued again when it was only corrected."""
        order = chance.choice(self._standing())
        if km:
            self.revisions[order] += 1
            self.model.take_back(order)
            self._settle(order, km)
            return
        (batch,) = [lot for lot in self.model.lots if lot.order == order and not lot.gone]
        (stored,) = [lot for lot in self._lots() if lot.id == batch.id]
        for _ in range(2):
            with self.world.house.transaction() as tx:
                settlement.reverse(tx, [(self.alice, stored.activity_id)], now=clock.now())
        self.model.take_back(order)

    def _standing(self) -> list[str]:
        return [lot.order for lot in self.model.lots if not lot.gone]

    def _settle(self, order: str, km: int) -> None:
        known = {lot.id for lot in self._lots()}
        at = clock.now() - timedelta(days=1)
        data = {"distance_km": str(km)}
        outcome = settle_act(
            self.world.house,
            self.alice,
            "metro_ride",
            data,
            f"{self.alice}-{order}",
            at=at,
            named={"trip_id": f"{self.alice}-{order}"},
            revision=self.revisions[order],
        )
        assert outcome.points > 0, outcome
        for lot in self._lots():
            if lot.id not in known:
                assert lot.amount == outcome.points
                times = lot.available_at, lot.expires_at
                self.model.lots.append(Batch(lot.id, order, lot.amount, *times, remaining=lot.amount))

    # -- time ----------------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([11, 12, 36, 72, 24 * LIFE_DAYS]), jobs=st.sampled_from(["", "ripen", "ripen lapse"]))
    def wait(self, hours: int, jobs: str) -> None:
        """Time passes; the jobs come by, or are late."""
        self.time.shift(timedelta(hours=hours))
        for job in jobs.split():
            with self.world.house.transaction() as tx:
                getattr(points, job)(tx, now=clock.now())
        if "ripen" in jobs:
            self.model.ripen(clock.now())
        if "lapse" in jobs:
            self.model.lapse(self.model.lots, clock.now())

    # -- uses ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.model.spendable(clock.now()))
    @rule(verb=st.sampled_from(["reserve", "reserve", "spend"]), share=st.integers(1, 6), twice=st.booleans())
    def take(self, verb: str, share: int, twice: bool) -> None:
        """Up to a fifth more than there is."""
        now, has = clock.now(), self.model.spendable(clock.now())
        asked = use(self.alice, max(1, has * share // 5), now=now)
        enough = asked["points"] <= has
        for _ in range(2 if twice else 1):
            refused = nullcontext() if enough else pytest.raises(InsufficientPoints)
            with refused, self.world.house.transaction() as tx:
                getattr(points, verb)(tx, **asked)
        if enough:
            state = "reserved" if verb == "reserve" else "spent"
            self.model.take(asked["use_id"], asked["points"], state, now)

    @precondition(lambda self: self.model.uses)
    @rule(verb=st.sampled_from(sorted(STEPS)), chance=st.randoms(use_true_random=False), twice=st.booleans())
    def go_on(self, verb: str, chance: Any, twice: bool) -> None:
        """Mostly what can be done; sometimes what contradicts."""
        fitting = [use_id for use_id, (state, _) in self.model.uses.items() if state == STEPS[verb][0]]
        use_id = chance.choice(sorted(fitting or self.model.uses))
        state = self.model.uses[use_id][0]
        asked: dict[str, Any] = {"holder_id": self.alice, "use_id": use_id, "now": clock.now()}
        asked |= {} if verb == "confirm" else {"reason": "CANCELLED"}
        for _ in range(2 if twice else 1):
            if state in STEPS[verb]:
                with self.world.house.transaction() as tx:
                    getattr(points, verb)(tx, **asked)
            else:
                with pytest.raises(ContradictingUse), self.world.house.transaction() as tx:
                    getattr(points, verb)(tx, **asked)
        if state == STEPS[verb][0]:
            self.model.step(use_id, verb, clock.now())

    @precondition(lambda self: self.model.debt)
    @rule(share=st.integers(1, 3))
    def write_off(self, share: int) -> None:
        """Two operators let the member off a third of the debt, or all of it."""
        amount = -(-self.model.debt * share // 3)
        how: dict[str, Any] = {"reason": "agreed", "limit": 10**9, "now": clock.now()}
        with self.world.house.transaction() as tx:
            asked = points.request_write_off(tx, self.alice, "members", amount, operator=self.operators[0], **how)
            points.decide_write_off(tx, asked, operator=self.operators[1], granted=True, **how)
        self.model.debt -= amount
        self.model.written_off += amount

    # -- what is always so ---------------------------------------------------------------------------------------

    @invariant()
    def books_and_lots_are_right(self) -> None:
        with self.world.house.transaction() as tx:
            assert list(points.differences(tx)) == []
            standing = points.standings(tx, self.alice, now=clock.now()).get("members", points.NO_POINTS)
        stored = {lot.id: (lot.remaining, lot.reserved, lot.expired, lot.expires_at) for lot in self._lots()}
        model = self.model
        assert stored == {lot.id: (lot.remaining, lot.reserved, lot.expired, lot.expires_at) for lot in model.lots}
        told = standing.pending, standing.available, standing.reserved, standing.debt
        pending = sum(lot.remaining for lot in model.lots if not lot.ripe)
        assert told == (pending, model.spendable(clock.now()), sum(lot.reserved for lot in model.lots), model.debt)
        ever = standing.ever
        used = sum(part for state, parts in model.uses.values() if state == "spent" for _, part in parts)
        lost = model.debt + model.written_off
        assert (ever.spent, ever.earned) == (used, sum(told[:3]) + ever.spent + ever.expired - lost)
        assert not (model.debt and any(lot.ripe and lot.remaining for lot in model.lots)), "nobody owes and has"

    def _lots(self) -> list[Lot]:
        with self.world.house.transaction() as tx:
            return list(tx.scalars(select(Lot).where(Lot.holder_id == self.alice).order_by(Lot.id)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_lots_hold_what_a_model_of_a_few_lines_says(database_url: str) -> None:
    world = World(database_url)
    with world.house.transaction() as tx:
        points.save_rule(
            tx, programme="members", version=2, in_force_from=date(2026, 1, 1), expires_after_days=LIFE_DAYS
        )
        # Never used up: what is drawn of it has to follow every lot, wherever it goes.
        plenty = ("members", "programme", "members", "预算 / Budget", date(2025, 1, 1), None, 1_000_000)
        points.open_budget(tx, points.NewBudget(*plenty), now=clock.now())
    operators = [signed_in(world, name, "finance") for name in ("zhao", "sun")]
    machine = type("Machine", (LotMachine,), {"world": world, "operators": operators})
    quick = settings(
        max_examples=8,
        stateful_step_count=30,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=quick)
