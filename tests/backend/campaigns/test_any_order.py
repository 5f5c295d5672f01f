"""Late and reversed acts, restatements, moves, opt-outs and leaving, in whatever order: the scores of a clean list."""

import io
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from backend import activities, clock, ledger, settlement
from backend.campaigns import scoring
from backend.campaigns.models import Campaign, CampaignGroup, CampaignParticipant
from backend.campaigns.policy import ALL, bucket_of, week_of
from backend.campaigns.scoring.models import CampaignBucket, CampaignGroupScore, CampaignScore
from backend.identity import roster
from backend.ids import new_id
from tests.backend.campaigns.week import CODE, FIRST, Week, during
from tests.backend.corrected import corrected

PEOPLE = ("ann", "bob", "cy")
DAYS = [FIRST + timedelta(days=number) for number in range(7)]
DEPARTMENTS = ("总部/研发/一组", "总部/研发/二组", "总部/财务")


@dataclass(frozen=True)
class Step:
    """Something that happens: ride, take_back, move, show, hide, leave, come, restate."""

    what: str
    person: str = ""
    day: date = FIRST
    department: str = ""


_person, _day = st.sampled_from(PEOPLE), st.sampled_from(DAYS)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """What happens, in an order in which it can happen; `follow` may come anywhere between."""
    sequences: list[list[Step]] = []
    for person, day in sorted(draw(st.sets(st.tuples(_person, _day), min_size=3, max_size=8))):
        ride = [Step("ride", person, day)]
        sequences.append([*ride, Step("take_back", person, day)] if draw(st.booleans()) else ride)
    for person in PEOPLE:
        moves = draw(st.lists(st.tuples(_day, st.sampled_from(DEPARTMENTS)), max_size=2))
        sequences.append([Step("move", person, *move) for move in moves])
        said = draw(st.lists(st.sampled_from(["show", "hide", "leave", "come"]), max_size=2))
        sequences.append([Step(what, person) for what in said])
    sequences += [[Step("restate")] for _ in range(draw(st.integers(0, 1)))]
    sequences += [[Step("follow")] for _ in range(draw(st.integers(0, 3)))]
    order = draw(st.permutations([number for number, steps in enumerate(sequences) for _ in steps]))
    waiting = [iter(steps) for steps in sequences]
    return [next(waiting[number]) for number in order]


