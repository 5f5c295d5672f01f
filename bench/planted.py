"""A partner's day with differences planted at random: our side as rows, their side as a list, and what must be found.

PostgreSQL writes our side itself (`generate_series`), so that a million events take seconds, not hours. Every event is
one order with one line: a phone traded in. Order `O7` is event `evt_7`.
"""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from backend import clock

PARTNER, HOLDERS, GRAMS, POINTS = "zhuanzhuan", 500, 23_750, 23_750
HEADER = "event_id,order_no,line,type,revision,status,occurred_at,reduction_g,points,quantity,weight_kg"
#: How an order is made to differ → the kind that must be found, if any: the last ones are as they should be.
HOWS = {
    "unknown_order": "missing_here",
    "unknown_event": "missing_here",
    "newer_revision": "missing_here",
    "unlisted": "missing_there",
    "unlisted_parked": "missing_there",
    "unlisted_waiting": "missing_there",
    "older_revision": "missing_there",
    "cancelled_there": "status",
    "cancelled_here": "status",
    "refused_here": "status",
    "outdone_here": "status",
    "parked_here": "status",
    "other_type": "status",
    "other_grams": "amount",
    "other_points": "amount",
    "other_quantity": "amount",
    "other_ledger": "amount",
    "other_lot": "amount",
    "late": "late",
    "bad_status": "bad_row",
    "bad_cells": "bad_row",
    "bad_day": "bad_row",
    "duplicate": "bad_row",
}
HARMLESS = ("event_only", "order_only", "no_amounts", "cancelled_twice", "cancelled_unlisted", "not_completed")


def choose(count: int, planted: int, *, seed: int) -> dict[int, str]:
    """Which of the orders 1 … count are unlike the others: so many planted, and as many that only look like it."""
    chance = random.Random(seed)
    numbers = chance.sample(range(1, count + 1), 2 * planted)
    hows = [*HOWS, *(chance.choice(list(HOWS)) for _ in range(planted - len(HOWS)))]
    return {number: hows[at] if at < planted else chance.choice(HARMLESS) for at, number in enumerate(numbers)}


def write_ours(tx: Session, day: date, count: int, hows: dict[int, str]) -> None:
    """Our side of the day: events, orders, acts, postings and lots of 1 … count."""
    tx.execute(text("CREATE TEMPORARY TABLE planted (n bigint PRIMARY KEY, how text NOT NULL) ON COMMIT DROP"))
    rows = [{"n": number, "how": how} for number, how in hows.items()]
    tx.execute(text("INSERT INTO planted VALUES (:n, :how)"), rows)
    at = clock.start_of(day) + timedelta(hours=12)
    given = {"count": count, "holders": HOLDERS, "partner": PARTNER, "day": day, "at": at, "now": clock.now()}
    given |= {"grams": GRAMS, "points": POINTS, "later": clock.now() + timedelta(hours=1)}
    for statement in _STATEMENTS:
        tx.execute(text(statement), {name: value for name, value in given.items() if f":{name}" in statement})


def _id(table: str, number: str = "n") -> str:
    """An identifier of our own making, as SQL."""
    return f"('{table}-0000-7000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid"


