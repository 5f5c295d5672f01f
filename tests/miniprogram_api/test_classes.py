"""Classes through HTTP, the terminal and signed webhooks: what counts, what is refused, who sees it."""

import base64
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

import miniprogram_api
from backend import audit, clock, create_app, identity, ledger, partners, points, school
from backend.identity.agreements import AgreementView
from backend.settings import Settings
from tests.backend.operating import run
from tests.miniprogram_api.world import API, World

SECRET = "whsec_" + base64.b64encode(b"a scale in a school, 32 bytes...").decode()
#: The Friday before the tests' present, a Monday.
FRIDAY = "2026-06-05"
FIRST = date(2025, 9, 1)


class School:
    """A school with two classes of twelve, a teacher each, a scale, and agreements with all sources."""

    def __init__(self, world: World) -> None:
        self.world, self.house, self.sent = world, world.house, 0
        title = {"title_zh": "绿色校园", "title_en": "Green school"}
        with self.house.transaction() as tx:
            identity.save_programme(tx, code="pupils", kind="school", profile="CN-DEFAULT", **title)
            points.save_rule(tx, programme="pupils", version=1, in_force_from=date(2025, 1, 1), points_per_gram="1")
            self.token = identity.add_operator(tx, "wang", "administrator", now=clock.now())[1]
            for source in (school.SOURCE, school.METER_SOURCE, "scale"):
                agreement = AgreementView("pupils", source, FIRST, None, "协议")
                identity.agreements.sign(tx, agreement, now=clock.now())
            partners.save_partner(
                tx, code="scale", adapter="school_device", title="称重机", return_days=0, programme="pupils"
            )
            partners.add_key(tx, self.house.vault, "scale", SECRET, now=datetime(2025, 1, 1, tzinfo=UTC))
        self.do("open", "bayi", "pupils", "--title", "八一学校")
        self.do("term", "bayi", "2026-2", "--from", "2026-03-02", "--until", "2026-07-10")
        self.do("distance", "bayi", "walk", "1300", "--since", "2025-09-01")
        self.do("distance", "bayi", "bus", "3000", "--since", "2025-09-01")
        self.account = {number: self.open(number) for number in (1, 2)}
        self.codes = {number: self.seats(number, 12) for number in (1, 2)}
        self.teacher = {number: world.login(f"teacher{number}") for number in (1, 2)}
        for number, teacher in self.teacher.items():
            assert run_as(self, "member", "steward", self.account[number], me(teacher)).exit_code == 0

    def do(self, *arguments: str) -> str:
        done = run_as(self, "school", *arguments)
        assert done.exit_code == 0, done.output + done.stderr
        return done.stdout.strip()

    def open(self, number: int, year: str = "2025", grade: str = "3", *more: str) -> str:
        return self.do("class", "bayi", year, grade, str(number), f"BY{year}-{grade}-{number}", *more)

    def seats(self, number: int, count: int) -> list[str]:
        told = self.do("add-seats", self.account[number], str(count), "--since", "2025-09-01")
        return [line.split()[1] for line in told.splitlines()]

    def weigh(self, order: str, bag: str, kg: Any = 2.5, *, secret: str = SECRET, **data: Any) -> Any:
        self.sent += 1
        kind = data.pop("kind", "bag.weighed")
        at = data.pop("at", f"{FRIDAY}T15:00:00+08:00")
        item = {"line": 1, "bag_code": bag, "stream": data.pop("stream", "paper"), "weight_kg": kg}
        said = {"order_no": order, "user_ref": "BY2025-3-1", "occurred_at": at, "items": [item]} | data
        body = json.dumps({"type": kind, "timestamp": clock.now().isoformat(), "data": said})
        event_id, now = f"w{self.sent}", clock.now()
        signed = {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(event_id, now, body),
        }
        answer = self.world.client.post(
            "/webhooks/scale", data=body, headers=signed, content_type="application/json"
        )
        if answer.status_code != 202:
            return answer.json["code"]
        self.world.settle()
        with self.house.transaction() as tx:
            line = partners.deliveries(tx, "scale", event_id=event_id)[0]["lines"][0]
        return line["status"], line["code"]

    def grams(self, number: int = 1) -> int:
        path = f"/classes/{self.account[number]}/totals?first_day=2025-09-01&last_day=2026-08-31"
        found: int = self.teacher[number].get(path).json["reduction_g"]
        return found

    def put(self, path: str, body: Any, number: int = 1, by: int | None = None) -> Any:
        return self.teacher[by or number].call("PUT", f"/classes/{self.account[number]}{path}", json=body)

    def check_books(self) -> None:
        with self.house.transaction() as tx:
            assert [*ledger.differences(tx), *points.differences(tx)] == []
            assert audit.replay(tx).differences == []


