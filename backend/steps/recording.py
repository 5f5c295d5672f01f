"""Writing reported steps down: the day's row, and what of it counts into the books.

Who reports for a person holds that person alone, so reports of one person follow each other. Then the days, in order,
then balances.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Date, Integer, select
from sqlalchemy.orm import Session

from backend import clock, identity, ledger
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.lists import recordset, upsert_rows
from backend.steps import policy
from backend.steps.models import StepDay
from backend.steps.policy import Known, Report, Reported, Verdict

#: How far back one's own days are looked at when a count is judged.
_LOOKED_AT = timedelta(days=60)
WAITING, RELEASED, REFUSED = "waiting", "released", "refused"
#: No programme is called so: the day is not this account's to top up.
_ANOTHER_ACCOUNT = ""


def record(tx: Session, holder_id: UUID, report: Report, *, now: datetime) -> list[Verdict]:
    """Judge what a source reports of a person's days, note it, and post what counts more than before.

    The person is held. The same report again changes nothing.
    """
    rows = _days(tx, holder_id, since=clock.day_of(now) - _LOOKED_AT)
    merged = _merged_with(tx, holder_id)
    known = _days_of_others(tx, merged, since=clock.day_of(now) - _LOOKED_AT)
    known |= {day: _known(row) for day, row in rows.items()}
    alike = _alike(tx, {holder_id, *merged}, report.days)
    verdicts = policy.judge(replace(report, known=known, alike=alike), now=now)
    noted = [verdict for verdict in verdicts if verdict.noted]
    changed = [verdict for verdict in noted if _changes(rows.get(verdict.day), verdict)]
    _write(tx, holder_id, report, rows, changed, now)
    before = {day: row.counted for day, row in rows.items()}
    count(tx, holder_id, [(v.day, report.programme, before.get(v.day, 0), v.counted) for v in changed], now=now)
    return verdicts


def count(tx: Session, holder_id: UUID, days: Iterable[tuple[date, str, int, int]], *, now: datetime) -> None:
    """Post what (day, programme, counted before, counted now) adds; the days are held."""
    transactions = [
        Transaction(
            *(new_id(), holder_id, programme, "steps.counted", f"steps:{day}:{after}"),
            transfers=(Transfer("issuer.steps", "steps.pending", after - before),),
        )
        for day, programme, before, after in days
        if after > before
    ]
    ledger.post(tx, transactions, now=now)


def let_donate(tx: Session, *, now: datetime, limit: int = 500) -> int:
    """Steps whose delay is over can be donated from now on. Returns how many days changed."""
    waiting = (StepDay.spendable < StepDay.counted, StepDay.spendable_from <= clock.day_of(now))
    query = select(StepDay).where(*waiting).order_by(StepDay.holder_id, StepDay.day).limit(limit)
    rows = list(tx.scalars(query.with_for_update(skip_locked=True)))
    transactions = [
        Transaction(
            *(new_id(), row.holder_id, row.programme, "steps.spendable", f"steps.spendable:{row.day}:{row.counted}"),
            transfers=(Transfer("steps.pending", "steps.available", row.counted - row.spendable),),
        )
        for row in rows
    ]
    for row in rows:
        row.spendable = row.counted
    tx.flush()
    ledger.post(tx, transactions, now=now)
    return len(rows)


def _days(tx: Session, holder_id: UUID, *, since: date) -> dict[date, StepDay]:
    query = select(StepDay).where(StepDay.holder_id == holder_id, StepDay.day >= since).order_by(StepDay.day)
    return {row.day: row for row in tx.scalars(query.with_for_update().execution_options(populate_existing=True))}


def _known(row: StepDay) -> Known:
    flag = row.flag if row.review == WAITING else None
    return Known(row.steps, row.counted, row.source, row.programme, flag, refused=row.review == REFUSED)


def _merged_with(tx: Session, holder_id: UUID) -> set[UUID]:
    """The other holders that are the same person; a day of theirs is a day of this one."""
    return set(identity.merging.holders_of(tx, identity.merging.person_of(tx, holder_id))) - {holder_id}


def _days_of_others(tx: Session, holder_ids: Collection[UUID], *, since: date) -> dict[date, Known]:
    """Days that count in another account of the same person."""
    if not holder_ids:
        return {}
    query = select(StepDay).where(StepDay.holder_id.in_(holder_ids), StepDay.day >= since)
    return {row.day: replace(_known(row), programme=_ANOTHER_ACCOUNT) for row in tx.scalars(query)}


def _alike(tx: Session, holder_ids: Collection[UUID], days: Collection[Reported]) -> dict[date, set[UUID]]:
    """Who else was reported with the very same count, by day."""
    asked = {(item.day, item.steps) for item in days if policy.is_count(item.steps) and item.steps >= policy.SAME_FROM}
    found: dict[date, set[UUID]] = defaultdict(set)
    if asked:
        given = recordset(tx, "given", {"day": Date(), "steps": Integer()}, sorted(asked))
        same = (StepDay.day == given.c.day) & (StepDay.steps == given.c.steps) & StepDay.holder_id.not_in(holder_ids)
        for row in tx.execute(select(StepDay.day, StepDay.holder_id).join(given, same).limit(10_000)):
            found[row.day].add(row.holder_id)
    return dict(found)


def _changes(row: StepDay | None, verdict: Verdict) -> bool:
    """Whether the day is to be written: a count that is nothing is not worth a row."""
    return verdict.steps > (row.steps if row is not None else 0)


def _write(
    tx: Session,
    holder_id: UUID,
    report: Report,
    rows: dict[date, StepDay],
    changed: Sequence[Verdict],
    now: datetime,
) -> None:
    spendable_from = policy.spendable_from(clock.day_of(now))
    made = []
    for verdict in changed:
        row = rows.get(verdict.day)
        reviewed = {"flag": row.flag, "review": row.review} if row is not None else {"flag": None, "review": None}
        row_of_day = {
            "holder_id": holder_id,
            "day": verdict.day,
            "programme": report.programme,
            "source": report.source,
            "steps": verdict.steps,
            "counted": verdict.counted,
            "spendable": row.spendable if row is not None else 0,
            "spendable_from": spendable_from,
            "reported_at": now,
        }
        made.append(row_of_day | reviewed | ({"flag": verdict.code, "review": WAITING} if verdict.withheld else {}))
    upsert_rows(tx, StepDay, made, key=("holder_id", "day"))