_HOLDER = _id("000000aa", "1 + n % :holders")
_ALL = "generate_series(1, :count) AS n LEFT JOIN planted USING (n)"
_STATE = (
    "CASE how WHEN 'parked_here' THEN 'parked' WHEN 'unlisted_parked' THEN 'parked' "
    "WHEN 'unlisted_waiting' THEN 'waiting' ELSE 'done' END"
)
_OUTCOME = (
    'CASE WHEN how IN (\'parked_here\', \'unlisted_parked\') THEN \'[{"line": "1", "status": "parked", '
    "\"code\": \"NO_LINK\"}]' WHEN how = 'unlisted_waiting' THEN NULL WHEN how = 'not_completed' THEN "
    '\'[{"line": "1", "status": "refused", "code": "NOT_COMPLETED"}]\' '
    'ELSE \'[{"line": "1", "status": "issued", "code": null}]\' END'
)
_STATUS = "CASE how WHEN 'refused_here' THEN 'refused' WHEN 'outdone_here' THEN 'outdone' ELSE 'issued' END"
_KNOWN = "coalesce(how, '') NOT IN ('unknown_order', 'unknown_event', 'bad_status', 'bad_cells', 'bad_day')"
_SETTLED = f"{_KNOWN} AND coalesce(how, '') NOT IN ('parked_here', 'unlisted_parked', 'unlisted_waiting')"
_CANCELLED = "coalesce(how, '') IN ('cancelled_here', 'cancelled_twice', 'cancelled_unlisted')"
_AN_ACT = f"{_SETTLED} AND NOT {_CANCELLED} AND coalesce(how, '') <> 'not_completed'"
_ISSUED = f"{_AN_ACT} AND coalesce(how, '') NOT IN ('refused_here', 'outdone_here')"
_TRANSFER = "INSERT INTO ledger_transfers (holder_id, transaction_id, position, asset, debit, credit, amount, lot_id) "

_STATEMENTS = (
    f"INSERT INTO holders (id, kind, created_at) SELECT {_id('000000aa')}, 'person', :now "
    "FROM generate_series(1, :holders) AS n",
    "INSERT INTO inbox (id, partner, event_id, body_sha256, content_hash, signature, signed_at, received_at, day, "
    f"order_no, state, parked_for, attempts, next_attempt_at, outcome) SELECT {_id('000000ee')}, :partner, "
    "'evt_' || n, '', '', 'v1,', "
    f":now, CASE how WHEN 'late' THEN :later ELSE :now END, :day, 'O' || n, {_STATE}, "
    f"CASE {_STATE} WHEN 'parked' THEN 'LINK' END, 0, :now, {_OUTCOME} FROM {_ALL} WHERE {_KNOWN}",
    "INSERT INTO orders (partner, order_no, order_type) SELECT :partner, 'O' || n, 'device.traded_in' "
    f"FROM {_ALL} WHERE {_SETTLED}",
    "INSERT INTO order_lines (partner, order_no, line, revision, rank, content_hash, holder_id, activity_id) "
    f"SELECT :partner, 'O' || n, '1', 2, CASE WHEN {_CANCELLED} THEN 2 ELSE 0 END, '', "
    f"CASE WHEN {_AN_ACT} THEN {_HOLDER} END, CASE WHEN {_AN_ACT} THEN {_id('000000ac')} END "
    f"FROM {_ALL} WHERE {_SETTLED}",
    "INSERT INTO activities (holder_id, id, programme, partner, order_no, line, revision, methodology, scene, profile, "
    "grade, occurred_at, day, pending_days, data, evidence, reduction_g, offset_g, eac_wh, status, reason, "
    f"issue_count, claim, rests_on, recorded_at) SELECT {_HOLDER}, {_id('000000ac')}, 'members', :partner, 'O' || n, "
    "'1', 2, 'device_reuse', 'device', 'CN-DEFAULT', 'E3', :at, :day, 7, '{\"category\": \"phone\", \"quantity\": 1}', "
    f"'{{}}', :grams, 0, 0, {_STATUS}, CASE WHEN {_STATUS} <> 'issued' THEN 'ALREADY_CLAIMED' END, 1, "
    f"'transferred', 'consent', :now FROM {_ALL} WHERE {_AN_ACT}",
    "INSERT INTO ledger_transactions (holder_id, id, programme, kind, idempotency_key, input_hash, activity_id, "
    f"posted_at) SELECT {_HOLDER}, {_id('000000dd')}, 'members', 'issue', 'issue-' || n, '', "
    f"{_id('000000ac')}, :now FROM {_ALL} WHERE {_ISSUED}",
    f"{_TRANSFER} SELECT {_HOLDER}, {_id('000000dd')}, 0, 'co2e_reduction_g', 'issuer.reduction', 'reduction', "
    f":grams + CASE how WHEN 'other_ledger' THEN 1 ELSE 0 END, NULL FROM {_ALL} WHERE {_ISSUED}",
    f"{_TRANSFER} SELECT {_HOLDER}, {_id('000000dd')}, 1, 'points', 'issuer.points', 'points.pending', :points, "
    f"{_id('00000010')} FROM {_ALL} WHERE {_ISSUED}",
    "INSERT INTO points_lots (holder_id, id, programme, activity_id, partner, methodology, day, rule_version, "
    "amount, remaining, reserved, expired, stage, available_at, expires_at) "
    f"SELECT {_HOLDER}, {_id('00000010')}, 'members', {_id('000000ac')}, :partner, 'device_reuse', :day, 1, "
    ":points + CASE how WHEN 'other_lot' THEN 1 ELSE 0 END, :points, 0, 0, 'pending', :later, :later "
    f"FROM {_ALL} WHERE {_ISSUED}",
)


