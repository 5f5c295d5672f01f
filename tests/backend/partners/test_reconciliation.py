"""A partner's list of a day against our events and the books: what differs is found, and nothing else."""

import importlib.util
import io
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from standardwebhooks import Webhook

from backend import clock, safe_http
from backend.activities import Credited, StandingLine
from backend.ledger import Posted
from backend.partners import reconciliation
from backend.partners.errors import InvalidList, InvalidListUrl
from backend.partners.reconciliation import differences, loading
from backend.partners.reconciliation.differences import Held, HeldEvent, HeldLine
from backend.partners.reconciliation.reading import MAX_ROW_BYTES, HashedFile, read_list
from backend.partners.reconciliation.rows import BadRow, ListedRow
from backend.safe_http import AddressRefused, OutsideUnavailable
from backend.signed_statements import key_set
from bench import planted
from tests.backend.operating import operator_with_token, run
from tests.backend.world import SECRET, World, cancel, days_ago, trip
from tests.house_rules import ROOT

HEADER = b"order_no,line,status,occurred_at,reduction_g\n"
AT = "2026-06-05T08:00:00+08:00"


# -- reading -----------------------------------------------------------------------------------------------


def read(raw: bytes) -> list[tuple[int, Any]]:
    """Position and row, or position and the code of a bad one."""
    rows = read_list(HashedFile(io.BytesIO(raw)), date(2026, 6, 5))
    return [(position, row.code if isinstance(row, BadRow) else row) for position, row in rows]


def test_every_row_of_a_list_is_answered_for() -> None:
    """Blank lines aside, each line is a row or a bad row with its number."""
    lines = (
        *(f"A,1,completed,{AT},12", "", f"B,1,shipped,{AT},", '"C,1', "D,1", f"E,*,completed,{AT},"),
        *(f"F,,cancelled,{AT},0", "G,1,completed,2026-06-05,", f"H,1,completed,{AT},-1", f"I,1,completed,{AT},1.5"),
        *(f"J,1,completed,2026-06-05T23:59:59-00:01,{'9' * 16}", f",1,completed,{AT},", f"K\x01,1,completed,{AT},"),
    )
    raw = b"\xef\xbb\xbf" + HEADER + "\r\n".join(lines).encode() + b"\n\xff,1\n" + b"x" * 3 * MAX_ROW_BYTES
    found = read(raw + f"\nL,2,completed,{AT},3".encode())
    good = {position: row for position, row in found if not isinstance(row, str)}
    assert {position: (row.order_no, row.line, row.reduction_g) for position, row in good.items()} == {
        2: ("A", "1", 12),
        8: ("F", "1", 0),
        17: ("L", "2", 3),
    }
    assert [item for item in found if item[0] not in good] == [
        *((4, "INVALID_FIELD"), (5, "INVALID_CSV"), (6, "WRONG_NUMBER_OF_CELLS"), (7, "INVALID_FIELD")),
        *((9, "INVALID_FIELD"), (10, "INVALID_FIELD"), (11, "INVALID_FIELD")),
        *((12, "OTHER_DAY"), (13, "MISSING_FIELD"), (14, "INVALID_FIELD"), (15, "NOT_UTF8"), (16, "ROW_TOO_LONG")),
    ]


def test_json_lines_and_arrays_say_the_same() -> None:
    rows: list[Any] = [
        {"event_id": f"e{n}", "line": n, "status": "completed", "occurred_at": AT, "weight_kg": "3.50"}
        for n in range(3_000)
    ]
    rows[7] = {"user_ref": "u-1", "status": "completed", "occurred_at": AT, "order_no": "A"}
    as_lines, as_array = read("\n".join(map(json.dumps, rows)).encode()), read(json.dumps(rows, indent=1).encode())
    assert as_lines == as_array and len(as_lines) == 3_000
    assert as_lines[7] == (8, "UNKNOWN_FIELD")
    assert (as_lines[9][1].key, as_lines[9][1].line, as_lines[9][1].weight_kg) == ("e:e9", "9", "3.50")
    assert read(b" [ ] ") == []
    assert read(json.dumps(["x" * 9_000]).encode()) == [(1, "ROW_TOO_LONG")]
    assert read(b'{"status": 1e400}\n[1]') == [(1, "JSON_NUMBER_OUT_OF_RANGE"), (2, "JSON_NOT_AN_OBJECT")]


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\n \n", b"order_no,status\n", b"order_no,order_no,status,occurred_at\n", b"status,occurred_at\n"),
        *(b"order_no,status,occurred_at,user_ref\n", b"\xff\n", b"x" * 3 * MAX_ROW_BYTES),
        *(b"[{}", b"[{} {}]", b"[{},]", b"[] x", b"[" + b'"' + b"x" * 80_000 + b'"]', b"[\xff]"),
    ],
)
def test_what_is_no_list_is_refused_whole(raw: bytes) -> None:
    with pytest.raises(InvalidList):
        read(raw)


