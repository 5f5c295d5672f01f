"""From a line of a partner's event to the draft of an act: field by field, refusing what a formula must not see."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from backend.activities import KEPT_CLAIM, TRANSFERRED_CLAIM, ActRefused
from backend.partners.contract import Event, read_instant
from backend.settlement import Draft

_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,128}")

#: Outcomes that let an act count. What a partner calls otherwise, or has not finished, is refused.
COMPLETED = frozenset({"completed", "resold", "refurbished", "reused", "recycled", "received", "delivered"})


def number(value: object) -> str | int:
    """A JSON number, or a decimal text, as a formula input. Its size and sign are the methodology's to judge."""
    if type(value) is int:
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, str):
        return value
    raise ActRefused("NOT_A_NUMBER")


def numbers(line: Mapping[str, Any], *names: str) -> dict[str, str | int]:
    """Those of the named quantities that the line holds."""
    return {name: number(line[name]) for name in names if line.get(name) is not None}


def code(line: Mapping[str, Any], name: str) -> str | None:
    """A short machine word such as a category, lower case; None when the line has none."""
    value = line.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _CODE.fullmatch(value):
        raise ActRefused("INVALID_LINE", field=name)
    return value.lower()


def text(line: Mapping[str, Any], name: str) -> str | None:
    """A text such as a serial or a model; None when the line has none."""
    value = line.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise ActRefused("INVALID_LINE", field=name)
    return value


def require_completed(event: Event) -> None:
    """Credit follows the outcome, not the hand-over."""
    if event.outcome not in COMPLETED:
        raise ActRefused("NOT_COMPLETED", outcome=event.outcome)


def identity(partner: str, event: Event, line_number: str, line: Mapping[str, Any], *names: str) -> dict[str, str]:
    """What names the physical act: the order line, and those of the named texts that the line holds."""
    found = {"partner": partner, "order_no": event.order_no, "line": line_number}
    found.update({name: value for name in names if (value := text(line, name)) is not None})
    return found


def quantity(line: Mapping[str, Any]) -> str | int:
    """How many pieces; a serial stands for exactly one."""
    if line.get("serial") is not None:
        if line.get("quantity", 1) != 1:
            raise ActRefused("INVALID_LINE", field="quantity", problem="a serial means quantity 1")
        return 1
    if line.get("quantity") is None:
        raise ActRefused("MISSING_DATA", field="quantity")
    return number(line["quantity"])


def claim(line: Mapping[str, Any], day: date, keeps_claims_from: date | None) -> str:
    """Who books the reduction of the line: what it says, else what holds for the partner's acts of that day."""
    said = line.get("claim")
    if said is None:
        return KEPT_CLAIM if keeps_claims_from is not None and keeps_claims_from <= day else TRANSFERRED_CLAIM
    if said not in (TRANSFERRED_CLAIM, KEPT_CLAIM):
        raise ActRefused("INVALID_LINE", field="claim")
    return str(said)


def draft(
    event: Event,
    methodology: str,
    data: Mapping[str, str | int],
    named: Mapping[str, str],
    *,
    return_days: int = 0,
) -> Draft:
    """An act at the event's instant. What a partner signed is evidence of grade E3."""
    return Draft(methodology, data, named, event.occurred_at, "E3", return_days)


def trip(
    event: Event, methodology: str, line: Mapping[str, Any], named: Mapping[str, str], quantities: Sequence[str]
) -> Draft:
    """A trip with its time window and what was measured of it; the day it began is its day."""
    try:
        started_at, ended_at = read_instant(line.get("started_at")), read_instant(line.get("ended_at"))
    except ValueError as error:
        raise ActRefused("INVALID_LINE", field="started_at, ended_at", problem=str(error)) from None
    if ended_at <= started_at:
        raise ActRefused("INVALID_LINE", field="ended_at", problem="a trip ends after it began")
    data = numbers(line, *quantities) | {"duration_s": int((ended_at - started_at).total_seconds())}
    return Draft(methodology, data, named, started_at, "E3", 0, started_at, ended_at)


#: Makes the draft of one line of one kind of order at one partner.
Translator = Callable[[str, Event, str, Mapping[str, Any], int], Draft]
