"""Acts that members declare: judged at once, reviewed by somebody who does not know whose they are, appealed once."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import text

from backend import clock, declarations, settlement
from tests.backend.operating import Acting, logged, run, signed_in
from tests.backend.picturing import encoded, located, picture
from tests.miniprogram_api.test_races import together
from tests.miniprogram_api.world import API, trip

NUMBERS = count(1)
Declare = Callable[..., Any]


@pytest.fixture
def alice(world: Any) -> Any:
    return world.login("alice")


@pytest.fixture
def began(acted_at: datetime) -> datetime:
    return acted_at


def ride(began: datetime, minutes: float = 30, **changed: Any) -> dict[str, Any]:
    """A bicycle ride of six kilometres."""
    said = {
        "programme": "members",
        "methodology": "bicycle_ride",
        "started_at": began.isoformat(),
        "ended_at": (began + timedelta(minutes=minutes)).isoformat(),
        "data": {"distance_km": "6"},
    }
    return said | changed


def declare(member: Any, said: dict[str, Any], key: str = "") -> Any:
    headers = {"Idempotency-Key": key or f"d{next(NUMBERS)}"}
    return member.call("POST", "/activities", json=said, headers=headers)


def upload(member: Any, data: bytes | None = None, *, name: str = "p.jpg", seed: int = 0) -> Any:
    data = encoded(picture(seed=seed)) if data is None else data
    return member.call("POST", "/photos", data={"photo": (BytesIO(data), name)}, content_type="multipart/form-data")


def test_declared_reviewed_and_credited_by_half(world: Any, app: Any, alice: Any, began: datetime) -> None:
    first = declare(alice, ride(began), "k1")
    assert (first.status_code, first.json["state"], first.json["grade"]) == (201, "in_review", "E1")
    expected = first.json["expected_reduction_g"]
    assert expected > 0 and alice.account()["reduction_g"] == 0 and alice.get("/activities").json["items"] == []
    again = declare(alice, ride(began), "k1")
    assert (again.data, again.headers["Idempotency-Replayed"]) == (first.data, "true")
    assert declare(alice, ride(began, 31), "k1").json["code"] == "IDEMPOTENCY_KEY_REUSED"
    (waiting,) = map(json.loads, run(app, "review", "list").stdout.splitlines())
    assert (waiting["id"], waiting["flags"]) == (first.json["id"], [])
    shown = run(app, "review", "show", waiting["id"])
    assert shown.exit_code == 0, shown.exception
    said = shown.stdout
    assert json.loads(said)["says"]["data"] == {"distance_km": "6", "duration_s": 1800}
    assert alice.get("/me").json["id"] not in said
    reviewer = Acting(app, world, "rei", "reviewer")
    assert reviewer("review", "approve", waiting["id"]).exit_code == 0
    told = alice.get(first.headers["Location"].removeprefix(API)).json
    assert (told["state"], alice.account()["reduction_g"]) == ("approved", expected)
    act = alice.get(f"/activities/{told['activity_id']}").json
    assert (act["status"], act["grade"], act["partner"]) == ("issued", "E1", "house:declared")
    assert act["points"]["points"] == told["expected_points"] == expected
    (entry,) = alice.entries()
    evidence = alice.receipt(entry["id"])["evidence"]
    assert (evidence["source"], evidence["declaration_id"]) == ("declaration", waiting["id"])
    twice = reviewer("review", "approve", waiting["id"])
    assert twice.exit_code == 1 and "DECLARATION_CHANGED" in twice.stderr
    (row,) = logged(app, "declaration.")
    assert (row["before"]["state"], row["after"]["state"]) == ("in_review", "approved")
    # The way back is the one of every act.
    by = signed_in(world, "rev", "reviewer")
    activity_id = UUID(told["activity_id"])
    assert settlement.reverse_after_review(world.house.sessions, activity_id, operator=by, reason="found out")
    assert alice.account()["reduction_g"] == 0
    for proof in (("audit", "replay"), ("ledger", "trial-balance")):
        assert run(app, *proof).exit_code == 0


def test_with_a_photo_it_counts_whole_and_the_photo_is_seen_by_the_reviewer_alone(
    world: Any, app: Any, alice: Any, began: datetime, tmp_path: Any
) -> None:
    half = declare(alice, ride(began - timedelta(hours=3))).json["expected_reduction_g"]
    photo = upload(alice, located()).json
    assert (photo["width"], photo["height"], photo["taken_at"]) == (32, 64, "2026-06-05T00:10:00Z")
    assert upload(alice, located()).json["id"] == photo["id"]
    whole = declare(alice, ride(began, photo_ids=[photo["id"]])).json
    assert whole["grade"] == "E2" and abs(whole["expected_reduction_g"] - 2 * half) <= 1
    bob = world.login("bob")
    assert declare(bob, ride(began, photo_ids=[photo["id"]])).json["code"] == "NOT_FOUND"
    assert bob.get(f"/photos/{photo['id']}").status_code == 404
    seen = alice.get(f"/photos/{photo['id']}")
    assert seen.content_type == "image/jpeg" and b"PearPhone" not in seen.data
    used = declare(alice, ride(began + timedelta(hours=2), photo_ids=[photo["id"]]))
    assert (used.status_code, used.json["code"]) == (409, "PHOTO_USED")
    # Somebody else shows nearly the same picture.
    small = Image.open(BytesIO(seen.data)).resize((40, 80))
    copied = upload(bob, encoded(small, quality=60)).json
    theirs = declare(bob, ride(began, photo_ids=[copied["id"]])).json
    listed = {item["id"]: item for item in map(json.loads, run(app, "review", "list").stdout.splitlines())}
    assert f"PHOTO_SEEN_BEFORE:{copied['id']}" in listed[theirs["id"]]["flags"]
    reviewer, target = Acting(app, world, "rei", "reviewer"), tmp_path / "seen.jpg"
    assert reviewer("review", "photo", whole["id"], photo["id"], "--to", str(target)).exit_code == 0
    assert target.read_bytes() == seen.data and target.stat().st_mode & 0o077 == 0
    assert reviewer("review", "photo", theirs["id"], photo["id"], "--to", str(target) + "2").exit_code == 1
    assert [row["action"] for row in logged(app, "declaration.")] == ["declaration.photo_seen"]
    assert reviewer("review", "approve", whole["id"]).exit_code == 0
    assert alice.account()["reduction_g"] == whole["expected_reduction_g"]


def test_refused_with_a_reason_and_appealed_once(
    world: Any, app: Any, moment: Any, alice: Any, began: datetime
) -> None:
    one, two = Acting(app, world, "one", "reviewer"), Acting(app, world, "two", "reviewer")
    ids = [declare(alice, ride(began + timedelta(hours=hour))).json["id"] for hour in (0, 1)]
    appeal = {"words": "那天我确实骑了车。\n请再看一下。"}
    early = alice.call("POST", f"/activities/{ids[0]}/appeal", json=appeal)
    assert (early.status_code, early.json["code"]) == (409, "DECLARATION_CHANGED")
    for declared in ids:
        how = ("--code", "ACT_IMPLAUSIBLE", "--told", "请附照片")
        assert one("review", "refuse", declared, *how).exit_code == 0
    told = alice.get(f"/declarations/{ids[0]}").json
    assert (told["state"], told["reason"]["code"], told["told"]) == ("refused", "ACT_IMPLAUSIBLE", "请附照片")
    assert told["appeal_until"] == "2026-06-22T04:00:00Z"
    assert world.login("bob").call("POST", f"/activities/{ids[0]}/appeal", json=appeal).status_code == 404
    for declared in ids:
        asked = alice.call("POST", f"/activities/{declared}/appeal", json=appeal)
        assert (asked.status_code, asked.json["state"]) == (200, "in_appeal")
        assert alice.call("POST", f"/activities/{declared}/appeal", json=appeal).json["code"] == "APPEALED_BEFORE"
    assert json.loads(run(app, "review", "show", ids[0]).stdout)["appeal"] == appeal["words"]
    for verb in (("approve",), ("refuse", "--code", "ACT_IMPLAUSIBLE")):
        own = one("review", verb[0], ids[0], *verb[1:])
        assert own.exit_code == 1 and "SECOND_OPERATOR_NEEDED" in own.stderr
    assert two("review", "approve", ids[0]).exit_code == 0
    assert two("review", "refuse", ids[1], "--code", "PROOF_MISSING").exit_code == 0
    won, lost = (alice.get(f"/declarations/{declared}").json for declared in ids)
    assert (won["state"], won["reason"], won["activity_id"] is None) == ("approved", None, False)
    assert (lost["state"], lost["reason"]["code"], lost["appeal_until"]) == ("refused", "PROOF_MISSING", None)
    assert alice.call("POST", f"/activities/{ids[1]}/appeal", json=appeal).json["code"] == "APPEALED_BEFORE"
    late = declare(alice, ride(began + timedelta(hours=3))).json["id"]
    one("review", "refuse", late, "--code", "ACT_IMPLAUSIBLE")
    moment.shift(timedelta(days=15))
    alice.log_in_again()
    assert alice.call("POST", f"/activities/{late}/appeal", json=appeal).json["code"] == "APPEAL_TOO_LATE"


def test_withdrawn_before_review(world: Any, app: Any, alice: Any, began: datetime) -> None:
    photo = upload(alice).json["id"]
    declared = declare(alice, ride(began, photo_ids=[photo])).json["id"]
    for _ in range(2):
        gone = alice.call("DELETE", f"/declarations/{declared}")
        assert (gone.status_code, gone.json["state"]) == (200, "withdrawn")
    assert run(app, "review", "list").stdout == ""
    reviewer = Acting(app, world, "rei", "reviewer")
    assert "DECLARATION_CHANGED" in reviewer("review", "approve", declared).stderr
    again = declare(alice, ride(began, photo_ids=[photo]))
    assert again.status_code == 201, "its photo and its time are free"
    reviewer("review", "approve", again.json["id"])
    late = alice.call("DELETE", f"/declarations/{again.json['id']}")
    assert (late.status_code, late.json["code"]) == (409, "DECLARATION_CHANGED")


def refused(answer: Any) -> str:
    """The reason an act is refused with, at once and on record."""
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] == "DECLARATION_REFUSED" and answer.json["id"] and answer.json["appeal_until"]
    assert answer.json["reason"]["zh"].endswith("。")
    code: str = answer.json["reason"]["code"]
    return code


def test_what_cannot_count_is_refused_at_once_and_may_be_appealed(
    world: Any, app: Any, alice: Any, began: datetime
) -> None:
    now = clock.now()
    absurd = {
        "a metre": (ride(began, data={"distance_km": "0"}), "OUT_OF_BOUNDS"),
        "backwards": (ride(began, data={"distance_km": "-6"}), "OUT_OF_BOUNDS"),
        "twenty-one": (ride(began, 100, data={"distance_km": "20.01"}), "OUT_OF_BOUNDS"),
        "far": (ride(began, data={"distance_km": "9" * 30}), "NOT_A_NUMBER"),
        "fast": (ride(began, 5), "IMPLAUSIBLE_SPEED"),
        "slow": (ride(began, 380, data={"distance_km": "0.1"}), "IMPLAUSIBLE_SPEED"),
        "a second": (ride(began, 1 / 60), "IMPLAUSIBLE_SPEED"),
        "all day": (ride(began - timedelta(days=1), 24 * 60 + 1), "TRIP_TOO_LONG"),
        "tomorrow": (ride(now + timedelta(minutes=6)), "FUTURE_ACT"),
        "still riding": (ride(now - timedelta(minutes=10)), "FUTURE_ACT"),
        "last week": (ride(began - timedelta(days=5)), "DECLARED_TOO_LATE"),
        "long ago": (ride(began - timedelta(days=9_000)), "DECLARED_TOO_LATE"),
        "no number": (ride(began, data={"distance_km": "six"}), "NOT_A_NUMBER"),
        "not a number": (ride(began, data={"distance_km": "NaN"}), "NOT_A_NUMBER"),
        "nothing": (ride(began, data={}), "MISSING_DATA"),
        "more": (ride(began, data={"distance_km": "6", "grams": 10**6}), "UNKNOWN_DATA"),
    }
    found = {name: refused(declare(alice, said)) for name, (said, _) in absurd.items()}
    assert found == {name: code for name, (_, code) in absurd.items()}
    alice.link("transit", "alice")
    alice.consent("transit", "commute")
    world.send("transit", trip("alice", 1, began))
    world.settle()
    assert refused(declare(alice, ride(began + timedelta(minutes=10)))) == "OVERLAPPING_TRIP"
    first = declare(alice, ride(began + timedelta(hours=1)))
    assert first.status_code == 201
    assert refused(declare(alice, ride(began + timedelta(hours=1, minutes=5)))) == "OVERLAPPING_TRIP"
    (act,) = alice.get("/activities").json["items"]
    assert act["partner"] == "transit" and act["status"] == "issued", "what was tried was undone"
    # What the rules refused, a reviewer cannot credit against them either.
    photo = upload(alice).json["id"]
    wrong = declare(alice, ride(began + timedelta(hours=2), 5, photo_ids=[photo]))
    assert refused(wrong) == "IMPLAUSIBLE_SPEED"
    right = declare(alice, ride(began + timedelta(hours=2), photo_ids=[photo]))
    assert right.status_code == 201, "a slip of the pen costs no photo"
    alice.call("POST", f"/activities/{wrong.json['id']}/appeal", json={"words": "!"})
    reviewer = Acting(app, world, "rei", "reviewer")
    assert "IMPLAUSIBLE_SPEED" in reviewer("review", "approve", wrong.json["id"]).stdout
    told = alice.get(f"/declarations/{wrong.json['id']}").json
    assert (told["state"], told["reason"]["code"]) == ("refused", "IMPLAUSIBLE_SPEED")


def test_requests_that_are_none_leave_no_trace(world: Any, alice: Any, began: datetime) -> None:
    at, later = began.isoformat(), (began + timedelta(minutes=30)).isoformat()
    car = {"car_class": "compact", "daily_distance": "30"}
    wrong: list[tuple[dict[str, Any], str]] = [
        (ride(began, 0), "INVALID_ACT_TIME"),
        (ride(began, -5), "INVALID_ACT_TIME"),
        (ride(began) | {"ended_at": None}, "INVALID_REQUEST"),
        ({**ride(began), "occurred_at": later}, "INVALID_ACT_TIME"),
        (ride(began, data={"distance_km": 6, "duration_s": 1}), "INVALID_ACT_TIME"),
        (ride(began, started_at="1899-12-31T00:00:00Z"), "INVALID_ACT_TIME"),
        (ride(began, started_at="0001-01-01T00:00:00+23:59"), "INVALID_REQUEST"),
        (ride(began, ended_at="9999-12-31T23:59:59-23:59"), "INVALID_REQUEST"),
        (ride(began, started_at="2026-06-05T08:00:00"), "INVALID_REQUEST"),
        (ride(began, started_at=1_780_000_000), "INVALID_REQUEST"),
        (ride(began, data={"distance_km": True}), "INVALID_REQUEST"),
        (ride(began, data={"distance_km": [6]}), "INVALID_REQUEST"),
        (ride(began, data={"distance_km": "٦"}), "INVALID_REQUEST"),
        (ride(began, data={"distance_km": None}), "INVALID_REQUEST"),
        (ride(began, identity={"user": "1"}), "INVALID_REQUEST"),
        (ride(began, identity={"trip_id": "T1\u200b"}), "INVALID_REQUEST"),
        (ride(began, identity={"trip_id": "\u04221"}), "INVALID_REQUEST"),
        (ride(began, photo_ids=["1"]), "INVALID_REQUEST"),
        (ride(began, words="\x07"), "INVALID_REQUEST"),
        (ride(began, grade="E3"), "INVALID_REQUEST"),
        (ride(began, methodology="teleportation"), "NOT_DECLARABLE"),
        (ride(began, methodology="learning", data={}), "INVALID_ACT_TIME"),
        (ride(began, programme="nowhere"), "NOT_ENROLLED"),
        (ride(began, programme="staff"), "NOT_ENROLLED"),
        (ride(began, methodology="carpool", data={"pool_km": 10, "people": 2, "would_drive_km": 20}), "PHOTO_NEEDED"),
        ({"programme": "members", "methodology": "learning", "occurred_at": at}, "NOT_DECLARABLE"),
        ({"programme": "members", "methodology": "step_donation", "occurred_at": at}, "NOT_DECLARABLE"),
        ({"programme": "members", "methodology": "car_free_day", "occurred_at": at, "data": car}, "PHOTO_NEEDED"),
        ({"programme": "members", "methodology": "bicycle_ride", "occurred_at": at}, "INVALID_ACT_TIME"),
    ]
    for said, code in wrong:
        answer = declare(alice, said)
        assert (answer.json["code"], answer.status_code) == (code, 422), (said, answer.text)
    assert alice.get("/declarations").json["items"] == []
    assert alice.call("POST", "/activities", json=ride(began)).json["code"] == "IDEMPOTENCY_KEY_NEEDED"


def test_terms_of_a_programme_and_limits_of_a_day(
    world: Any, app: Any, moment: Any, alice: Any, began: datetime
) -> None:
    chief = Acting(app, world, "chief", "administrator")
    how = ("members", "--window-days", "2", "--daily-acts", "1", "--from")
    assert "DECLARATION_TERMS_TOO_EARLY" in chief("review", "terms", *how, "2026-06-08").stderr
    assert chief("review", "terms", *how, "2026-06-09").exit_code == 0
    assert declare(alice, ride(began)).status_code == 201
    moment.shift(timedelta(days=1))
    alice.log_in_again()
    assert refused(declare(alice, ride(began + timedelta(hours=1)))) == "DECLARED_TOO_LATE"
    yesterday = began + timedelta(days=3)
    assert declare(alice, ride(yesterday)).status_code == 201
    assert refused(declare(alice, ride(yesterday + timedelta(hours=1)))) == "DAILY_DECLARATIONS"
    for _ in range(27):
        declare(alice, ride(began))
    many = declare(alice, ride(began))
    assert (many.status_code, many.json["code"]) == (429, "TOO_MANY_DECLARATIONS")


def test_a_car_that_stood_a_day_counts_once_whoever_declares_it(
    world: Any, app: Any, moment: Any, began: datetime
) -> None:
    reviewer = Acting(app, world, "rei", "reviewer")
    said = {"programme": "members", "methodology": "car_free_day", "occurred_at": began.isoformat()}
    said["data"] = {"car_class": "compact", "daily_distance": "30"}
    said |= {"identity": {"serial": "LVIN0000000000001"}, "odometer_km": [45_210, 45_210]}
    moment.move_to(began)
    cars = {name: world.login(name) for name in ("alice", "bob", "eve")}
    photos = {name: [upload(car, seed=seed).json["id"]] for seed, (name, car) in enumerate(cars.items(), 10)}
    early = declare(cars["alice"], said | {"photo_ids": [*photos["alice"], upload(cars["alice"], seed=20).json["id"]]})
    assert (early.status_code, early.json["code"]) == (422, "ODOMETER_UNPROVEN")
    moment.shift(timedelta(hours=24))
    for seed, (name, car) in enumerate(cars.items(), 30):
        car.log_in_again()
        photos[name].append(upload(car, seed=seed).json["id"])
        assert upload(car, seed=seed - 20).json["id"] == photos[name][0]  # sent again, it arrived when it arrived
    alice, bob, eve = cars.values()
    for changed, code in (
        ({"photo_ids": photos["alice"][1:]}, "PHOTO_NEEDED"),
        ({"photo_ids": photos["alice"][1:] * 2}, "PHOTO_NEEDED"),
        ({"odometer_km": [45_210, 45_211]}, "ODOMETER_UNPROVEN"),
        ({"odometer_km": []}, "ODOMETER_UNPROVEN"),
        ({"occurred_at": (began + timedelta(minutes=11)).isoformat()}, "ODOMETER_UNPROVEN"),
        ({"occurred_at": (began - timedelta(minutes=11)).isoformat()}, "ODOMETER_UNPROVEN"),
        ({"data": said["data"] | {"parked_min": 1_440}}, "INVALID_ACT_TIME"),
    ):
        refused_one = declare(alice, said | {"photo_ids": photos["alice"]} | changed)
        assert (refused_one.status_code, refused_one.json["code"]) == (422, code), changed
    nameless = declare(eve, said | {"identity": {}, "photo_ids": photos["eve"]})
    assert refused(nameless) in ("MISSING_EVIDENCE", "NOT_COMPUTABLE")
    codes = [declare(car, said | {"photo_ids": photos[car.name]}) for car in (alice, bob)]
    assert codes[0].status_code == 201
    says = json.loads(run(app, "review", "show", codes[0].json["id"]).stdout)["says"]
    assert (says["odometer_km"], says["data"]["parked_min"]) == ([45_210, 45_210], 1_440)
    if codes[0].status_code == 201:
        for answer in codes:
            reviewer("review", "approve", answer.json["id"])
        states = [m.get(f"/declarations/{a.json['id']}").json for m, a in zip((alice, bob), codes, strict=True)]
        assert sorted(one["state"] for one in states) == ["approved", "refused"]
        assert {one["reason"]["code"] for one in states if one["reason"]} == {"ALREADY_CLAIMED"}


def test_what_is_uploaded_is_bounded(world: Any, alice: Any) -> None:
    raw = alice.call("POST", "/photos", data=encoded(picture(), "PNG"), content_type="image/png")
    assert raw.status_code == 201
    wrong = {
        (413, "BODY_TOO_LARGE"): {"data": bytes(5 * 1024 * 1024 + 1), "content_type": "image/jpeg"},
        (415, "WRONG_CONTENT_TYPE"): {"data": b"{}", "content_type": "application/json"},
        (415, "PHOTO_TYPE_LIES"): {"data": encoded(picture(), "PNG"), "content_type": "image/jpeg"},
        (422, "NO_PHOTO"): {"data": {"photo": "text"}, "content_type": "multipart/form-data"},
        (400, "UNREADABLE_BODY"): {"data": b"--x\r\nno", "content_type": "multipart/form-data; boundary=x"},
        (415, "PHOTO_NOT_RECOGNISED"): {"data": b"<svg/>", "content_type": "image/png"},
    }
    for (status, code), how in wrong.items():
        answer = alice.call("POST", "/photos", **how)
        assert (answer.status_code, answer.json["code"]) == (status, code)
    two = {"a": (BytesIO(encoded(picture())), "a.jpg"), "b": (BytesIO(encoded(picture())), "b.jpg")}
    assert alice.call("POST", "/photos", data=two, content_type="multipart/form-data").json["code"] == "NO_PHOTO"
    lying = upload(alice, encoded(picture(), "GIF"), name="p.jpg")
    assert (lying.status_code, lying.json["code"]) == (415, "PHOTO_NOT_RECOGNISED")


def test_pictures_are_sealed_deleted_handed_out_and_forgotten(
    world: Any, app: Any, moment: Any, alice: Any, began: datetime
) -> None:
    loose, proof = upload(alice, seed=1).json["id"], upload(alice, seed=2).json["id"]
    declared = declare(alice, ride(began, photo_ids=[proof], words="上班路上")).json["id"]
    Acting(app, world, "rei", "reviewer")("review", "refuse", declared, "--code", "PROOF_UNREADABLE")

    def rows() -> dict[str, bool]:
        with world.house.transaction() as tx:
            found = tx.execute(text("SELECT id, sealed FROM declaration_photos"))
            assert all(row.sealed is None or b"JFIF" not in bytes(row.sealed) for row in found)
            found = tx.execute(text("SELECT id, sealed FROM declaration_photos"))
            return {str(UUID(str(row.id))): row.sealed is not None for row in found}

    exported = alice.get("/me/export").json["statement"]["sections"]
    (said,), pictures = exported["declarations"], exported["declaration_photos"]
    assert (said["words"], said["data"]["distance_km"]) == ("上班路上", "6")
    assert {one["id"] for one in pictures} == {loose, proof} and all(one["picture_sha256"] for one in pictures)
    assert rows() == {loose: True, proof: True}
    for days, left in ((3, {proof: True}), (28, {proof: False})):
        moment.shift(timedelta(days=days))
        with world.house.transaction() as tx:
            declarations.delete_photos(tx, now=clock.now())
        assert rows() == left
    alice.log_in_again()
    assert alice.get(f"/photos/{proof}").status_code == 404
    assert upload(alice, seed=2).json["code"] == "PHOTO_USED"
    waiting = declare(alice, ride(began + timedelta(days=31), photo_ids=[upload(alice, seed=3).json["id"]]))
    assert waiting.status_code == 201
    confirmation = alice.call("POST", "/me/deletion-requests").json["confirmation"]
    assert alice.call("DELETE", f"/me?confirmation={confirmation}").status_code == 200
    assert not any(rows().values())
    with world.house.transaction() as tx:
        kept = tx.execute(text("SELECT state, sealed, sealed_appeal FROM declarations")).all()
        assert {row.state for row in kept} == {"refused", "withdrawn"}
        assert all(row.sealed is None and row.sealed_appeal is None for row in kept)
    reviewer = Acting(app, world, "ron", "reviewer")
    assert "NOT_FOUND" in reviewer("review", "approve", waiting.json["id"]).stderr


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_comes_at_once_is_decided_once(world: Any, app: Any, alice: Any, began: datetime) -> None:
    said, vault = ride(began), world.house.vault
    sent = together(lambda _: fresh(world, alice, "POST", "/activities", json=said, headers={"Idempotency-Key": "one"}))
    assert {answer.status_code for answer in sent} == {201}
    assert len({answer.data for answer in sent}) == 1
    others = together(lambda number: fresh(world, alice, "POST", "/activities", json=said, headers=key(number)))
    assert {refused(answer) for answer in others} == {"OVERLAPPING_TRIP"}, "what waits is seen"
    declared = UUID(sent[0].json["id"])
    reviewers = [signed_in(world, f"rev{number}", "reviewer") for number in range(6)]

    def decide(number: int) -> str:
        by = {"operator": reviewers[number], "reason": "seen"}
        try:
            if number % 3 == 2:
                return str(fresh(world, alice, "DELETE", f"/declarations/{declared}").status_code)
            if number % 3 == 1:
                declarations.refuse(world.house.sessions, declared, code="ACT_IMPLAUSIBLE", told=None, **by)
            else:
                declarations.approve(world.house.sessions, vault, declared, **by)
        except declarations.DeclarationChanged:
            return "changed"
        return "decided"

    found = together(decide)
    told = alice.get(f"/declarations/{declared}").json
    assert found.count("decided") == (told["state"] != "withdrawn")
    assert (told["state"] == "approved") == (alice.account()["reduction_g"] > 0) == bool(told["activity_id"])
    assert run(app, "ledger", "trial-balance").exit_code == 0


def key(number: int) -> dict[str, str]:
    return {"Idempotency-Key": f"other{number}"}


def fresh(world: Any, member: Any, method: str, path: str, **how: Any) -> Any:
    """A call over a connection of its own."""
    headers = {"Authorization": f"Bearer {member.tokens['access_token']}"} | how.pop("headers", {})
    return world.app.test_client().open(API + path, method=method, headers=headers, **how)
