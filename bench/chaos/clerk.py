"""A clerk of the bank: works on everybody's points through the public verbs, until it is killed or told to stop.

Time moves quickly for it: `day_s` seconds are a day, or `operations_a_day` of all clerks together. What it did is
written down in its journal once it is committed, so that what was acknowledged before a kill can be looked for in the
books.
"""

import argparse
import hashlib
import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from backend import House, activities, build_house, clock, points, settlement
from backend.errors import Refusal
from backend.identity import Receiver
from backend.ids import new_id
from backend.settings import Settings
from backend.settlement import Draft, Statement

PROGRAMME, PARTNER, SCENE = "bank", "bank", "commute"
#: What a clerk sees to that its share of all operations is about this; what ripens and lapses follows from the rest.
SHARES = {"earn": 40, "reverse": 4, "use": 16}
ACTS, REVERSALS, STEPS, RIPE = 200, 40, 12, 400
#: How often what next becomes of an open use, in relation to the rest; what is spent is now and then refunded.
ENDS = {"confirm": 60, "release": 30, "expire": 10}
_REMEMBERED = 4_000
#: How many operations the bank has made.
COUNT = "SELECT count(*) FROM ledger_transactions"


class Clerk:
    def __init__(self, house: House, chance: random.Random, journal: int, given: argparse.Namespace) -> None:
        self._house, self._chance, self._journal = house, chance, journal
        self._epoch, self._day_s = datetime.fromtimestamp(given.epoch, UTC), given.day_s
        self._operations_a_day = given.operations_a_day
        self.done: Counter[str] = Counter()
        self._tried: Counter[str] = Counter()
        self._acts: list[tuple[UUID, UUID]] = []
        self._open: list[tuple[UUID, UUID]] = []
        self._spent: list[tuple[UUID, UUID]] = []
        with house.transaction() as tx:
            self._holders = list(tx.scalars(text("SELECT holder_id FROM enrolments ORDER BY holder_id")))
            begun = """SELECT holder_id, id FROM points_uses u WHERE state = 'reserved' AND NOT EXISTS (
                SELECT FROM redemptions r WHERE r.holder_id = u.holder_id AND r.id = u.id) ORDER BY id"""
            self._open = [(row.holder_id, row.id) for row in tx.execute(text(begun))]  # also of who was killed

    def now(self) -> datetime:
        """The time of the bank."""
        if self._operations_a_day:
            with self._house.transaction() as tx:
                return self._epoch + timedelta(days=tx.execute(text(COUNT)).scalar_one() / self._operations_a_day)
        return self._epoch + (clock.now() - self._epoch) * (86_400 / self._day_s)

    def work(self) -> None:
        """What is most behind its share, and what is due."""
        behind = min(SHARES, key=lambda name: (self._tried[name] / SHARES[name], name))
        self._tried[behind] += {"earn": ACTS, "reverse": REVERSALS, "use": STEPS}[behind]
        doing: dict[str, Callable[[], int]] = {"earn": self._earn, "reverse": self._reverse, "use": self._use}
        for name in (behind, *self._chance.sample(("ripen", "lapse"), 1)):
            self.done[name] += self._trying(doing.get(name) or (lambda job=name: self._run_job(job)))

    def _trying(self, doing: Callable[[], int]) -> int:
        """Who lost against somebody else, or whose connection was cut, does something else next."""
        try:
            return doing()
        except (OperationalError, activities.Contended) as error:
            self.done["deadlocks" if "deadlock" in str(error) else "begun again"] += 1
            return 0

    def _holder(self) -> UUID:
        """One member in ten has half of the uses."""
        few = self._holders[: max(1, len(self._holders) // 10)]
        return self._chance.choice(few if self._chance.random() < 0.5 else self._holders)

    # -- in batches ----------------------------------------------------------------------------------------------

    def _earn(self) -> int:
        now = self.now()
        statements = [self._ride(self._chance.choice(self._holders), now) for _ in range(ACTS)]
        with self._house.transaction() as tx:
            outcomes = settlement.settle(tx, self._house.vault, statements, now=now)
        earned = [outcome.activity for outcome in outcomes if outcome.status == "issued" and outcome.activity]
        self._acts = (self._acts + earned)[-_REMEMBERED:]
        return len(earned)

    def _ride(self, holder: UUID, now: datetime) -> Statement:
        order = str(new_id())
        km = str(self._chance.randint(1, 12))
        draft = Draft("metro_ride", {"distance_km": km}, {"partner": PARTNER, "trip_id": order}, now, "E3")
        return Statement(
            source_id=new_id(),
            partner=PARTNER,
            order_no=order,
            line="1",
            revision=1,
            rank=activities.ORIGINAL,
            order_type="trip.completed",
            receiver=Receiver(holder, PROGRAMME, b""),
            content_hash=hashlib.sha256(order.encode()).digest(),
            evidence="{}",
            translate=lambda _: draft,
        )

    def _reverse(self) -> int:
        """Old acts and fresh ones: their points may be pending, reserved, spent, lapsed or owed already."""
        keys = self._chance.sample(self._acts, min(REVERSALS, len(self._acts)))
        with self._house.transaction() as tx:
            return len(settlement.reverse(tx, keys, now=self.now()))

    def _run_job(self, name: str) -> int:
        """Again while there is as much as is done in one go."""
        done, step = 0, RIPE
        while step == RIPE:
            with self._house.transaction() as tx:
                step = getattr(points, name)(tx, now=self.now(), limit=RIPE)
            done += step
        return done

    # -- one by one ----------------------------------------------------------------------------------------------

    def _use(self) -> int:
        """Several steps of uses, of one member after the other, in one transaction."""
        steps = sorted({step[:2]: step for step in (self._step() for _ in range(STEPS))}.values())
        now, made, ended = self.now(), [], []
        with self._house.transaction() as tx:
            for holder_id, use_id, verb in steps:
                try:
                    self._take(tx, holder_id, use_id, verb, now)
                except Refusal as refusal:
                    ended.append((holder_id, use_id))
                    self.done[refusal.code] += 1
                else:
                    made.append((holder_id, use_id, verb))
        os.write(self._journal, "".join(f"{_kind(verb)}:{use_id}\n" for _, use_id, verb in made).encode())
        self._remember(made, ended)
        return len(made)

    def _step(self) -> tuple[UUID, UUID, str]:
        what = self._chance.random()
        if what < 0.45 and self._open:
            key = self._chance.choice(self._open[-200:] if what < 0.3 else self._open)
            return (*key, self._chance.choices(list(ENDS), list(ENDS.values()))[0])
        if what < 0.48 and self._spent:
            return (*self._chance.choice(self._spent), "refund")
        return self._holder(), new_id(), "spend" if what > 0.9 else "reserve"

    def _take(self, tx: Any, holder_id: UUID, use_id: UUID, verb: str, now: datetime) -> None:
        asked: dict[str, Any] = {"holder_id": holder_id, "use_id": use_id, "now": now}
        if verb in ("reserve", "spend"):
            asked |= {"programme": PROGRAMME, "points": self._chance.randint(1, 120)}
        elif verb != "confirm":
            asked |= {"reason": verb.upper()}
        getattr(points, _kind(verb))(tx, **asked)

    def _remember(self, made: Sequence[tuple[UUID, UUID, str]], ended: Sequence[tuple[UUID, UUID]]) -> None:
        gone = {(holder_id, use_id) for holder_id, use_id, verb in made if verb != "reserve"} | set(ended)
        begun = [(holder_id, use_id) for holder_id, use_id, verb in made if verb == "reserve"]
        self._open = [key for key in (*self._open, *begun) if key not in gone]
        spent = [(holder_id, use_id) for holder_id, use_id, verb in made if verb in ("confirm", "spend")]
        self._spent = [key for key in (*self._spent, *spent) if key not in ended][-_REMEMBERED:]


def _kind(verb: str) -> str:
    """A reservation that expired is released, as one that was cancelled is."""
    return "release" if verb == "expire" else verb


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--epoch", type=float, required=True)
    parser.add_argument("--day-s", type=float, required=True)
    parser.add_argument("--operations-a-day", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    given = parser.parse_args()
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))
    house = build_house(Settings.for_tests(database_url=os.environ["DATABASE_URL"]))
    journal = os.open(given.journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    # A clerk that comes in the place of a killed one does not do the same again.
    clerk = Clerk(house, random.Random(f"{given.seed} {os.fstat(journal).st_size}"), journal, given)
    while not stopping:
        clerk.work()
    os.write(journal, f"# {dict(sorted(clerk.done.items()))}\n".encode())


if __name__ == "__main__":
    main()
