"""One row of a partner's daily list: what it may say, and what makes it a bad row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from backend import clock
from backend.activities import WHOLE_ORDER
from backend.partners.contract import MAX_REVISION, ORDER_TYPES, RANKS, read_instant

COMPLETED, CANCELLED = "completed", "cancelled"
FIELDS = (
    *("event_id", "order_no", "line", "type", "revision", "status", "occurred_at"),
    *("reduction_g", "points", "quantity", "weight_kg"),
)
REQUIRED = ("status", "occurred_at")
_TYPES = ORDER_TYPES | RANKS.keys()
_TEXT = re.compile(r"[^\x00-\x20\x7f](?:[^\x00-\x1f\x7f]{0,126}[^\x00-\x20\x7f])?")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,9})?")


class BadRow(Exception):
    """A row that cannot be used; `code` says why, `field` where. It never repeats what the field held."""

    def __init__(self, code: str, field: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class ListedRow:
    """How one order line stands with the partner. Quantities are decimal texts, as they were written."""

    position: int
    order_no: str | None
    event_id: str | None
    line: str
    type: str | None
    revision: int | None
    status: str
    occurred_at: datetime
    reduction_g: int | None = None
    points: int | None = None
    quantity: str | None = None
    weight_kg: str | None = None

    @property
    def key(self) -> str:
        """What the row is about, apart from the line."""
        return f"o:{self.order_no}" if self.order_no is not None else f"e:{self.event_id}"

    def facts(self) -> dict[str, Any]:
        """What the row says, as it is kept and shown; what it leaves out is left out."""
        said = {name: getattr(self, name) for name in FIELDS}
        said["occurred_at"] = clock.iso(self.occurred_at)
        return {name: value for name, value in said.items() if value is not None}


def read_row(position: int, fields: Mapping[str, Any], day: date) -> ListedRow:
    """Read the fields of one row, texts or JSON values; an empty text is no value. Raises BadRow.

    `line` is 1 if left out; `*`, the whole order, may only be cancelled.
    """
    order_no, event_id = _text(fields, "order_no"), _text(fields, "event_id")
    if order_no is None and event_id is None:
        raise BadRow("MISSING_FIELD", "order_no")
    status = fields.get("status")
    if status not in (COMPLETED, CANCELLED):
        raise BadRow("INVALID_FIELD" if status else "MISSING_FIELD", "status")
    line = _line(fields)
    if line == WHOLE_ORDER and status != CANCELLED:
        raise BadRow("INVALID_FIELD", "line")
    kind = _text(fields, "type")
    if kind is not None and kind not in _TYPES:
        raise BadRow("INVALID_FIELD", "type")
    revision = _whole(fields, "revision")
    if revision is not None and not 1 <= revision <= MAX_REVISION:
        raise BadRow("INVALID_FIELD", "revision")
    return ListedRow(
        *(position, order_no, event_id, line, kind, revision, str(status), _instant(fields, day)),
        *(_whole(fields, "reduction_g"), _whole(fields, "points")),
        *(_decimal(fields, "quantity"), _decimal(fields, "weight_kg")),
    )


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise BadRow("INVALID_FIELD", name)
    return value


def _line(fields: Mapping[str, Any]) -> str:
    """A text or, in JSON, a whole number, as in events."""
    value = fields.get("line")
    if type(value) is int and 0 <= value <= MAX_REVISION:
        return str(value)
    return _text(fields, "line") or "1"


def _whole(fields: Mapping[str, Any], name: str) -> int | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise BadRow("INVALID_FIELD", name)
    return int(text)


def _decimal(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is None or value == "":
        return None
    text = format(value, "f") if type(value) in (int, Decimal) else value
    if not isinstance(text, str) or not _DECIMAL.fullmatch(text):
        raise BadRow("INVALID_FIELD", name)
    return text


def _instant(fields: Mapping[str, Any], day: date) -> datetime:
    value = fields.get("occurred_at")
    if not value:
        raise BadRow("MISSING_FIELD", "occurred_at")
    try:
        instant = read_instant(value)
    except ValueError:
        raise BadRow("INVALID_FIELD", "occurred_at") from None
    if clock.day_of(instant) != day:
        raise BadRow("OTHER_DAY", "occurred_at")
    return instant