# -- what differs ------------------------------------------------------------------------------------------

NOON = datetime(2026, 6, 5, 4, tzinfo=UTC)
ACT = (UUID(int=1), UUID(int=2))


def held_line(status: str | None = "issued", line: str = "1", *, posted: int | None = None, left: int = 0) -> HeldLine:
    """A line of order O worth 100 g and as many points; `posted` where the books hold other grams of it."""
    issued = status == "issued"
    act = ACT if status not in (None, "cancelled") else None
    credits = Credited(100 if issued else 0, 0, 0)
    standing = StandingLine("O", line, "trip.completed", 2, status, None, act, credits, {"quantity": 2})
    grams = credits.reduction_g if posted is None else posted
    return HeldLine(standing, Posted(grams, 0, 0, 100 if issued else 0, 100), (100, left))


def held_event(
    code: str | None = None, *, state: str = "done", waiting_for: str | None = None, **lines: str
) -> HeldEvent:
    told = {name.removeprefix("line"): (status, code) for name, status in lines.items()}
    return HeldEvent("e1", "O", state, waiting_for, NOON, told)


def listed(line: str = "1", status: str = "completed", **more: Any) -> ListedRow:
    return ListedRow(7, "O", more.pop("event_id", None), line, more.pop("type", None), 2, status, NOON, **more)


@pytest.mark.parametrize(
    ("row", "held", "kinds"),
    [
        (listed(reduction_g=100, points=100, quantity="2.0"), Held(None, [held_line()]), []),
        (listed(weight_kg="3"), Held(None, [held_line()]), []),  # the act was not counted by it
        (listed(quantity="3", points=1), Held(None, [held_line()]), [("amount", "1")]),
        (listed(), Held(None, [held_line("kept")]), []),
        (listed(status="cancelled"), Held(None, [held_line("kept")]), [("status", "1")]),
        (listed(), Held(None, [held_line("taken_back")]), [("status", "1")]),
        (listed(status="cancelled"), Held(None, [held_line("outdone")]), [("status", "1")]),  # it may come to its right
        (listed(status="cancelled"), Held(held_event(state="parked", waiting_for="LINK")), [("status", "1")]),
        (listed(status="cancelled"), Held(held_event(state="parked", waiting_for="ORDER")), []),
        (listed(status="cancelled"), Held(None, [held_line("cancelled")]), []),
        (listed(status="cancelled"), Held(None, [held_line("taken_back", posted=100)]), [("amount", "1")]),
        (listed(status="cancelled"), Held(None, [held_line("refused", left=5)]), [("amount", "1")]),
        (listed("3"), Held(None, [held_line("cancelled", "*")]), [("status", "3")]),
        (listed("*", "cancelled"), Held(None, [held_line(line="1"), held_line("cancelled", "2")]), [("status", "1")]),
        (listed("*", "cancelled"), Held(None), [("missing_here", "*")]),
        (listed(status="cancelled"), Held(held_event(line1="refused")), []),
        (listed(), Held(held_event(line1="refused")), [("status", "1")]),
        (listed(event_id="e9"), Held(None, [held_line()]), [("missing_here", "1")]),
        (listed(event_id="e1"), Held(held_event("LINE_CONFLICT", line1="refused"), [held_line()]), [("status", "1")]),
        (listed(type="order.corrected"), Held(None, [held_line()]), []),
    ],
)
def test_a_row_is_compared_with_what_is_held(row: ListedRow, held: Held, kinds: list[tuple[str, str]]) -> None:
    assert [(found.kind, found.line) for found in differences.of_listed_row(row, held)] == kinds


