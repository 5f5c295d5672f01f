"""Electricity that classes saved: readings of meters by calendar month, and what follows from them.

A class is credited its share of what a meter counted less than in the same month of the two or three years before. A
reading that is corrected corrects every month that rests on it. Of a building either its own meter counts, shared out
among classes, or meters of single classes, never both.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from sqlalchemy import Text, delete, select
from sqlalchemy.orm import Session

from backend import activities, clock, identity, settlement
from backend.activities import StandingLine
from backend.ids import new_id
from backend.lists import recordset, upsert_rows
from backend.school.meter_rows import MeterMonth
from backend.school.models import MeterReading, MeterShare
from backend.settlement import Draft, Outcome, Statement
from backend.vault import Vault

SOURCE = "house:meter"
#: A month is compared with the same month of so many years before it: the nearest, and at least two of them.
YEARS, FEWEST_YEARS = 3, 2
_BATCH = 200

Key = tuple[str, str]  # meter, period


@dataclass(frozen=True, slots=True)
class Credit:
    """What became of one class's share of one reading."""

    meter: str
    period: str
    class_code: str
    status: str
    code: str | None
    reduction_g: int


def apply(tx: Session, vault: Vault, programme: str, months: Sequence[MeterMonth], *, now: datetime) -> list[Credit]:
    """Store readings and settle every month that changes by them; what says the same again changes nothing."""
    for month in months:
        _store(tx, programme, month, now)
    affected = {(month.meter, later) for month in months for later in _resting_on(month.period)}
    credits: list[Credit] = []
    ordered = sorted(affected)
    for start in range(0, len(ordered), _BATCH):
        credits += _settle(tx, vault, programme, ordered[start : start + _BATCH], now)
    return credits


def stored_shares(tx: Session, programme: str, months: Sequence[MeterMonth]) -> dict[tuple[str, str], set[str]]:
    """(building, period) → meters with shares that are stored for it already, for these months."""
    periods = sorted({month.period for month in months})
    given = recordset(tx, "given", {"period": Text()}, [(period,) for period in periods])
    reading, share = MeterReading, MeterShare
    same = (share.programme == reading.programme) & (share.meter == reading.meter) & (share.period == reading.period)
    query = select(reading.building, reading.period, reading.meter).join(share, same)
    query = query.join(given, given.c.period == reading.period).where(reading.programme == programme).distinct()
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in tx.execute(query):
        found[row.building, row.period].add(row.meter)
    return found


def stored_whole(tx: Session, programme: str, keys: Collection[Key]) -> set[Key]:
    """Those of these readings that are stored as shared out among classes: meters of a whole building."""
    given = recordset(tx, "given", {"meter": Text(), "period": Text()}, sorted(keys))
    query = select(MeterShare.meter, MeterShare.period).join(
        given, (given.c.meter == MeterShare.meter) & (given.c.period == MeterShare.period)
    )
    return {
        (r.meter, r.period) for r in tx.execute(query.where(MeterShare.programme == programme, MeterShare.share != "1"))
    }


def _store(tx: Session, programme: str, month: MeterMonth, now: datetime) -> None:
    key = {"programme": programme, "meter": month.meter, "period": month.period}
    row = key | {"building": month.building, "kwh": month.kwh, "school_days": month.school_days, "imported_at": now}
    upsert_rows(tx, MeterReading, [row], key=("programme", "meter", "period"))
    mine = (MeterShare.programme == programme, MeterShare.meter == month.meter, MeterShare.period == month.period)
    tx.execute(delete(MeterShare).where(*mine).execution_options(synchronize_session=False))
    shares = [key | {"class_code": code, "share": share} for code, share in sorted(month.shares.items())]
    upsert_rows(tx, MeterShare, shares, key=("programme", "meter", "period", "class_code"))


def _resting_on(period: str) -> list[str]:
    """The month itself, and the same month of the years whose baseline it is in."""
    year, month = int(period[:4]), period[5:]
    return [f"{year + later}-{month}" for later in range(YEARS + 1)]


def _settle(tx: Session, vault: Vault, programme: str, keys: Sequence[Key], now: datetime) -> list[Credit]:
    wanted = {(meter, f"{int(period[:4]) - back}{period[4:]}") for meter, period in keys for back in range(YEARS + 1)}
    readings, shares = _readings(tx, programme, wanted), _shares(tx, programme, keys)
    orders = {key: f"{programme}:{key[0]}:{key[1]}" for key in keys}
    standing = activities.standing_lines(tx, SOURCE, list(orders.values()))
    receivers = _receivers(tx, vault, programme, shares)
    statements: list[Statement] = []
    told: list[tuple[str, str, str]] = []
    for key in keys:
        before = {line.line: line for line in standing.get(orders[key], [])}
        facts = _facts(readings, key) if key in readings else None
        for code in sorted({*shares.get(key, {}), *before}):
            share = shares.get(key, {}).get(code)
            draft = None if facts is None or share is None else _draft(programme, key, code, facts, share)
            statement = _next(orders[key], code, draft, before.get(code), receivers.get((code, key[1])), now)
            if statement is not None:
                statements.append(statement)
                told.append((*key, code))
    outcomes = settlement.settle(tx, vault, statements, now=now) if statements else []
    return [_credit(names, outcome) for names, outcome in zip(told, outcomes, strict=True)] + [
        Credit(*key, code, "refused", "NO_BASELINE", 0)
        for key in keys
        if key in readings and _facts(readings, key) is None
        for code in shares.get(key, {})
    ]


