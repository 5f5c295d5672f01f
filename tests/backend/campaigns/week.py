"""An environment week of a company: departments, people who ride the metro, and the week they compete in."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import activities, campaigns, clock, outbox, settlement
from backend.campaigns import scoring
from backend.campaigns.models import Campaign, CampaignParticipant
from backend.campaigns.reading import CampaignView
from backend.campaigns.scoring.models import CampaignScore
from backend.campaigns.terms import read_terms
from backend.ids import new_id
from tests.backend.company import Company
from tests.backend.world import World

#: Monday to Sunday.
FIRST, LAST = date(2026, 6, 1), date(2026, 6, 7)
CODE = "environment-week-2026"
BOARDS = [
    f"{subject}-{measure}-{period}"
    for subject, measure in (("person", "grams"), ("person", "points"), ("department", "mean_grams"))
    for period in ("day", "week", "campaign")
]


class Week:
    """A company in its environment week; time has to be moved into it by whoever asks."""

    def __init__(self, database_url: str, **terms: Any) -> None:
        self.company = Company(World(database_url))
        self.house, self.staff = self.company.house, self.company.staff
        self.tell: Callable[[scoring.Followed], None] = lambda batch: None
        stated = {"boards": BOARDS, "department_depth": 2} | terms
        with self.house.transaction() as tx:
            tx.add(
                Campaign(
                    code=CODE,
                    programme="acme",
                    kind="environment_week",
                    title="环境周 / Environment week",
                    terms=read_terms(stated).text(),
                    joining="open",
                    starts_at=clock.start_of(FIRST),
                    ends_at=clock.start_of_day_after(LAST, 1),
                    closes_at=clock.start_of_day_after(LAST, 3),
                    drafted_at=clock.start_of(FIRST) - timedelta(days=20),
                    announced_at=clock.start_of(FIRST) - timedelta(days=10),
                )
            )

    def view(self) -> CampaignView:
        with self.house.transaction() as tx:
            return campaigns.campaign(tx, CODE, now=clock.now())

    def employ(self, departments: dict[str, str], as_of: date = date(2026, 5, 1)) -> None:
        """Staff number → department; who is new joins the week."""
        known = set(self.staff)
        self.company.import_list(departments, as_of)
        for number in self.staff.keys() - known:
            self.join(self.staff[number])

    def join(self, holder_id: UUID, **said: Any) -> UUID:
        """Let somebody take part, by their row alone; returns what others know them by."""
        row = {"kind": "person", "shown": True, "takes_challenges": True, "name": None, "name_passed": False}
        row |= {"city": None, "team_id": None, "joined_at": clock.now(), "left_at": None} | said
        with self.house.transaction() as tx:
            participant = CampaignParticipant(holder_id=holder_id, campaign=CODE, id=new_id(), **row)
            tx.add(participant)
            tx.flush()
            scoring.participant_changed(tx, CODE, [holder_id], now=clock.now())
            return participant.id

    def ride(self, number: str, day: date, km: str) -> None:
        """One metro ride at noon: 46.7 g a kilometre by the national default."""
        self.company.rides((number, day, km))

    def take_back(self, number: str, day: date) -> None:
        """Take back what somebody did on a day."""
        with self.house.transaction() as tx:
            acts = activities.issued_on(tx, [(self.staff[number], day)])
            settlement.reverse(tx, [(act.holder_id, act.id) for act in acts], now=clock.now())

    def follow(self) -> list[scoring.Changed]:
        """Number what was announced and bring the scores up to it."""
        changed: list[scoring.Changed] = []
        with self.house.transaction() as tx:
            while outbox.give_positions(tx):
                pass
        while True:
            with self.house.transaction() as tx:
                batch = scoring.follow(tx, now=clock.now())
            self.tell(batch)
            if not batch.looked_at:
                break
            changed += batch.changed
        with self.house.transaction() as tx:
            scoring.count_all_heads(tx, now=clock.now())
        return changed

    def scores(self, period: str = "all") -> dict[str, tuple[int, int, int]]:
        """Staff number → grams, points, acts."""
        numbers = {holder_id: number for number, holder_id in self.staff.items()}
        with self.house.transaction() as tx:
            rows = tx.scalars(select(CampaignScore).where(CampaignScore.period == period))
            return {numbers[row.holder_id]: (row.grams, row.points, row.acts) for row in rows}


def during(day: date = date(2026, 6, 3), hour: int = 20) -> datetime:
    """An instant of the week, in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=clock.SHANGHAI)