def test_what_a_list_need_not_hold_is_not_missed() -> None:
    for event, held in (
        (held_event(line1="superseded"), {}),
        (held_event("NOT_COMPLETED", line1="refused"), {}),
        (held_event(line1="issued"), {"1": held_line("cancelled")}),
        (held_event(**{"line*": "cancelled"}), {}),
    ):
        assert list(differences.of_unlisted_event(event, event.line_names, held, late=False)) == []
    (found,) = differences.of_unlisted_event(held_event(**{"line*": "refused"}), [""], {}, late=True)
    assert (found.kind, found.key, found.ours["status"]) == ("late", "e:e1", "refused")


# -- a day -------------------------------------------------------------------------------------------------


class Desk:
    """An operator at a terminal, and a partner that makes lists of one day."""

    def __init__(self, app: Flask, world: World, folder: Path) -> None:
        self.app, self.world, self.folder = app, world, folder
        self.day = clock.day_of(days_ago(3))
        self.token = operator_with_token(world, "zhao", "finance")[1]

    def command(self, *arguments: str) -> Any:
        """Whoever compares is named; who only looks is not."""
        looks = {"--show", "--open", "explain", "close", "statement", "url"} & {*arguments}
        who = () if looks else ("--operator", "zhao", "--reason", "daily round")
        return run(self.app, "partner", "reconcile", *arguments, *who, token=self.token)

    def compare(self, *rows: dict[str, Any], raw: bytes = b"") -> dict[tuple[str, str], dict[str, Any]]:
        """Compare a list; the open differences by kind and order or row."""
        path = self.folder / "list"
        path.write_bytes(json.dumps(rows).encode() + raw if rows else raw)
        return self.told("transit", "--day", str(self.day), "--list", str(path), "--json")

    def told(self, *arguments: str) -> dict[tuple[str, str], dict[str, Any]]:
        done = self.command(*arguments)
        assert done.exit_code in (0, 1), done.output
        differences = [json.loads(line) for line in done.stdout.splitlines()][1:]
        return {
            (item["kind"], str(item["order_no"] or item["theirs"].get("row"))): item
            for item in differences
            if item["state"] == "open"
        }

    def decide(self, verb: str, *arguments: str) -> Any:
        why = ("--operator", "zhao", "--reason", "talked to them")
        return self.command(verb, "transit", "--day", str(self.day), *arguments, *why)

    def statement(self) -> Any:
        """The statement of the day, verified as a stranger would."""
        path, table = self.folder / "statement.json", self.folder / "differences.csv"
        made = ("--output", str(path), "--csv", str(table))
        assert self.command("statement", "transit", "--day", str(self.day), *made).exit_code == 0
        spec = importlib.util.spec_from_file_location("verifier", ROOT / "docs/examples/verify_statement.py")
        assert spec is not None and spec.loader is not None
        verifier = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(verifier)
        keys = key_set(self.world.house.vault.statement_key.public)
        beside = json.loads(table.with_name(table.name + ".sig").read_text())
        verifier.verify_file(table.read_bytes(), beside, keys)
        with pytest.raises(ValueError, match="not the file"):
            verifier.verify_file(table.read_bytes() + b"\n", beside, keys)
        return verifier.verify(json.loads(path.read_text()), keys)

    def metrics(self) -> str:
        return str(self.app.test_client().get("/metrics").text)

    def ask(self, query: str = "", *, hand_in: str | None = None, **more: str) -> Any:
        """What the partner asks, or the list it hands in, as CSV unless told otherwise."""
        path, now = f"/partners/v1/reconciliations/{self.day}{query}", clock.now()
        signed = path if hand_in is None else f"POST {path}\n{hand_in}"
        headers = {"webhook-partner": "transit", "webhook-id": "ask", "webhook-timestamp": str(int(now.timestamp()))}
        headers |= {"webhook-signature": Webhook(SECRET).sign("ask", now, signed), "content-type": "text/csv"} | more
        client = self.app.test_client()
        return (
            client.get(path, headers=headers) if hand_in is None else client.post(path, data=hand_in, headers=headers)
        )


