"""Articles and quizzes as members see them: read in earnest, answered once a day, worth points and never a gram."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from backend import clock, learning, points
from tests.backend.learning.test_describing import ARTICLE, QUIZ, changed
from tests.backend.operating import Acting, logged, run
from tests.miniprogram_api.test_races import AT_ONCE, together
from tests.miniprogram_api.world import API

RIGHT = [["A"], ["A", "C"]]
WRONG = [["B"], ["A"]]


@pytest.fixture
def alice(world: Any) -> Any:
    """A member, an article of version 1 and a quiz of version 1, and 20 points for each."""
    with world.house.transaction() as tx:
        begins = clock.today() - timedelta(days=30)
        points.save_rule(tx, programme="members", version=2, in_force_from=begins, fixed_points={"learning": 20})
    publish(world, ARTICLE)
    publish(world, QUIZ)
    return world.login("alice")


def publish(world: Any, lesson: dict[str, Any]) -> int:
    with world.house.transaction() as tx:
        learning.add_version(tx, "members", learning.read_lesson(lesson), now=clock.now())
        return learning.publish(tx, "members", str(lesson["code"]), on=clock.today(), today=clock.today())


def answer(who: Any, answers: Any, key: str = "k1", version: int = 1, **body: Any) -> Any:
    asked = {"programme": "members", "version": version, "answers": answers} | body
    return who.call("POST", "/quizzes/metro-quiz/attempts", json=asked, headers={"Idempotency-Key": key})


def read(who: Any, version: int = 1) -> Any:
    return who.call("POST", "/articles/metro/read", json={"programme": "members", "version": version})


def test_an_article_counts_when_it_can_have_been_read_and_once_per_version(world: Any, alice: Any, moment: Any) -> None:
    assert read(alice).json["code"] == "READ_TOO_FAST", "it was not even opened"
    (item,) = alice.get("/articles?programme=members").json["items"]
    assert (item["code"], item["read"], item["title"]["zh"]) == ("metro", False, "地铁为什么低碳")
    shown = alice.get("/articles/metro?programme=members").json
    assert shown["paragraphs"][0]["zh"] == ARTICLE["paragraphs"][0] and shown["least_reading_s"] == 10
    moment.shift(9)
    assert (read(alice).json["code"], read(alice).json["seconds"]) == ("READ_TOO_FAST", 1)
    moment.shift(1)
    first = read(alice)
    assert (first.json["credited"], first.json["points"], first.json["why"]) == (True, 20, None), first.text
    moment.shift(60)
    assert read(alice).json == first.json
    assert alice.get("/articles/metro?programme=members").json["read"] is True
    assert publish(world, changed(ARTICLE, "summary", "另一段话")) == 2
    assert read(alice).json == first.json, "what was read stays read"
    assert alice.get("/articles/metro?programme=members").json["read"] is False
    moment.shift(10)
    assert read(alice, version=2).json["points"] == 20
    assert {e["amount"] for e in alice.entries() if "reduction" in json.dumps(e)} <= {0}
    assert alice.account()["points"]["pending" if alice.account()["points"].get("pending") else "available"] == 40


def test_a_quiz_is_answered_once_a_day_and_tells_what_is_right_only_then(world: Any, alice: Any, moment: Any) -> None:
    shown = alice.get("/quizzes/metro-quiz?programme=members")
    assert [item["several"] for item in shown.json["questions"]] == [False, True]
    for secret in ("answer", "explanation", "一加一等于二"):
        assert secret not in shown.text
    assert shown.data == alice.get("/quizzes/metro-quiz?programme=members").data
    first = answer(alice, WRONG)
    assert (first.status_code, first.json["correct"], first.json["passed"]) == (201, 0, False), first.text
    assert first.json["marked"][1]["answer"] == ["A", "C"]
    assert (first.json["credited"], first.json["points"]) == (False, 0)
    again = answer(alice, WRONG)
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert answer(alice, RIGHT).json["code"] == "IDEMPOTENCY_KEY_REUSED"
    late = answer(alice, RIGHT, "k2")
    assert (late.status_code, late.json["code"], late.json["next_day"]) == (409, "ATTEMPTED_TODAY", "2026-06-09")
    moment.shift(timedelta(hours=12))  # midnight in Shanghai, four in the afternoon in Greenwich
    alice.log_in_again()
    passed = answer(alice, [["A"], ["C", "A"]], "k3")
    assert (passed.json["day"], passed.json["correct"], passed.json["points"]) == ("2026-06-09", 2, 20), passed.text
    moment.shift(timedelta(days=1))
    alice.log_in_again()
    third = answer(alice, RIGHT, "k4").json
    assert (third["passed"], third["credited"], third["points"]) == (True, False, 0), "credited once per version"
    made = alice.get("/quizzes/metro-quiz/attempts?programme=members").json["items"]
    assert [(item["day"], item["passed"]) for item in made] == [
        ("2026-06-10", True),
        ("2026-06-09", True),
        ("2026-06-08", False),
    ]
    sections = alice.get("/me/export").json["statement"]["sections"]
    assert sections["quiz_attempts"][0]["answers"] == '[["B"],["A"]]'
    (act,) = sections["activities"]
    evidence = json.loads(act["evidence"])
    assert (act["partner"], act["rests_on"], act["reduction_g"]) == ("house:learning", "own_act", 0)
    assert evidence["version"] == 1 and len(evidence["attempt_sha256"]) == 64
    asked = alice.call("POST", "/me/deletion-requests").json["confirmation"]
    assert alice.call("DELETE", f"/me?confirmation={asked}").status_code == 200
    with world.house.transaction() as tx:
        holder = UUID(sections["holders"][0]["id"])
        assert learning.attempts(tx, holder, "members", "metro-quiz") == []


def test_a_daily_quiz_earns_every_day_five_lessons_at_most(world: Any, alice: Any, moment: Any) -> None:
    for number in range(6):
        publish(world, QUIZ | {"code": f"daily-{number}", "earns": "daily"})
    for day in range(2):
        alice.log_in_again()
        asked = {"programme": "members", "version": 1, "answers": RIGHT}
        done = []
        for number in range(6):
            moment.shift(60)
            path, key = f"/quizzes/daily-{number}/attempts", {"Idempotency-Key": f"d{day}{number}"}
            done.append(alice.call("POST", path, json=asked, headers=key).json)
        assert [one["points"] for one in done] == [20] * 5 + [0]
        assert done[5]["passed"] and done[5]["why"]["code"] == "DAILY_LESSONS"
        moment.shift(timedelta(days=1))


def test_two_submissions_at_once_are_one_scored_attempt(world: Any, alice: Any) -> None:
    token = alice.tokens["access_token"]

    def submit(number: int) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"k{number % 3}"}
        asked = {"programme": "members", "version": 1, "answers": RIGHT}
        return world.app.test_client().post(f"{API}/quizzes/metro-quiz/attempts", json=asked, headers=headers)

    answers = together(submit)
    scored = [one for one in answers if one.status_code == 201]
    assert {one.status_code for one in answers} == {201, 409} and len({one.data for one in scored}) == 1
    assert sum("Idempotency-Replayed" not in one.headers for one in scored) == 1 and len(scored) == AT_ONCE // 3
    assert len(alice.get("/quizzes/metro-quiz/attempts?programme=members").json["items"]) == 1
    assert len(alice.get("/me/export").json["statement"]["sections"]["activities"]) == 1


def test_what_is_sent_wrong_is_told_and_nothing_is_scored(world: Any, alice: Any) -> None:
    for answers in ([["A"]], [["A"], ["D"]], [["A"], ["A", "A"]]):
        assert answer(alice, answers).json["code"] == "INVALID_ANSWERS", answers
    hostile: list[Any] = [None, "A", [["A"], "C"], [["A"], ["AB"]], [["a"], ["A"]]]
    hostile += [[[1], [2]], [[["A"]], []], [[]] * 51]
    for answers in hostile:
        assert answer(alice, answers).json["code"] == "INVALID_REQUEST", answers
    assert answer(alice, RIGHT, version=2).json["code"] == "LESSON_CHANGED"
    assert answer(alice, RIGHT, programme="staff").json["code"] == "NOT_ENROLLED"
    stranger = {"account_id": "00000000-0000-7000-8000-000000000000"}
    assert answer(alice, RIGHT, **stranger).json["code"] == "NOT_FOUND"
    assert alice.get("/quizzes?programme=staff").json["code"] == "NOT_ENROLLED"
    for path in ("/quizzes/metro", "/articles/metro-quiz", "/quizzes/%00", "/articles/" + "x" * 200):
        assert alice.get(f"{path}?programme=members").status_code == 404, path
    assert alice.get("/quizzes/metro-quiz/attempts?programme=members").json["items"] == []


def test_authors_publish_versions_and_retire(world: Any, app: Any, tmp_path: Path, alice: Any) -> None:
    wang = Acting(app, world, "wang")
    file = tmp_path / "metro.json"

    def add(lesson: dict[str, Any]) -> Any:
        file.write_text(json.dumps(lesson), "utf-8")
        return wang("learning", "add", "members", str(file))

    def seen() -> Any:
        return alice.get("/articles/metro?programme=members").json

    assert add(ARTICLE).stdout == "metro 1\n", "the same text is the same version"
    assert "LESSON_PUBLISHED" in wang("learning", "publish", "members", "metro").stderr
    assert add(changed(ARTICLE, "summary", "第二版")).stdout == "metro 2\n"
    assert seen()["version"] == 1, "a draft is seen by nobody"
    tomorrow = (clock.today() + timedelta(days=1)).isoformat()
    assert wang("learning", "publish", "members", "metro", "--on", tomorrow).exit_code == 0
    assert seen()["version"] == 1, "its day has not come"
    assert "INVALID_LESSON" in add(QUIZ | {"code": "metro"}).stderr
    assert wang("learning", "retire", "members", "metro").exit_code == 0
    assert seen()["code"] == "NOT_FOUND"
    assert "NOT_FOUND" in wang("learning", "publish", "members", "metro").stderr
    assert len(run(app, "learning", "list").stdout.splitlines()) == 3
    assert [row["action"] for row in logged(app, "lesson.")] == [
        *("lesson.added", "lesson.added", "lesson.published", "lesson.retired"),
    ]