def run_as(here: School, *arguments: str) -> Any:
    who = ("--operator", "wang", "--reason", "as agreed")
    return run(here.world.app, *arguments, *who, token=here.token)


def me(member: Any) -> str:
    keys = member.world.house.settings.token_keys
    return str(identity.read_access(keys, member.tokens["access_token"], clock.now()).holder_id)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


@pytest.fixture
def here(world: World) -> School:
    return School(world)


def test_trips_are_counted_corrected_and_taken_back_as_one_chain(here: School) -> None:
    walk = f"/trips/{FRIDAY}/to_school/walk"
    answer = here.put(walk, {"pupils": 10})
    told = {"status": "issued", "reason": None, "revision": 1, "reduction_g": 400, "points": 400}
    assert (answer.status_code, answer.json) == (200, told), "10 × 1.3 km × 0.02/0.65 kg"
    assert here.put(walk, {"pupils": 10}).json["status"] == "duplicate"
    assert here.put(walk, {"pupils": 5}).json["reduction_g"] == 200
    assert here.grams() == 200
    assert here.put(f"/trips/{FRIDAY}/to_school/bus", {"pupils": 7}).json["reduction_g"] == 564
    more = here.put(f"/trips/{FRIDAY}/to_school/bus", {"pupils": 8})
    assert code_of(more) == (422, "MORE_PUPILS_THAN_SEATS"), "five walked already"
    undo = here.teacher[1].call("DELETE", f"/classes/{here.account[1]}{walk}")
    assert (undo.status_code, undo.json["status"], here.grams()) == (200, "cancelled", 564)
    assert code_of(here.teacher[1].call("DELETE", f"/classes/{here.account[1]}{walk}")) == (404, "NOT_FOUND")
    assert here.put(walk, {"pupils": 5}).json["revision"] == 4, "confirmed again"
    here.check_books()


REFUSED = [
    ("/trips/2026-06-09/to_school/walk", {"pupils": 1}, (422, "DAY_NOT_OPEN")),
    ("/trips/2026-05-20/to_school/walk", {"pupils": 1}, (422, "DAY_NOT_OPEN")),
    ("/trips/2026-06-06/to_school/walk", {"pupils": 1}, (422, "NOT_A_SCHOOL_DAY")),
    ("/trips/2026-6-5/to_school/walk", {"pupils": 1}, (422, "INVALID_REQUEST")),
    ("/trips/2026-06-05/to_school/car", {"pupils": 1}, (404, "NOT_FOUND")),
    ("/trips/2026-06-05/to_school/metro", {"pupils": 1}, (422, "NO_DISTANCE_SET")),
    ("/trips/2026-06-05/to_school/walk", {"pupils": "1"}, (422, "INVALID_REQUEST")),
    ("/trips/2026-06-05/to_school/walk", {"pupils": 1, "who": ["Lin"]}, (422, "INVALID_REQUEST")),
    ("/trips/2026-06-05/to_school/walk", {"pupils": 13}, (422, "MORE_PUPILS_THAN_SEATS")),
    ("/hand-ins/B1", {"day": "2026-06-09", "books": 1}, (422, "DAY_NOT_OPEN")),
    ("/hand-ins/B1", {"day": FRIDAY, "stream": "paper"}, (422, "INVALID_REQUEST")),
    ("/hand-ins/B1", {"day": FRIDAY, "books": 1, "weight_kg": "1"}, (422, "INVALID_REQUEST")),
    ("/hand-ins/B1", {"day": FRIDAY, "stream": "paper", "weight_kg": "51"}, (422, "ACT_REFUSED")),
    ("/hand-ins/B%201", {"day": FRIDAY, "books": 1}, (422, "INVALID_REQUEST")),
]


