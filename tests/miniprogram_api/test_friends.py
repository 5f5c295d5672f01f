"""Friends through HTTP: found by a code, seen on boards among themselves, and gone for both at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from backend import campaigns, clock
from backend.campaigns import friends
from backend.campaigns.models import CampaignParticipant, FriendCode, Friendship
from tests.backend.campaigns.week import CODE, Week, during
from tests.miniprogram_api.campaigning import CAMPAIGN, Staff

MONDAY = date(2026, 6, 1)
BOARD = f"{CAMPAIGN}/leaderboards/person-grams-campaign?view=friends"


@pytest.fixture
def staff(database_url: str, app: Any):
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ(dict.fromkeys(("1", "2", "3", "4"), "总部/研发"))
        yield Staff(week, app)


def code_of(staff: Staff, number: str) -> str:
    made = staff.call(number, "POST", "/me/friend-codes")
    assert made.status_code == 201, made.text
    return made.json["code"]


def enter(staff: Staff, number: str, code: str) -> tuple[int, str]:
    answer = staff.call(number, "POST", "/me/friends", {"code": code})
    return answer.status_code, answer.json.get("code") or answer.json["id"]


def befriend(staff: Staff, one: str, other: str) -> str:
    status, id = enter(staff, other, code_of(staff, one))
    assert status == 201
    return id


def friends_of(staff: Staff, number: str) -> list[dict[str, Any]]:
    return staff.call(number, "GET", "/me/friends").json["friends"]


def places(staff: Staff, number: str) -> list[tuple[str, int, bool]]:
    """(participant, rank, me) of the board among friends."""
    entries = staff.call(number, "GET", BOARD).json["entries"]
    return [(entry["participant_id"], entry["rank"], entry["me"]) for entry in entries]


def change(staff: Staff, number: str, **said: Any) -> None:
    with staff.week.house.transaction() as tx:
        row = tx.get_one(CampaignParticipant, (staff.week.staff[number], CODE))
        for name, value in said.items():
            setattr(row, name, value)
        campaigns.scoring.participant_changed(tx, CODE, [row.holder_id], now=clock.now())


def test_friends_see_each_other_on_a_board_of_their_own_until_one_ends_it(staff: Staff) -> None:
    for number, km in (("1", "10"), ("2", "20"), ("3", "30"), ("4", "5")):
        staff.week.ride(number, MONDAY, km)
    staff.week.follow()
    first, second, fourth = (staff.participant(number) for number in ("1", "2", "4"))
    assert places(staff, "1") == [(first, 1, True)]

    id = befriend(staff, "1", "2")
    befriend(staff, "4", "1")
    assert places(staff, "1") == [(second, 1, False), (first, 2, True), (fourth, 3, False)]
    assert places(staff, "2") == [(second, 1, True), (first, 2, False)], "a friend's friend is no friend"
    board = staff.call("2", "GET", BOARD)
    assert (board.json["me"]["rank"], board.json["participants"]) == (2, 2), "the rank is that on the whole board"
    change(staff, "1", name="绿色先锋", name_passed=True)
    listed = staff.call("2", "GET", "/me/friends")
    assert [(row["id"], row["name"]) for row in listed.json["friends"]] == [(id, "绿色先锋")]
    assert not any(str(holder) in board.text + listed.text for holder in staff.week.staff.values())

    change(staff, "1", shown=False)
    staff.week.follow()
    assert places(staff, "2") == [(second, 1, True)], "who hides, hides from friends as well"
    (hidden,) = friends_of(staff, "2")
    assert hidden["name"].startswith("伙伴 ")
    change(staff, "1", shown=True)
    staff.week.follow()

    assert staff.call("3", "DELETE", f"/me/friends/{id}").status_code == 404, "another's"
    assert staff.call("2", "DELETE", f"/me/friends/{id}").status_code == 204
    assert staff.call("1", "DELETE", f"/me/friends/{id}").status_code == 404
    assert (places(staff, "2"), friends_of(staff, "2")) == ([(second, 1, True)], [])
    assert places(staff, "1") == [(first, 1, True), (fourth, 2, False)]


def test_a_code_is_good_once_for_a_week_and_for_somebody_else(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    invalid = (422, "INVALID_FRIEND_CODE")
    code = code_of(staff, "1")
    assert (len(code), enter(staff, "1", code), enter(staff, "2", "ABCDEFGHJKLM")) == (12, invalid, invalid)
    status, id = enter(staff, "2", f"{code[:6].lower()}-{code[6:]}")
    assert status == 201
    assert enter(staff, "3", code) == invalid, "it is used up"
    again = code_of(staff, "2")
    assert enter(staff, "1", again) == (201, id), "who is a friend stays one"
    monkeypatch.setattr(friends, "MOST_FRIENDS", 1)
    assert enter(staff, "3", again) == (409, "TOO_MANY_FRIENDS"), "the other side has one"
    monkeypatch.undo()
    assert enter(staff, "3", again)[0] == 201, "neither refusal used it up"

    monkeypatch.setattr(friends, "MOST_CODES", 2)
    oldest, *kept = [code_of(staff, "4") for _ in range(2)]
    with time_machine.travel(clock.now() + timedelta(days=1), tick=False):
        kept.append(code_of(staff, "4"))
    with staff.week.house.transaction() as tx:
        assert tx.scalar(select(func.count()).select_from(FriendCode)) == 2
    assert [enter(staff, "3", each)[0] for each in (oldest, kept[0])].count(201) == 1
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        assert enter(staff, "2", kept[1]) == invalid
        with staff.week.house.transaction() as tx:
            assert [friends.purge_codes(tx, now=clock.now()) for _ in range(2)] == [1, 0]


def test_nobody_under_fourteen_has_friends_and_no_friendship_is_one_sided(staff: Staff) -> None:
    for number in ("1", "2"):
        staff.week.ride(number, MONDAY, "10")
    befriend(staff, "1", "2")
    waiting, other = code_of(staff, "1"), code_of(staff, "3")
    assert staff.call("1", "PUT", "/me/birth-date", {"birth_date": "2014-03-01"}).status_code == 200
    young = (403, "FRIENDS_TOO_YOUNG")
    refused = staff.call("1", "POST", "/me/friend-codes")
    assert ((refused.status_code, refused.json["code"]), enter(staff, "1", other)) == (young, young)
    assert enter(staff, "3", waiting) == (422, "INVALID_FRIEND_CODE")
    assert (friends_of(staff, "1"), friends_of(staff, "2")) == ([], [])
    with staff.week.house.transaction() as tx:
        for number in ("1", "2"):
            assert friends.circle(tx, staff.week.staff[number], now=clock.now()) == {staff.week.staff[number]}
    with pytest.raises(IntegrityError), staff.week.house.transaction() as tx:
        one_side = Friendship.holder_id == staff.week.staff["1"]
        tx.execute(delete(Friendship).where(one_side).execution_options(synchronize_session=False))


def test_the_export_says_since_when_and_whoever_is_forgotten_is_nobodys_friend(staff: Staff) -> None:
    befriend(staff, "1", "2")
    befriend(staff, "2", "3")
    code = code_of(staff, "2")
    exported = staff.call("1", "GET", "/me/export")
    (row,) = exported.json["statement"]["sections"]["friendships"]
    assert (set(row), row["since"]) == ({"holder_id", "id", "since"}, clock.iso(clock.now()))
    assert str(staff.week.staff["2"]) not in exported.text
    asked = staff.call("2", "POST", "/me/deletion-requests").json["confirmation"]
    assert staff.call("2", "DELETE", f"/me?confirmation={asked}").status_code == 200
    assert [friends_of(staff, number) for number in ("1", "3")] == [[], []]
    assert enter(staff, "1", code) == (422, "INVALID_FRIEND_CODE")


def test_codes_that_are_entered_at_once_make_one_friendship_each(staff: Staff) -> None:
    shared, of_first, of_second = code_of(staff, "3"), code_of(staff, "1"), code_of(staff, "2")
    entered = [("1", shared), ("2", shared), ("1", of_second), ("2", of_first)]
    for number, _ in entered:
        staff.token(number)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda each: enter(staff, *each), entered))
    assert sorted(status for status, _ in answers[:2]) == [201, 422], "one of the two was first"
    assert answers[2] == answers[3], "who enter each other's codes are friends once"
    assert [len(friends_of(staff, number)) for number in ("1", "2", "3")].count(2) == 1