def _credit(names: tuple[str, str, str], outcome: Outcome) -> Credit:
    return Credit(*names, outcome.status, outcome.code, outcome.reduction_g)


def _readings(tx: Session, programme: str, keys: Collection[Key]) -> dict[Key, MeterReading]:
    given = recordset(tx, "given", {"meter": Text(), "period": Text()}, sorted(keys))
    same = (given.c.meter == MeterReading.meter) & (given.c.period == MeterReading.period)
    query = select(MeterReading).join(given, same).where(MeterReading.programme == programme)
    found = tx.scalars(query.execution_options(populate_existing=True))
    return {(row.meter, row.period): row for row in found}


def _shares(tx: Session, programme: str, keys: Collection[Key]) -> dict[Key, dict[str, str]]:
    given = recordset(tx, "given", {"meter": Text(), "period": Text()}, sorted(keys))
    same = (given.c.meter == MeterShare.meter) & (given.c.period == MeterShare.period)
    columns = (MeterShare.meter, MeterShare.period, MeterShare.class_code, MeterShare.share)
    found: dict[Key, dict[str, str]] = defaultdict(dict)
    for row in tx.execute(select(*columns).join(given, same).where(MeterShare.programme == programme)):
        found[row.meter, row.period][row.class_code] = row.share
    return found


def _receivers(
    tx: Session, vault: Vault, programme: str, shares: Mapping[Key, Mapping[str, str]]
) -> dict[tuple[str, str], identity.Receiver]:
    """Class code and period → the account the code names on the last day of the period."""
    asked = {
        (code, period): (programme, identity.agreements.reference_index(vault, programme, code), last_day_of(period))
        for (_, period), codes in shares.items()
        for code in codes
    }
    found = identity.agreements.referred_receivers(tx, set(asked.values()))
    return {key: found[referred] for key, referred in asked.items() if referred in found}


def last_day_of(period: str) -> date:
    """The last day of a month YYYY-MM."""
    year, month = int(period[:4]), int(period[5:])
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _facts(readings: Mapping[Key, MeterReading], key: Key) -> dict[str, str] | None:
    """What the formula reads of a month, the shares apart; None without two earlier years.

    Means are cut downwards, so that nothing is credited that the readings do not say.
    """
    meter, period = key
    earlier = [readings.get((meter, f"{int(period[:4]) - back}{period[4:]}")) for back in range(1, YEARS + 1)]
    before = [one for one in earlier if one is not None]
    if len(before) < FEWEST_YEARS:
        return None
    facts = {
        "baseline_kwh": _cut(sum((Fraction(one.kwh) for one in before), Fraction(0)) / len(before), 3),
        "actual_kwh": readings[key].kwh,
    }
    taught = [one.school_days for one in before]
    own = readings[key].school_days
    if own and all(taught):
        facts["calendar_ratio"] = _cut(Fraction(own * len(taught), sum(days for days in taught if days)), 6)
    return facts


def _cut(value: Fraction, digits: int) -> str:
    """Decimal text with so many digits, cut downwards."""
    whole, rest = divmod(int(value * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}}".rstrip("0").rstrip(".")


def _draft(programme: str, key: Key, code: str, facts: Mapping[str, str], share: str) -> Draft:
    meter, period = key
    data = dict(facts) if share == "1" else {**facts, "share": share}
    named = {"meter": f"{programme}/{meter}", "period": period, "line": code}
    return Draft("class_electricity", data, named, clock.start_of_day_after(last_day_of(period), 0), "E3")


def _next(
    order_no: str, code: str, draft: Draft | None, before: StandingLine | None, receiver: Any, now: datetime
) -> Statement | None:
    """The statement that makes a line what it should be; None where it is so already, or an operator took it back."""
    if draft is None and (before is None or before.status not in activities.STANDING):
        return None
    if before is not None and before.status == activities.TAKEN_BACK:
        return None
    if draft is not None and before is not None and before.data == dict(draft.data):
        return None
    rank = activities.ORIGINAL if before is None else activities.CORRECTED
    said = [order_no, code, None if draft is None else dict(draft.data)]
    return Statement(
        source_id=new_id(),
        partner=SOURCE,
        order_no=order_no,
        line=code,
        revision=1 if before is None else before.revision + 1,
        rank=activities.CANCELLED if draft is None else rank,
        order_type="meter.read" if before is None else None,
        receiver=receiver,
        content_hash=hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest(),
        evidence=json.dumps({"source": "meter import", "received_at": clock.iso(now)}, sort_keys=True),
        translate=None if draft is None else (lambda _: draft),
        rests_on=activities.AGREEMENT,
    )