def write_list(path: Path, day: date, count: int, hows: dict[int, str]) -> None:
    """Their side as CSV, out of order."""
    at = (clock.start_of(day) + timedelta(hours=12)).astimezone(clock.SHANGHAI)
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER + "\n")
        file.writelines(",".join(cells) + "\n" for cells in _rows(at, count, hows))


def _rows(at: datetime, count: int, hows: dict[int, str]) -> Iterator[list[str]]:
    step = 7_919 if count % 7_919 else 7_907  # a prime: every number comes once
    for turn in range(count):
        number = 1 + turn * step % count
        yield from _cells(number, at, hows.get(number, ""))


def _cells(number: int, at: datetime, how: str) -> Iterator[list[str]]:
    """The rows of one order, none where the partner leaves it out."""
    if how in ("unlisted", "unlisted_parked", "unlisted_waiting", "late", "cancelled_unlisted", "not_completed"):
        return
    row: dict[str, Any] = dict.fromkeys(HEADER.split(","), "")
    row |= {"event_id": f"evt_{number}", "order_no": f"O{number}", "line": "1", "type": "device.traded_in"}
    row |= {"revision": "2", "status": "completed", "occurred_at": at.isoformat()}
    row |= {"reduction_g": str(GRAMS), "points": str(POINTS), "quantity": "1"}
    row |= _UNLIKE.get(how, {})
    if how == "bad_day":
        row["occurred_at"] = (at + timedelta(days=1)).isoformat()
    cells = [str(cell) for cell in row.values()]
    yield cells[:-1] if how == "bad_cells" else cells
    if how == "duplicate":
        yield cells


_UNLIKE: dict[str, dict[str, str]] = {
    "unknown_order": {"event_id": ""},
    "unknown_event": {"order_no": ""},
    "newer_revision": {"revision": "3"},
    "older_revision": {"revision": "1"},
    "cancelled_there": {"status": "cancelled"},
    "cancelled_twice": {"status": "cancelled"},
    "other_type": {"type": "device.recycled"},
    "other_grams": {"reduction_g": str(GRAMS - 1)},
    "other_points": {"points": str(POINTS + 1)},
    "other_quantity": {"quantity": "2"},
    "bad_status": {"status": "shipped"},
    "event_only": {"order_no": ""},
    "order_only": {"event_id": ""},
    "no_amounts": {"reduction_g": "", "points": "", "quantity": ""},
}


def expected(hows: dict[int, str]) -> Counter[tuple[str, str]]:
    """(kind, order or event) of every difference; of bad rows only how many there are."""
    found: Counter[tuple[str, str]] = Counter()
    for number, how in hows.items():
        if how in HOWS:
            named = f"evt_{number}" if how == "unknown_event" else f"O{number}"
            found[HOWS[how], "" if HOWS[how] == "bad_row" else named] += 1
    return found
