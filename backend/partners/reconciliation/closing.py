"""What a day came to, as a file that both sides can verify, and closing the day with it."""

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, BinaryIO

from sqlalchemy.orm import Session

from backend import clock, operator_log
from backend.csv_cells import csv_line
from backend.identity import OperatorView
from backend.partners.errors import DayClosed, DayNotOver, DifferencesOpen, NoListYet, StatementChanged
from backend.partners.reconciliation.days import CLOSED, DayView, claim, day_view, hold_day
from backend.partners.reconciliation.differences import AMOUNT, LATE, MISSING_HERE, MISSING_THERE
from backend.partners.reconciliation.explaining import difference_as_json, differences_of
from backend.partners.reconciliation.recording import OPEN
from backend.signed_statements import SignedStatement, file_signature
from backend.signing_keys import SigningKey
from backend.strict_json import JsonValue

SCHEMA = "carbon-inclusion/reconciliation/v1"
CSV_COLUMNS = (
    *("id", "kind", "order_no", "line", "event_id", "state", "first_seen", "age_days"),
    *("theirs", "ours", "explanation"),
)
_Rows = Iterator[dict[str, JsonValue]]


def statement_of(tx: Session, key: SigningKey, partner: str, day: date, *, now: datetime) -> SignedStatement:
    """The day as a signed statement. Of a closed day it is the one it was closed with; StatementChanged if not."""
    view = day_view(tx, partner, day)
    if view.closed_at is None:
        return _statement(tx, key, view, state=view.state, made_at=now)
    made = _statement(tx, key, view, state=CLOSED, made_at=view.closed_at)
    if made.sha256 != view.statement_sha256:
        raise StatementChanged(partner=partner, day=day.isoformat(), closed_with=view.statement_sha256)
    return made


def _statement(tx: Session, key: SigningKey, view: DayView, *, state: str, made_at: datetime) -> SignedStatement:
    """Everything up to `made_at`. `resend` is what the partner should send again, `ours` what we say where they do not.

    What came after the day was closed belongs to no statement of it: it is shown, and stays open until explained.
    """
    facts: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "partner": view.partner,
        "day": view.day.isoformat(),
        "made_at": clock.iso(made_at),
        "state": state,
        "list_sha256": view.list_sha256,
        "list_rows": view.list_rows,
    }

    def rows(kinds: tuple[str | None, ...], state: str | None = None) -> _Rows:
        for kind in kinds:
            found = differences_of(tx, view.partner, view.day, kind=kind, state=state, seen_until=made_at)
            yield from (difference_as_json(item, now=made_at) for item in found)

    named = ("event_id", "order_no", "line")
    resend = ({name: row[name] for name in named} for row in rows((MISSING_HERE,), OPEN))
    ours = ({name: row[name] for name in (*named, "ours")} for row in rows((MISSING_THERE, AMOUNT, LATE), OPEN))
    return SignedStatement(key, facts, {"differences": rows((None,)), "resend": resend, "ours": ours})


def close_day(
    tx: Session, key: SigningKey, partner: str, day: date, *, operator: OperatorView, reason: str, now: datetime
) -> str:
    """Close a day of which every difference is explained; returns the SHA-256 of its statement, hexadecimal.

    Raises DayClosed, NoListYet, DayNotOver, ReconciliationRunning, DifferencesOpen.
    """
    held = hold_day(tx, partner, day)
    if held.state == CLOSED:
        raise DayClosed(partner=partner, day=day.isoformat())
    if held.list_id is None or held.reconciled_at is None:
        raise NoListYet(partner=partner, day=day.isoformat())
    if day >= clock.day_of(now):
        raise DayNotOver(day=day.isoformat())
    claim(tx, held, now=now)
    view = day_view(tx, partner, day)
    if view.open:
        left = {kind: count for (kind, state), count in view.counts.items() if state == OPEN}
        raise DifferencesOpen(partner=partner, day=day.isoformat(), open=left)
    made = _statement(tx, key, view, state=CLOSED, made_at=now)
    made.close()
    before = {"state": held.state}
    held.state, held.closed_at, held.closed_by = CLOSED, now, operator.id
    held.busy_until, held.statement_sha256 = now, bytes.fromhex(made.sha256)
    tx.flush()
    operator_log.write(
        tx,
        operator_id=operator.id,
        action="reconciliation.closed",
        subject=f"{partner} {day}",
        reason=reason,
        before=before,
        after={"state": CLOSED, "statement_sha256": made.sha256},
        now=now,
    )
    return made.sha256


def write_csv(tx: Session, key: SigningKey, partner: str, day: date, file: BinaryIO, *, now: datetime) -> str:
    """Write the differences of a day as CSV (UTF-8); returns its detached signature, a JSON document."""
    view = day_view(tx, partner, day)
    digest = hashlib.sha256()
    for text in _csv_lines(tx, view, view.closed_at or now):
        raw = text.encode()
        digest.update(raw)
        file.write(raw)
    return file_signature(key, digest.hexdigest())


def _csv_lines(tx: Session, view: DayView, made_at: datetime) -> Iterator[str]:
    yield csv_line(CSV_COLUMNS)
    for found in differences_of(tx, view.partner, view.day, seen_until=made_at):
        told = difference_as_json(found, now=made_at)
        yield csv_line([_cell(told[name]) for name in CSV_COLUMNS])


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return "" if value is None else str(value)