def test_what_cannot_be_confirmed_is_refused_and_leaves_nothing(here: School) -> None:
    for path, body, answer in REFUSED:
        assert code_of(here.put(path, body)) == answer, path
    assert here.grams() == 0


def test_nobody_but_its_own_teacher_acts_for_a_class_or_sees_it(here: School, moment: Any) -> None:
    walk, body = f"/trips/{FRIDAY}/to_school/walk", {"pupils": 2}
    assert code_of(here.put(walk, body, 1, by=2)) == (404, "NOT_FOUND")
    mine, theirs = here.account[1], here.account[2]
    for path in ("/terms", "/terms/2026-2/report", "/terms/2026-2/report.html"):
        assert here.teacher[1].get(f"/classes/{mine}{path}").status_code == 200
        assert code_of(here.teacher[1].get(f"/classes/{theirs}{path}")) == (404, "NOT_FOUND")
    assert [one["id"] for one in here.teacher[1].get("/classes").json["classes"]] == [mine]
    assert here.put(walk, body).status_code == 200
    assert run_as(here, "member", "steward", mine, me(here.teacher[1]), "--end").exit_code == 0
    for answer in (
        here.put(walk, {"pupils": 3}),
        here.put("/hand-ins/B7", {"day": FRIDAY, "books": 1}),
        here.teacher[1].call("DELETE", f"/classes/{mine}{walk}"),
        here.teacher[1].get(f"/classes/{mine}/terms/2026-2/report"),
    ):
        assert code_of(answer) == (404, "NOT_FOUND")
    assert here.teacher[1].get("/classes").json == {"classes": []}


def test_without_an_agreement_nothing_is_kept(here: School) -> None:
    with here.house.transaction() as tx:
        tx.execute(text("UPDATE agreements SET in_force_until = '2026-06-04' WHERE source = 'house:class'"))
    assert code_of(here.put(f"/trips/{FRIDAY}/to_school/walk", {"pupils": 2})) == (409, "NO_SCHOOL_AGREEMENT")
    assert here.put("/trips/2026-06-04/to_school/walk", {"pupils": 2}).json["status"] == "issued"


def test_a_bag_counts_once_whoever_reports_it(here: School) -> None:
    paper = {"day": FRIDAY, "stream": "paper", "weight_kg": "2"}
    assert here.put("/hand-ins/bag-1", paper).json["reduction_g"] == 590
    assert here.put("/hand-ins/bag-1", paper, 2).json["status"] == "outdone", "another class claims the same bag"
    assert here.weigh("S1", "BAG-1", 2.5) == ("issued", None), "a scale knows better than a teacher"
    assert here.grams() == 737
    assert here.weigh("S2", "BAG-1", 9)[0] == "outdone", "weighed twice"
    corrected = {"kind": "order.corrected", "revision": 2}
    assert here.weigh("S1", "BAG-1", 1, **corrected) == ("issued", None), "weighed again, as a correction"
    assert here.grams() == 295
    assert here.weigh("S1", "BAG-1", kind="order.cancelled", revision=3)[0] == "cancelled"
    assert here.grams() == 2655, "who waited, and is better evidence, comes to their right"


