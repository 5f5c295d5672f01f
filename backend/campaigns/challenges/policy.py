"""What a PK is and who wins it: pure rules, the same while it runs, when it is final and after a correction.

Two sides are measured by the mean of those who take part: what they came to on the days of the PK, divided by how many
did anything that adds to it. So a large department meets a small one. A side of several people is only in the race
while at least 60 % of its people take part.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from uuid import UUID

from backend import clock
from backend.campaigns.policy import SMALLEST_GROUP

PERSON, TEAM, DEPARTMENT = "person", "team", "department"
KINDS = (PERSON, TEAM, DEPARTMENT)
CHALLENGER, OPPONENT = "challenger", "opponent"
SIDES = (CHALLENGER, OPPONENT)
#: Where a PK is. `accepted`: it has not begun; `provisional`: it is over, and late acts still count.
INVITED, ACCEPTED, RUNNING, PROVISIONAL, FINAL, DECLINED, WITHDRAWN, LAPSED, CANCELLED = STATES = (
    *("invited", "accepted", "running", "provisional", "final", "declined", "withdrawn", "lapsed", "cancelled"),
)

#: How many days behind its last one acts of a PK may still arrive.
BACKLOG_DAYS = 2
LONGEST_DAYS = 31
#: An invitation that nobody answers lapses after this, or when its first day begins.
INVITATION_LIFE = timedelta(days=3)
#: Against being drowned: what one side may have open, send on a day, and be faced with, and how often one may ask the
#: same side in a campaign. Who says no is not asked by the same side again.
MOST_SENT_OPEN, MOST_SENT_A_DAY, MOST_RECEIVED_OPEN, MOST_TO_ONE = 3, 10, 5, 2
#: Of a hundred people of a side, so many have to take part.
QUORUM_PERCENT = 60


class Side(NamedTuple):
    """What one side came to: its people, those of them who take part, and what these did, in grams or points."""

    people: int = 0
    taking_part: int = 0
    amount: int = 0

    @property
    def mean(self) -> Fraction:
        """Of those who take part; 0 where nobody does."""
        return Fraction(self.amount, self.taking_part) if self.taking_part else Fraction(0)

    @property
    def told(self) -> bool:
        """Whether sums of so many people may be told."""
        return self.people >= SMALLEST_GROUP


def enough(kind: str, side: Side) -> bool:
    """Whether a side is in the race: a person always, several people from 60 % taking part on."""
    return kind == PERSON or (side.people > 0 and side.taking_part * 100 >= side.people * QUORUM_PERCENT)


def winner(kind: str, sides: Mapping[str, Side]) -> str | None:
    """The side that wins; None for a draw, or where nobody did anything or takes part in sufficient number."""
    means = {name: sides[name].mean if enough(kind, sides[name]) else Fraction(0) for name in SIDES}
    if means[CHALLENGER] == means[OPPONENT]:
        return None
    return max(SIDES, key=lambda name: means[name])


def counted(people: Mapping[str, int], amounts: Mapping[str, Mapping[UUID, Mapping[date, int]]]) -> dict[str, Side]:
    """Both sides from what each of their people did by day; a day is only there where it came to something."""
    return {
        name: Side(
            people[name],
            sum(1 for days in amounts[name].values() if days),
            sum(sum(days.values()) for days in amounts[name].values()),
        )
        for name in SIDES
    }


def bounded(
    now: Mapping[UUID, Mapping[date, int]], final: Mapping[UUID, Mapping[date, int]]
) -> dict[UUID, dict[date, int]]:
    """What stands of a final result: a day never comes to more than when it became final, and no day is added."""
    stands: dict[UUID, dict[date, int]] = {}
    for holder_id, days in final.items():
        left = {day: min(amount, now[holder_id][day]) for day, amount in days.items() if day in now.get(holder_id, {})}
        if left:
            stands[holder_id] = left
    return stands


def lapses_at(invited_at: datetime, first_day: date) -> datetime:
    """Until when an invitation can be answered: a PK begins with a day whose acts nobody knows yet."""
    return min(invited_at + INVITATION_LIFE, clock.start_of(first_day))


def due_at(last_day: date, closes_at: datetime) -> datetime:
    """When a PK becomes final: two days behind its last one, or with its campaign."""
    return min(clock.start_of_day_after(last_day, 1 + BACKLOG_DAYS), closes_at)


def days_of(first_day: date, last_day: date) -> list[date]:
    """Every day of a PK."""
    return [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]


class Written(NamedTuple):
    """What is written down about a PK that its state depends on."""

    first_day: date
    last_day: date
    lapses_at: datetime
    accepted_at: datetime | None
    declined_at: datetime | None
    withdrawn_at: datetime | None
    final_at: datetime | None


def state_of(written: Written, *, cancelled: bool, now: datetime) -> str:
    """Where a PK is, by the clock. One of a cancelled campaign never becomes final."""
    if written.declined_at is not None:
        return DECLINED
    if written.withdrawn_at is not None:
        return WITHDRAWN
    if written.final_at is not None:
        return FINAL
    if cancelled:
        return CANCELLED
    if written.accepted_at is None:
        return INVITED if now < written.lapses_at else LAPSED
    if now < clock.start_of(written.first_day):
        return ACCEPTED
    return RUNNING if now < clock.start_of_day_after(written.last_day, 1) else PROVISIONAL


class Asked(NamedTuple):
    """An invitation of the past, as the limits see it."""

    challenger_id: UUID
    opponent_id: UUID
    state: str
    invited_on: date


def limit_reached(before: Iterable[Asked], me: UUID, them: UUID, today: date) -> str | None:
    """Which limit stands in the way when `me` invites `them`; None where none does.

    `before`: every invitation that either of the two sides ever sent or received in the campaign.
    """
    asked = list(before)
    together = [item for item in asked if {item.challenger_id, item.opponent_id} == {me, them}]
    to_them = [item for item in together if item.challenger_id == me]
    sent = [item for item in asked if item.challenger_id == me]
    if any(item.state in (INVITED, ACCEPTED, RUNNING, PROVISIONAL) for item in together):
        return "already_between_the_two"
    if any(item.state == DECLINED for item in to_them):
        return "declined_before"
    if len(to_them) >= MOST_TO_ONE or any(item.state == FINAL for item in together):
        return "asked_often_enough"
    if sum(item.state == INVITED for item in sent) >= MOST_SENT_OPEN:
        return "too_many_open"
    if sum(item.invited_on == today for item in sent) >= MOST_SENT_A_DAY:
        return "too_many_today"
    if sum(item.state == INVITED and item.opponent_id == them for item in asked) >= MOST_RECEIVED_OPEN:
        return "too_many_received"
    return None