@pytest.fixture
def desk(app: Flask, database_url: str, tmp_path: Path) -> Desk:
    return Desk(app, World(database_url), tmp_path)


def row(order_no: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    return {"order_no": order_no, "status": status, "occurred_at": days_ago(3).isoformat()} | more


def test_a_day_from_its_list_to_the_closed_statement(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    world = desk.world
    world.person("amy")
    bob = world.person("bob", linked=False)
    for hour, order in enumerate(("T1", "T2", "T3"), start=6):
        world.send("transit", trip(order, "amy", at=days_ago(3, hour)), f"evt_{order}")
    world.send("transit", trip("T4", "amy", at=days_ago(3, 10)) | {"type": "order.corrected"}, "evt_T4")
    world.send("transit", trip("T5", "bob", at=days_ago(3, 11)), "evt_T5")
    world.send("transit", cancel("T2", "amy", occurred_at=days_ago(3, 12)), "evt_C2")
    world.settle()

    # Nothing is said of a day without a list, but that it is missing.
    assert desk.told("transit", "--day", str(desk.day), "--json") == {}
    assert "awaiting list" in desk.command("--open").stdout
    assert desk.decide("close").stderr.startswith("NO_LIST_YET")
    tomorrow = ("--day", str(clock.today() + timedelta(days=1)))
    assert desk.command("transit", *tomorrow).stderr.startswith("DAY_NOT_OVER")
    assert desk.command("nobody", "--day", str(desk.day)).stderr.startswith("UNKNOWN_PARTNER")

    rows = [row("T1", reduction_g=579, points=579), row("T2"), row("T5"), row("=T6", event_id="evt_T6", revision=1)]
    first = desk.compare(*rows, row("T4", event_id="evt_T4"), row("T1"), row("T7", "shipped"))
    assert {key: item["ours"].get("reason") for key, item in first.items()} == {
        ("status", "T2"): None,
        ("status", "T4"): "AWAITING_ORDER",
        ("status", "T5"): "NO_LINK",
        ("missing_here", "=T6"): None,
        ("missing_there", "T3"): None,
        ("bad_row", "6"): None,
        ("bad_row", "7"): None,
    }
    assert first["status", "T2"]["ours"]["status"] == "cancelled"
    assert first["bad_row", "6"]["theirs"] == {"row": 6, "code": "DUPLICATE_ROW"}
    assert first["missing_there", "T3"]["ours"].items() >= {"reduction_g": 579, "points": 579}.items()
    assert desk.decide("close").stderr.startswith("DIFFERENCES_OPEN")

    # The partner reads what to send again, sends it; the member links; the next list is right about the rest.
    (resend,) = desk.ask("?kind=missing_here").json["differences"]
    assert (resend["event_id"], resend["order_no"]) == ("evt_T6", "=T6")
    for query in ("?after=x", "?kind=%00", "?state=odd", "?knd=late", "?kind=late&kind=status"):
        assert desk.ask(query).status_code == 400, query
    assert 'reconciliation_unsettled{kind="bad_row",partner="transit"} 2.0' in desk.metrics()
    statement = desk.statement()
    assert statement["sections"]["resend"] == [{"event_id": "evt_T6", "line": "1", "order_no": "=T6"}]
    assert [item["order_no"] for item in statement["sections"]["ours"]] == ["T3"]
    assert "'=T6" in (desk.folder / "differences.csv").read_text()
    world.send("transit", trip("=T6", "amy", at=days_ago(3, 14)), "evt_T6")
    world.link(bob, "transit", "bob")
    world.settle()
    rows[0]["points"], rows[1]["status"] = 578, "cancelled"
    again = desk.compare(*rows, row("T4", event_id="evt_T4"), row("T3"))
    assert again.keys() == {("status", "T4"), ("amount", "T1")}
    assert again["amount", "T1"]["ours"]["differs"] == ["points"]
    assert again["status", "T4"]["first_seen"] == first["status", "T4"]["first_seen"]

    # What is explained stays explained until a side says something else.
    assert desk.decide("explain", "--kind", "status").stdout == "已说明 explained: 1\n"
    assert desk.told("transit", "--day", str(desk.day), "--json").keys() == {("amount", "T1")}
    assert desk.decide("explain", "--all").exit_code == 0
    rows[0]["points"] = 577
    assert desk.compare(*rows, row("T4", event_id="evt_T4"), row("T3")).keys() == {("amount", "T1")}
    assert desk.decide("explain", "--difference", again["amount", "T1"]["id"]).exit_code == 0
    assert desk.ask("?state=open").json["differences"] == []

    # A list that the partner hands in is compared by the next round; until then the day is not closed.
    handed_in = "order_no,status,occurred_at\n" + f"T1,completed,{days_ago(3).isoformat()}\n"
    answers = (
        *(desk.ask(hand_in="nothing"), desk.ask(hand_in=handed_in, **{"content-type": "text/plain"})),
        desk.ask(hand_in=handed_in, **{"webhook-timestamp": "1"}),
    )
    assert [answer.status_code for answer in answers] == [422, 415, 401]
    with monkeypatch.context() as fewer:
        fewer.setattr(loading, "MOST_FAULTS", 2)
        refused = desk.ask(hand_in=handed_in * 2 + "x\ny\n").json
        assert refused["faults"] == {"WRONG_NUMBER_OF_CELLS": 2, "INVALID_FIELD": 1, "DUPLICATE_ROW": 1}
        assert refused["code"] == "INVALID_LIST"
    day = desk.day
    for no_day in ("0001-01-01", "1999-12-31", "20260605", "2026-W23-5", "2026-06-31", "today"):
        desk.day = no_day
        assert (desk.ask().json["code"], desk.ask(hand_in=handed_in).json["code"]) == ("NOT_FOUND",) * 2, no_day
    desk.day = day
    assert desk.ask(hand_in=handed_in).json["day"]["reconciled_at"] is None
    assert desk.decide("close").stderr.startswith("NO_LIST_YET")
    reconciliation.daily_round(world.house.sessions, world.house.vault)
    left_out = desk.told("transit", "--day", str(desk.day), "--json", "--show")
    assert left_out.keys() == {("missing_there", order) for order in ("T3", "T4", "T5", "=T6")}
    assert desk.compare(*rows, row("T4", event_id="evt_T4"), row("T3")).keys() == {("amount", "T1"), ("status", "T4")}
    assert desk.decide("explain", "--all").exit_code == 0

    # Closed with a signed statement: nothing of it changes any more, and what comes late is seen.
    closed = desk.decide("close")
    assert closed.exit_code == 0, closed.output
    assert desk.statement()["state"] == "closed" and desk.decide("close").stderr.startswith("DAY_CLOSED")
    world.send("transit", trip("T8", "amy", at=days_ago(3, 15)), "evt_T8")
    world.settle()
    reconciliation.daily_round(world.house.sessions, world.house.vault)
    assert desk.told("transit", "--day", str(desk.day), "--json", "--open").keys() == {("late", "T8")}
    path = desk.folder / "list"
    refused = desk.command("transit", "--day", str(desk.day), "--list", str(path))
    assert refused.stderr.startswith("DAY_CLOSED") and desk.ask(hand_in=handed_in).json["code"] == "DAY_CLOSED"
    done = desk.command("statement", "transit", "--day", str(desk.day), "--output", str(path))
    assert done.stdout == closed.stdout
    assert desk.decide("explain", "--all").exit_code == 0
    url = ("url", "transit", "https://lists.example/{day}", "--operator", "zhao", "--reason", "contract")
    assert desk.command(*url).stderr.startswith("OPERATOR_NOT_ALLOWED")
    for change in ("UPDATE reconciliation_days SET run = 9", "DELETE FROM reconciliation_differences"):
        with pytest.raises(DBAPIError, match="closed"), world.house.transaction() as tx:
            tx.execute(text(change))
    with world.house.transaction() as tx:
        while reconciliation.erase_lists(tx, now=clock.now()):
            pass
        assert tx.scalar(text("SELECT count(*) FROM reconciliation_rows")) == 0


# -- fetching ----------------------------------------------------------------------------------------------


@contextmanager
def list_server() -> Iterator[tuple[str, dict[str, Any]]]:
    """A partner's server: where it is, what it answers (`status`, `body`), and what it was `asked` by whom we trust."""
    answer: dict[str, Any] = {"status": 404, "body": b"", "asked": []}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            at = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
            signature = Webhook(SECRET).sign(self.headers["webhook-id"], at, self.path)
            if signature == self.headers["webhook-signature"]:
                answer["asked"].append(self.path)
            self.send_response(answer["status"])
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(answer["body"])))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", answer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_daily_round_fetches_yesterdays_list_until_it_is_there(world: World) -> None:
    yesterday = clock.today() - timedelta(days=1)
    with list_server() as (host, answer):
        with world.house.transaction() as tx:
            for url, refusal in ((f"http://{host}/list", InvalidListUrl), (f"http://{host}/{{day}}", AddressRefused)):
                with pytest.raises(refusal):
                    reconciliation.set_list_url(tx, "transit", url)
            reconciliation.set_list_url(tx, "transit", f"http://{host}/{{day}}.csv?k=1", allowed_hosts=[host])

        def go_round() -> Any:
            reconciliation.daily_round(world.house.sessions, world.house.vault, allowed_hosts=[host])
            with world.house.transaction() as tx:
                (day,) = reconciliation.days(tx, unsettled=True)
                return day

        assert (go_round().state, go_round().last_error) == ("awaiting_list", "UPSTREAM_REFUSED answered 404")
        answer["status"], answer["body"] = 302, b"gone elsewhere"
        assert go_round().last_error == "UPSTREAM_REFUSED answered 302"
        answer["status"], answer["body"] = 200, b"not a list"
        assert go_round().last_error.startswith("INVALID_LIST")
        answer["body"] = HEADER + f"A,1,completed,{yesterday}T08:00:00+08:00,\n".encode()
        found = go_round()
        assert (found.state, found.counts, found.last_error) == ("open", {("missing_here", "open"): 1}, None)
        go_round()
        assert answer["asked"] == [f"/{yesterday}.csv?k=1"] * 5  # not again: the list is there
        long_ago = yesterday - timedelta(days=90)
        reconciliation.hand_in(world.house.sessions, "transit", long_ago, io.BytesIO(HEADER), source="upload")
        reconciliation.daily_round(world.house.sessions, world.house.vault)
        with world.house.transaction() as tx:
            assert reconciliation.day_view(tx, "transit", long_ago).reconciled_at is not None
        with pytest.raises(OutsideUnavailable) as refused:
            limits: dict[str, Any] = {"deadline_s": 5.0, "max_bytes": 10, "allowed_hosts": [host]}
            headers = {"webhook-timestamp": "0", "webhook-id": "x", "webhook-signature": ""}
            safe_http.download(f"http://{host}/", io.BytesIO(), headers=headers, **limits)
        assert refused.value.reason == "answered with more than 10 bytes"


# -- many --------------------------------------------------------------------------------------------------


def test_a_thousand_planted_differences_are_found_and_no_other(postgresql_url: str, tmp_path: Path) -> None:
    world, count, day = World(postgresql_url), 2_500, clock.today() - timedelta(days=1)
    hows = planted.choose(count, 1_000, seed=20260605)
    with world.house.transaction() as tx:
        planted.write_ours(tx, day, count, hows)
    planted.write_list(tmp_path / "list.csv", day, count, hows)
    for _ in range(2):  # comparing again finds the same
        with (tmp_path / "list.csv").open("rb") as file:
            view = reconciliation.reconcile(world.house.sessions, planted.PARTNER, day, file=file)
        with world.house.transaction() as tx:
            found = list(reconciliation.differences_of(tx, planted.PARTNER, day))
        names = Counter((item.kind, item.order_no or item.event_id or "") for item in found)
        assert names == planted.expected(hows)
        assert (view.open, len(found)) == (1_000, 1_000)