class Telling:
    """One story in a campaign of its own, by people of its own."""

    numbers = count()

    def __init__(self, week: Week) -> None:
        number = next(self.numbers)
        self.week, self.code = week, f"week-{number}"
        self.staff_no = {person: f"{person}-{number}" for person in PEOPLE}
        with week.house.transaction() as tx:
            tx.execute(update(Campaign).values(cancelled_at=clock.now()))
            told = tx.execute(select(Campaign.__table__).where(Campaign.code == CODE)).one()._asdict()
            tx.add(Campaign(**told | {"code": self.code, "cancelled_at": None}))
        week.company.import_list(dict.fromkeys(week.staff, "") | self._all(DEPARTMENTS[0]), DAYS[-1])
        self.paths = {person: {date(2026, 5, 1): DEPARTMENTS[0]} for person in PEOPLE}
        self.shown, self.there = dict.fromkeys(PEOPLE, True), dict.fromkeys(PEOPLE, True)
        self.holders = {person: week.staff[self.staff_no[person]] for person in PEOPLE}
        for person in PEOPLE:
            self._join(person)

    def _all(self, path: str) -> dict[str, str]:
        return {self.staff_no[person]: path for person in PEOPLE}

    def _join(self, person: str) -> None:
        row = {"kind": "person", "shown": True, "takes_challenges": True, "name": None, "name_passed": False}
        row |= {"city": None, "team_id": None, "joined_at": clock.now(), "left_at": None}
        with self.week.house.transaction() as tx:
            tx.add(CampaignParticipant(holder_id=self.holders[person], campaign=self.code, id=new_id(), **row))
            tx.flush()
            self._changed(tx, person)

    def _changed(self, tx: Any, person: str) -> None:
        scoring.participant_changed(tx, self.code, [self.holders[person]], now=clock.now())

    def play(self, step: Step) -> None:
        getattr(self, step.what)(step)

    def ride(self, step: Step) -> None:
        self.week.ride(self.staff_no[step.person], step.day, str(5 + DAYS.index(step.day)))

    def take_back(self, step: Step) -> None:
        self.week.take_back(self.staff_no[step.person], step.day)

    def restate(self, _: Step) -> None:
        library = corrected("metro_ride", "reduction_per_km", "0.04")
        for _state in settlement.restate(self.week.house.sessions, "metro_ride", "V01", library=library, limit=500):
            pass

    def move(self, step: Step) -> None:
        head = "staff_no,name,department,joined,department_since\n"
        since = {person: max(day for day in paths) for person, paths in self.paths.items()}
        here = {person: paths[since[person]] for person, paths in self.paths.items()}
        here[step.person], since[step.person] = step.department, step.day
        lines = [f"{no},{no},,2024-01-01,\n" for no in self.week.staff if no not in self.staff_no.values()]
        lines += [f"{no},{no},{here[p]},2024-01-01,{since[p]}\n" for p, no in self.staff_no.items()]
        house = self.week.house
        file = io.BytesIO((head + "".join(lines)).encode())
        import_ = roster.Import(house.sessions, house.vault, "acme", file, as_of=DAYS[-1])
        surveyed = import_.survey()
        with house.transaction() as tx:
            import_.begin(tx, surveyed, yes_many=surveyed.leaving)
        import_.apply()
        with house.transaction() as tx:
            import_.end(tx)
        paths = self.paths[step.person]
        before = paths[max(day for day in paths if day <= step.day)]
        if before != step.department or any(path != before for day, path in paths.items() if day > step.day):
            self.paths[step.person] = {day: path for day, path in paths.items() if day < step.day}
            self.paths[step.person][step.day] = step.department

    def show(self, step: Step) -> None:
        self._say(step.person, shown=True)
        self.shown[step.person] = True

    def hide(self, step: Step) -> None:
        self._say(step.person, shown=False)
        self.shown[step.person] = False

    def leave(self, step: Step) -> None:
        self._say(step.person, left_at=clock.now())
        self.there[step.person] = False

    def come(self, step: Step) -> None:
        self._say(step.person, left_at=None)
        self.there[step.person] = True

    def _say(self, person: str, **said: Any) -> None:
        mine = (CampaignParticipant.holder_id == self.holders[person], CampaignParticipant.campaign == self.code)
        with self.week.house.transaction() as tx:
            tx.execute(update(CampaignParticipant).where(*mine).values(**said))
            self._changed(tx, person)

    def follow(self, _: Step) -> None:
        self.week.follow()

    # -- what there is, and what there should be --------------------------------------------------------------------

    def clean(self) -> tuple[dict[tuple[UUID, str], tuple[int, bool]], dict[tuple[str, str], int]]:
        """(holder, period) → grams and whether listed; (department, period) → grams: by the acts and the books."""
        scores: dict[tuple[UUID, str], int] = defaultdict(int)
        sums: dict[tuple[str, str], int] = defaultdict(int)
        with self.week.house.transaction() as tx:
            for person, holder_id in self.holders.items():
                acts = activities.issued_on(tx, [(holder_id, day) for day in DAYS])
                booked = ledger.balances(tx, holder_id).get("acme", {}).get("reduction", 0)
                assert sum(act.reduction_g for act in acts) == booked
                for act in acts if self.there[person] else ():
                    paths = self.paths[person]
                    path = paths[max(day for day in paths if day <= act.day)]
                    for period in (act.day.isoformat(), week_of(act.day), ALL):
                        scores[holder_id, period] += act.reduction_g
                        sums["/".join(path.split("/")[:2]), period] += act.reduction_g
        shown = {self.holders[person] for person, yes in self.shown.items() if yes}
        return {key: (grams, key[0] in shown) for key, grams in scores.items()}, dict(sums)

    def check(self) -> None:
        scores, sums = self.clean()
        with self.week.house.transaction() as tx:
            rows = tx.scalars(select(CampaignScore).where(CampaignScore.campaign == self.code))
            assert {(row.holder_id, row.period): (row.grams, row.listed) for row in rows} == scores
            group, score = CampaignGroup, CampaignGroupScore
            query = select(group.key, score.period, score.grams).join(score, score.group_id == group.id)
            query = query.where(score.campaign == self.code, score.acts > 0)
            assert {(key, period): grams for key, period, grams in tx.execute(query)} == sums
            mine = (CampaignBucket.campaign == self.code, CampaignBucket.measure == "grams", CampaignBucket.people > 0)
            found = {(row.period, row.bucket): row.people for row in tx.scalars(select(CampaignBucket).where(*mine))}
            listed = Counter((period, bucket_of(grams)) for (_, period), (grams, yes) in scores.items() if yes)
            assert found == listed
        assert all(not found for _, found in scoring.compare(self.week.house.reading, self.code))


def test_whatever_the_order_the_scores_are_those_of_the_clean_list(database_url: str) -> None:
    with time_machine.travel(during(date(2026, 6, 7)), tick=False):
        week = Week(database_url)

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        @given(stories())
        def tell(story: list[Step]) -> None:
            telling = Telling(week)
            for step in story:
                telling.play(step)
            week.follow()
            telling.check()

        tell()