def test_a_teacher_finds_again_what_was_confirmed_and_nobody_else_does(here: School) -> None:
    here.put(f"/trips/{FRIDAY}/to_school/walk", {"pupils": 10})
    here.put("/trips/2026-06-04/from_school/bus", {"pupils": 7})
    here.put("/hand-ins/bag-1", {"day": FRIDAY, "stream": "paper", "weight_kg": "2"})
    here.weigh("S1", "BAG-1", 2.5)
    here.put("/trips/2026-06-03/to_school/walk", {"pupils": 1})
    here.teacher[1].call("DELETE", f"/classes/{here.account[1]}/trips/2026-06-03/to_school/walk")
    path = f"/classes/{here.account[1]}/confirmations?first_day=2026-05-01&last_day=2026-06-30"
    found = here.teacher[1].get(path).json["confirmations"]
    assert [(one["day"], one["mode"], one["pupils"], one["bag_code"], one["counts"]) for one in found] == [
        (FRIDAY, None, None, "BAG-1", False),
        (FRIDAY, "walk", 10, None, True),
        ("2026-06-04", "bus", 7, None, True),
    ]
    assert (found[0]["reason"], found[0]["weight_kg"], found[1]["reduction_g"]) == ("ALREADY_CLAIMED", "2", 400)
    assert code_of(here.teacher[2].get(path)) == (404, "NOT_FOUND")
    assert code_of(here.teacher[1].get(path.replace("05-01", "04-01"))) == (422, "INVALID_REQUEST")


def test_two_teachers_who_confirm_at_once_never_confirm_more_pupils_than_seats(
    postgresql_url: str, moment: Any
) -> None:
    app = create_app(Settings.for_tests(database_url=postgresql_url))
    miniprogram_api.register(app)
    here = School(World(app))
    class_id = UUID(here.account[1])
    assert run_as(here, "member", "steward", here.account[1], me(here.teacher[2])).exit_code == 0
    keys = here.house.settings.token_keys
    teachers = [
        school.Teacher(known.holder_id, known.session_id, class_id)
        for known in (
            identity.read_access(keys, here.teacher[number].tokens["access_token"], clock.now()) for number in (1, 2)
        )
    ]

    def confirm(which: int) -> str:
        mode = ("walk", "bus")[which % 2]
        try:
            what = (date(2026, 6, 5), "to_school", mode, 7)
            return school.confirm_trips(here.house.sessions, here.house.vault, teachers[which % 2], *what).status
        except school.MorePupilsThanSeats:
            return "refused"

    with ThreadPoolExecutor(4) as pool:
        found = Counter(pool.map(confirm, range(8)))
    assert found == {"issued": 1, "duplicate": 3, "refused": 4}, "twelve seats: seven walked, or seven took the bus"
    here.check_books()
    assert here.put("/hand-ins/b2", {"day": FRIDAY, "books": 4}).json["reduction_g"] == 1364
    here.check_books()


def test_a_scale_is_believed_only_with_its_key_about_classes_it_may_name(here: School) -> None:
    forged = "whsec_" + base64.b64encode(b"somebody else's key, 32 bytes...").decode()
    assert here.weigh("S1", "B1", secret=forged) == "INVALID_SIGNATURE"
    assert here.weigh("S2", "B1", user_ref="BY2025-9-9") == ("parked", "NO_LINK")
    assert here.weigh("S3", "B3", at="2026-06-09T10:00:00+08:00") == ("refused", "FUTURE_ACT")
    assert here.weigh("S4", "B4", stream="glass") == ("refused", "UNKNOWN_STREAM")
    assert here.weigh("S5", " ", 1) == ("refused", "INVALID_LINE")
    assert here.weigh("S6", "B6", "51") == ("refused", "OUT_OF_BOUNDS")
    assert here.grams() == 0
    account = here.open(9, "2025", "9")
    here.world.settle()
    with here.house.transaction() as tx:
        assert ledger.balances(tx, UUID(account))["pupils"]["reduction"] == 737, "waited until it had a name"


