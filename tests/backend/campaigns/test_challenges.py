"""PK from the invitation to the signed result and its correction, on the acts of a company in its week."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine

from backend import clock, identity
from backend.campaigns import (
    ChallengeChanged,
    ChallengeDaysTaken,
    ChallengeLimit,
    NotCaptain,
    NotTakingChallenges,
    OpponentNotFound,
    TooFewPeople,
    challenges,
    teams,
)
from backend.campaigns.challenges import Wish
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.scoring import participants_of
from backend.identity.public_names import Checked
from tests.backend.campaigns.week import CODE, Week, during

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 6, day) for day in (2, 3, 4, 5))
A, B = "总部/研发", "总部/财务"


class Pk:
    """A week with PK: six people in research, five in finance."""

    def __init__(self, database_url: str) -> None:
        self.week = Week(database_url, pk=True, teams=True)
        self.week.employ({f"a{number}": A for number in range(6)} | {f"b{number}": B for number in range(5)})
        self.house, self.staff = self.week.house, self.week.staff

    def participant(self, number: str) -> Any:
        with self.house.transaction() as tx:
            return participants_of(tx, CODE, [self.staff[number]])[self.staff[number]]

    def change(self, number: str, **values: Any) -> None:
        with self.house.transaction() as tx:
            row = tx.get_one(CampaignParticipant, (self.staff[number], CODE))
            for name, value in values.items():
                setattr(row, name, value)

    def invite(
        self, number: str, opponent: UUID, kind: str = "person", first: date = THURSDAY, last: date = FRIDAY
    ) -> UUID:
        campaign = self.week.view()
        with self.house.transaction() as tx:
            wish = Wish(kind, opponent, "grams", first, last)
            return challenges.invite(tx, campaign, self.staff[number], wish, now=clock.now())

    def do(self, verb: str, number: str, challenge: UUID) -> None:
        with self.house.transaction() as tx:
            getattr(challenges, verb)(tx, challenge, self.staff[number], now=clock.now())

    def told(self, number: str, challenge: UUID) -> dict[str, Any]:
        with self.house.transaction() as tx:
            return challenges.challenge(tx, challenge, self.staff[number], now=clock.now())

    def captain(self, department: str, number: str) -> None:
        campaign = self.week.view()
        with self.house.transaction() as tx:
            challenges.name_captain(tx, self.house.vault, campaign, department, number, now=clock.now())

    def departments(self) -> dict[str, UUID]:
        campaign = self.week.view()
        with self.house.transaction() as tx:
            found = challenges.challengeable(tx, campaign, "department", limit=10)
        return {item["name"]: item["id"] for item in found}

    def finish(self) -> None:
        self.week.follow()
        challenges.finish_due(self.house.sessions, self.house.vault)

    def wins(self) -> set[str]:
        numbers = {holder_id: number for number, holder_id in self.staff.items()}
        with self.house.transaction() as tx:
            return {numbers[holder_id] for _, holder_id in challenges.wins(tx, CODE)}

    def documents(self, number: str, challenge: UUID) -> list[dict[str, Any]]:
        with self.house.transaction() as tx:
            return challenges.documents(tx, challenge, self.staff[number], now=clock.now())


@pytest.fixture
def moment() -> Iterator[Any]:
    with time_machine.travel(during(WEDNESDAY), tick=False) as traveller:
        yield traveller


@pytest.fixture
def pk(moment: Any, database_url: str) -> Pk:
    return Pk(database_url)


def test_two_persons_from_the_invitation_to_a_correction(pk: Pk, moment: Any) -> None:
    before = pk.invite("a0", pk.participant("b0").id)
    assert pk.told("a0", before)["may"] == ["withdraw"]
    assert pk.told("b0", before)["may"] == ["accept", "decline"]
    with pytest.raises(ChallengeLimit):
        pk.invite("b0", pk.participant("a0").id)
    pk.do("accept", "b0", before)
    with pytest.raises(ChallengeDaysTaken):
        pk.invite("a1", pk.participant("b0").id, last=THURSDAY)
    pk.week.ride("a0", WEDNESDAY, "50")  # before it begins

    moment.move_to(during(FRIDAY, 23))
    with pytest.raises(ChallengeChanged):
        pk.do("withdraw", "a0", before)
    for number, day, km in (("a0", THURSDAY, "10"), ("a0", FRIDAY, "10"), ("b0", THURSDAY, "19")):
        pk.week.ride(number, day, km)
    pk.week.follow()
    running = pk.told("b0", before)
    assert (running["state"], running["leads"], running["mine"]) == ("running", "challenger", "opponent")
    assert (running["challenger"]["score"], running["opponent"]["score"]) == (934, 887)

    moment.move_to(during(date(2026, 6, 7), 23))
    pk.week.ride("b0", FRIDAY, "5")  # late, and in time
    pk.finish()
    provisional = pk.told("a0", before)
    assert (provisional["state"], provisional["leads"]) == ("provisional", "opponent")
    assert pk.wins() == set()

    moment.move_to(during(date(2026, 6, 8), 9))
    pk.week.ride("a1", FRIDAY, "1")
    pk.finish()
    assert (pk.told("a0", before)["state"], pk.told("a0", before)["leads"]) == ("final", "opponent")
    assert pk.wins() == {"b0"}
    pk.finish()
    assert len(pk.documents("a0", before)) == 1, "nothing changed, nothing is corrected"

    pk.week.take_back("b0", FRIDAY)
    with pk.house.transaction() as tx:
        assert challenges.no_longer_won(tx, [pk.staff["b0"]], now=clock.now()) == [(before, pk.staff["b0"])]
    pk.finish()
    final, correction = pk.documents("a0", before)
    assert correction["statement"]["corrects"] == final["signature"]["sha256"]
    assert [item["statement"]["winner"] for item in (final, correction)] == ["opponent", "challenger"]
    assert correction["statement"]["sides"]["opponent"]["amount"] == 887
    assert str(pk.staff["b0"]) not in json.dumps([final, correction]), "accounts are told to nobody"
    assert [item["winner"] for item in pk.told("b0", before)["results"]] == ["opponent", "challenger"]
    assert pk.wins() == {"a0"}


def test_acts_that_come_after_the_final_do_not_count(pk: Pk, moment: Any) -> None:
    found = pk.invite("a0", pk.participant("b0").id)
    pk.do("accept", "b0", found)
    moment.move_to(during(FRIDAY, 23))
    pk.week.ride("a0", FRIDAY, "10")
    moment.move_to(during(date(2026, 6, 8), 9))
    pk.week.ride("b0", FRIDAY, "50")  # due since midnight, and not counted yet
    pk.finish()
    pk.week.ride("b0", THURSDAY, "50")
    pk.finish()
    assert pk.wins() == {"a0"}
    assert len(pk.documents("a0", found)) == 1
    pk.change("a0", left_at=clock.now())
    pk.week.take_back("b0", FRIDAY)
    pk.finish()
    assert pk.wins() == {"a0"}, "who leaves behind the final keeps what is final"


def test_departments_need_captains_people_and_a_quorum(pk: Pk, moment: Any) -> None:
    with pytest.raises(NotCaptain):
        pk.invite("a0", pk.participant("b0").id, "department")
    pk.captain(A, "a0")
    pk.captain(B, "b0")
    found = pk.invite("a0", pk.departments()[B], "department")
    with pytest.raises(NotCaptain):
        pk.do("accept", "b1", found)
    pk.do("accept", "b0", found)
    moment.move_to(during(FRIDAY, 23))
    for number in ("a0", "a1", "a2"):
        pk.week.ride(number, THURSDAY, "30")
    for number in ("b0", "b1", "b2"):
        pk.week.ride(number, FRIDAY, "10")
    pk.week.follow()
    challenges.refresh(pk.house.sessions)
    told = pk.told("b4", found)
    assert (told["mine"], told["leads"], told["may"]) == ("opponent", "opponent", [])
    assert {name: told["challenger"][name] for name in ("people", "taking_part", "enough")} == {
        "people": 6,
        "taking_part": 3,
        "enough": False,
    }
    assert (told["challenger"]["score"], told["opponent"]["score"]) == (1401, 467)

    pk.week.ride("a3", THURSDAY, "30")
    pk.week.follow()
    assert not pk.told("a3", found)["challenger"]["enough"], "as the last minute had it"
    challenges.refresh(pk.house.sessions)
    assert pk.told("a3", found)["leads"] == "challenger"

    # Whoever moves counts for each department on the days they were in it.
    pk.week.employ({f"a{number}": A for number in range(5)} | {"a5": B} | {f"b{n}": B for n in range(5)}, FRIDAY)
    pk.week.ride("a5", FRIDAY, "10")
    moment.move_to(during(date(2026, 6, 8), 9))
    pk.finish()
    final = pk.told("a3", found)
    assert (final["state"], final["leads"]) == ("final", "challenger")
    assert [final[side]["people"] for side in ("challenger", "opponent")] == [6, 6]
    assert [final[side]["taking_part"] for side in ("challenger", "opponent")] == [4, 4]
    assert pk.wins() == {"a0", "a1", "a2", "a3"}
    pk.week.take_back("a3", THURSDAY)
    with pk.house.transaction() as tx:
        lost = challenges.no_longer_won(tx, [pk.staff["a3"]], now=clock.now())
    assert len(lost) == 4, "half of a side is not enough: all of it loses the win"
    pk.finish()
    assert pk.wins() == {"b0", "b1", "b2", "a5"}


def test_a_team_is_as_it_was_accepted(pk: Pk, moment: Any) -> None:
    codes, week = dict[str, str](), pk.week.view()
    with pk.house.transaction() as tx:
        for side in "ab":
            maker, name = pk.staff[f"{side}0"], Checked(f"小队{side}", passed=True)
            made = teams.make_team(tx, pk.house.vault, week, maker, maker, name, now=clock.now())
            codes[side] = made["join_code"]
            for number in range(1, 5 if side == "a" else 4):
                who = pk.staff[f"{side}{number}"]
                teams.join_team(tx, pk.house.vault, week, who, codes[side], now=clock.now())
        groups = {item["name"]: item["id"] for item in challenges.challengeable(tx, week, "team", limit=9)}
        theirs = teams.team_of(tx, week, pk.staff["b0"])
    assert groups[theirs["shown_as"]] == theirs["group_id"]
    with pytest.raises(TooFewPeople):
        pk.invite("a0", theirs["group_id"], "team")
    with pk.house.transaction() as tx:
        teams.join_team(tx, pk.house.vault, week, pk.staff["b4"], codes["b"], now=clock.now())
    found = pk.invite("a0", theirs["group_id"], "team")
    pk.do("accept", "b0", found)
    with pk.house.transaction() as tx:
        teams.join_team(tx, pk.house.vault, week, pk.staff["a5"], codes["a"], now=clock.now())
        teams.leave_team(tx, week, pk.staff["b4"], now=clock.now())
    moment.move_to(during(FRIDAY, 23))
    for number in ("a5", "b4", "b3", "b2", "a0", "a1", "a2"):
        pk.week.ride(number, FRIDAY, "50" if number == "a5" else "20" if number == "b4" else "10")
    moment.move_to(during(date(2026, 6, 8), 9))
    pk.finish()
    told = pk.told("b4", found)
    assert (told["mine"], told["leads"]) == ("opponent", "opponent")
    assert [told[side]["people"] for side in ("challenger", "opponent")] == [5, 5]
    assert pk.wins() == {"b2", "b3", "b4"}


def test_nobody_is_challenged_against_their_will(pk: Pk, moment: Any) -> None:
    target = pk.participant("b0").id
    pk.change("b0", takes_challenges=False)
    with pytest.raises(NotTakingChallenges):
        pk.invite("a0", target)
    pk.change("b0", takes_challenges=True, shown=False)
    with pytest.raises(OpponentNotFound):
        pk.invite("a0", target)
    pk.change("b0", shown=True)
    said_no = pk.invite("a0", target)
    pk.do("decline", "b0", said_no)
    with pytest.raises(ChallengeLimit):
        pk.invite("a0", target)
    waiting = pk.invite("a1", target)
    moment.move_to(clock.start_of(THURSDAY))
    assert pk.told("b0", waiting)["state"] == "lapsed"
    with pytest.raises(ChallengeChanged):
        pk.do("accept", "b0", waiting)
    left = pk.invite("a2", target, first=FRIDAY)
    pk.change("a2", left_at=clock.now())
    with pytest.raises(OpponentNotFound):
        pk.do("accept", "b0", left)
    withdrawn = pk.invite("a3", target, first=FRIDAY)
    pk.do("accept", "b0", withdrawn)
    pk.do("withdraw", "b0", withdrawn)
    again = pk.invite("a4", target, first=FRIDAY, last=FRIDAY + timedelta(1))
    pk.do("accept", "b0", again)
    assert pk.told("b0", again)["state"] == "accepted", "the days are free again"
    with pk.house.transaction() as tx:
        identity.state_birth_date(tx, pk.staff["b1"], date(2015, 1, 1), now=clock.now())
    with pytest.raises(OpponentNotFound):
        pk.invite("a5", pk.participant("b1").id, first=FRIDAY)