def test_averages_and_reports_stay_in_the_class_and_need_enough_seats(here: School) -> None:
    here.put(f"/trips/{FRIDAY}/to_school/walk", {"pupils": 10})
    here.put("/trips/2026-06-04/to_school/walk", {"pupils": 5})
    here.weigh("S1", "B1", 2)
    report = f"/classes/{here.account[1]}/terms/2026-2/report"
    told = here.teacher[1].get(report).json
    assert (told["reduction_g"], told["seats"], told["average_g"], told["acts"]) == (1190, 12, 99, 3)
    figures = [(f["scenario"], f["methodology"], f["version"], f["grade"], f["reduction_g"]) for f in told["figures"]]
    assert figures == [
        ("hand_ins", "school_recycling", "V01", "E3", 590),
        ("trips", "class_trips", "V01", "E2", 600),
    ]
    page = here.teacher[1].get(report + ".html")
    assert page.content_type.startswith("text/html") and "1,190" in page.text and "八一学校" in page.text
    assert "<script" not in page.text and "unsafe-inline" in page.headers["Content-Security-Policy"]
    for number in (1, 2, 3):
        here.do("move-seat", here.account[1], str(number), "--to", here.account[2], "--since", "2026-06-06")
    told = here.teacher[1].get(report).json
    assert (told["reduction_g"], told["seats"], told["average_g"]) == (1190, 9, None), "nine are too few"
    assert here.put(f"/trips/{FRIDAY}/from_school/walk", {"pupils": 12}).status_code == 200, "they were there that day"
    assert code_of(here.put("/trips/2026-06-08/to_school/walk", {"pupils": 10}))[1] == "MORE_PUPILS_THAN_SEATS"
    assert here.put("/trips/2026-06-08/to_school/walk", {"pupils": 15}, 2).json["status"] == "issued"


def test_a_seat_is_claimed_once_by_a_guardian_and_shows_its_class_only(here: School) -> None:
    code, parent, ward = here.codes[1][0], here.world.login("parent"), here.world.login("ward")

    def claim(who: Any, **said: Any) -> Any:
        return who.call("POST", "/me/class-seats", json={"code": code} | said)

    assert code_of(claim(parent))[1] == "GUARDIAN_NEEDED"
    assert ward.call("PUT", "/me/birth-date", json={"birth_date": "2016-01-01"}).status_code == 200
    assert code_of(claim(ward, as_guardian=True))[1] == "GUARDIAN_NEEDED", "nobody is their own guardian"
    assert code_of(claim(parent, as_guardian=True, ward_id=me(ward))) == (404, "NOT_FOUND")
    invitation = ward.call("POST", "/me/guardian-invitations").json["code"]
    assert parent.call("POST", "/me/wards", json={"code": invitation, "i_am_the_guardian": True}).status_code == 201
    assert claim(parent, as_guardian=True, ward_id=me(ward)).status_code == 201
    assert code_of(claim(here.world.login("late"), as_guardian=True)) == (404, "INVALID_SEAT_CODE")
    for seeing in (parent, ward):
        assert [one["role"] for one in seeing.get("/classes").json["classes"]] == ["pupil"]
        assert seeing.get(f"/classes/{here.account[1]}/terms/2026-2/report").status_code == 200
        assert seeing.get(f"/classes/{here.account[2]}/terms").status_code == 404
    put = parent.call("PUT", f"/classes/{here.account[1]}/trips/{FRIDAY}/to_school/walk", json={"pupils": 1})
    assert code_of(put) == (404, "NOT_FOUND")
    held = parent.get("/me/export").json["statement"]["sections"]["school_seat_claims"]
    assert [sorted(row) for row in held] == [["claimed_at", "holder_id", "seat_id"]]
    assert parent.call("DELETE", f"/me/wards/{me(ward)}").status_code == 204
    assert ward.get("/classes").json == {"classes": []}, "it ended with the guardianship"
    here.do("renew-seat", here.account[1], "1")
    assert parent.get("/classes").json == {"classes": []}


METERS = """building,meter,period,kwh,class_code,share,school_days
A,A-1,2023-05,1000,,,20
A,A-1,2024-05,1100,,,20
A,A-1,2025-05,1200,,,20
A,A-1,2026-05,990,BY2025-3-1,0.25,18
A,A-1,2026-05,990,BY2025-3-2,0.25,18
"""


def test_meters_are_tried_first_then_credited_and_corrected(here: School, tmp_path: Path) -> None:
    file = tmp_path / "meters.csv"

    def bring(rows: str, *options: str) -> tuple[list[str], list[str]]:
        file.write_text(rows)
        done = run_as(here, "school", "import-meters", "pupils", str(file), *options)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines(), done.stderr.splitlines()

    told, wrong = bring(METERS)
    assert told[0] == "A-1 2026-05 BY2025-3-1 issued  0 g"
    assert (here.grams(), wrong) == (0, [])
    # (1100 × 18/20 − 990) × 0.25 is nothing; 90 kWh less is 22.5 × 0.5306 kg.
    less = METERS.replace("990", "900")
    bring(less, "--apply")
    assert here.grams(1) == here.grams(2) == 11938
    assert bring(less, "--apply")[0] == ["4 readings, 0 changes, 0 broken lines"]
    bring(less.replace("2025-05,1200", "2025-05,900"), "--apply")
    assert here.grams(1) == 0, "a lower baseline takes the credit back"
    bring(less, "--apply")
    bring(less.replace("A,A-1,2026-05,900,BY2025-3-2,0.25,18\n", ""), "--apply")
    assert (here.grams(1), here.grams(2)) == (11938, 0), "a class that is left out is credited no more"
    here.check_books()


WRONG_LINES = [
    ("A,A-1,2026-13,1,,,\n", 2, "period"),
    ("A,A-1,2026-06,1,,,\n", 2, "not ended"),
    ("A,A-1,2026-05,-1,,,\n", 2, "kwh"),
    ("A,A-1,2026-05,1,X,0,\n", 2, "share"),
    ("A,A-1,2026-05,1,X,0.6,\nA,A-1,2026-05,1,Y,0.6,\n", 2, "more than 1"),
    ("A,A-1,2026-05,1,X,0.6,\nA,A-1,2026-05,1,X,0.1,\n", 3, "already"),
    ("A,A-1,2026-05,1,X,0.6,\nA,A-1,2026-05,2,Y,0.1,\n", 3, "otherwise"),
    ("A,A-1,2026-05,1,X,0.6,\nA,A-2,2026-05,1,Y,,\n", 2, "shared out"),
]


def test_a_wrong_line_of_a_meter_file_is_told(here: School, tmp_path: Path) -> None:
    file = tmp_path / "meters.csv"
    for rows, line, why in WRONG_LINES:
        file.write_text("building,meter,period,kwh,class_code,share,school_days\n" + rows)
        done = run_as(here, "school", "import-meters", "pupils", str(file))
        assert done.stderr.startswith(f"line {line}: ") and why in done.stderr, rows
        assert "dry run" in done.stdout


def test_a_building_stays_shared_out_or_metered_by_class_from_import_to_import(here: School, tmp_path: Path) -> None:
    file = tmp_path / "meters.csv"
    file.write_text(METERS)
    assert run_as(here, "school", "import-meters", "pupils", str(file), "--apply").exit_code == 0
    head = METERS.splitlines()[0]
    file.write_text(f"{head}\nA,A-7,2026-05,10,BY2025-3-1,,\n")
    done = run_as(here, "school", "import-meters", "pupils", str(file), "--apply")
    assert "shared out" in done.stderr and done.stdout.startswith("0 readings")


def test_a_class_goes_on_under_another_code(here: School) -> None:
    again = here.open(1, "2026", "4", "--continues", here.account[1])
    assert again == here.account[1]
    taken = run_as(here, "school", "class", "bayi", "2026", "4", "1", "X")
    assert taken.stderr.startswith("CLASS_EXISTS")
    assert here.weigh("S1", "B1", user_ref="BY2025-3-1") == ("issued", None), "a day of the year before"
    overlap = run_as(here, "school", "term", "bayi", "x", "--from", "2026-07-01", "--until", "2026-08-01")
    assert overlap.stderr.startswith("TERMS_OVERLAP")


def test_there_is_no_way_into_classes_without_a_login(world: World) -> None:
    assert world.client.get(f"{API}/classes").status_code == 401
