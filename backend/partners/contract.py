"""The house event contract: what an event must look like, whoever sends it.

`{"type", "timestamp", "data": {"order_no", "revision", "user_ref", "occurred_at", "outcome", "items": […]}}`. The
envelope (everything but the contents of an item) is checked before the event is accepted; a line that cannot be counted
is refused on its own later, so that one bad line never costs the others.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from backend import clock
from backend.activities import CANCELLED, CORRECTED, ORIGINAL, WHOLE_ORDER
from backend.partners.errors import InvalidEnvelope
from backend.vault import Vault

ORDER_TYPES = frozenset(
    {
        *("device.traded_in", "device.recycled", "donation.received", "product.purchased", "trip.completed"),
        *("document.signed", "meeting.held", "bag.weighed"),
    }
)
RANKS = {"order.corrected": CORRECTED, "order.cancelled": CANCELLED}
TRIP = "trip.completed"

#: The most lines one event may have, and the highest revision of an order.
MAX_LINES, MAX_REVISION = 50, 1_000_000
#: Fields of a trip, of a purchase with one line, or of the claim, that may stand beside the items.
_TRIP_FIELDS = ("trip_id", "mode", "started_at", "ended_at", "distance_km", "steps", "riders", "consumption")
_CARPOOL_FIELDS = ("would_drive_km", "other_km", "pool_km", "people")
_LINE_FIELDS = (*_TRIP_FIELDS, *_CARPOOL_FIELDS, "certificate_no", "retired_kg", "claim")
_TEXT = re.compile(r"[^\x00-\x1f\x7f]{1,128}")
#: Between these lies every instant of an event.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """An event whose envelope is sound. `lines` maps a line number to what the event says about it, still unchecked.

    `order_type` is None for corrections and cancellations: their order knows. A cancellation of the whole order has the
    one line `*`.
    """

    type: str
    rank: int
    order_type: str | None
    order_no: str
    revision: int
    user_ref: str
    occurred_at: datetime
    outcome: str
    lines: Mapping[str, Mapping[str, Any]]


def read_event(value: Mapping[str, Any]) -> Event:
    """Read a decoded event. Raises InvalidEnvelope that names the field."""
    kind = _text(value, "type", "type")
    if kind not in ORDER_TYPES and kind not in RANKS:
        _refuse("type", "unknown type of event")
    _instant(value, "timestamp", "timestamp")
    data = value.get("data")
    if not isinstance(data, dict):
        _refuse("data", "an object is needed")
    return Event(
        type=kind,
        rank=RANKS.get(kind, ORIGINAL),
        order_type=kind if kind in ORDER_TYPES else None,
        order_no=_text(data, "order_no", "data.order_no"),
        revision=_revision(kind, data),
        user_ref=_text(data, "user_ref", "data.user_ref"),
        occurred_at=_instant(data, "occurred_at", "data.occurred_at"),
        outcome=_text(data, "outcome", "data.outcome") if "outcome" in data else "completed",
        lines=_lines(kind, data),
    )


def content_hash(vault: Vault, value: Mapping[str, Any]) -> bytes:
    """Stands for what an event says: blanks, the order of keys and a top-level `id` make no difference.

    A decimal and the text of it are the same, as they are to whoever reads the quantities of a line. Keyed: nobody can
    find the person out by trying names, and it stays when the body is erased.
    """
    said = {name: field for name, field in value.items() if name != "id"}
    return vault.index("event", json.dumps(said, sort_keys=True, default=str))


def _revision(kind: str, data: Mapping[str, Any]) -> int:
    """1 if left out; a cancellation that names no revision is final."""
    revision = data.get("revision", MAX_REVISION if kind == "order.cancelled" else 1)
    if type(revision) is not int or not 1 <= revision <= MAX_REVISION:
        _refuse("data.revision", f"a whole number from 1 to {MAX_REVISION} is needed")
    return revision


def _lines(kind: str, data: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    beside = {name: data[name] for name in _LINE_FIELDS if name in data}
    items = data.get("items")
    if items is None or items == []:
        if kind == "order.cancelled":
            return {WHOLE_ORDER: {}}
        if kind == TRIP or "mode" in beside:
            return {"1": beside}
        _refuse("data.items", "at least one line is needed")
    if not isinstance(items, list) or len(items) > MAX_LINES:
        _refuse("data.items", f"a list of at most {MAX_LINES} lines is needed")
    lines: dict[str, Mapping[str, Any]] = {}
    for position, item in enumerate(items):
        if not isinstance(item, dict):
            _refuse(f"data.items[{position}]", "an object is needed")
        line = _line_number(item, position)
        if line in lines or line == WHOLE_ORDER:
            _refuse(f"data.items[{position}].line", "line numbers must differ")
        lines[line] = beside | item
    return lines


def _line_number(item: Mapping[str, Any], position: int) -> str:
    line = item.get("line")
    if type(line) is int and 0 <= line <= MAX_REVISION:
        return str(line)
    if isinstance(line, str) and _TEXT.fullmatch(line):
        return line
    _refuse(f"data.items[{position}].line", "a line number is needed")


def _text(value: Mapping[str, Any], name: str, field: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not is_text(text):
        _refuse(field, "a text of 1 to 128 characters without control characters or outer blanks is needed")
    return text


def is_text(value: str) -> bool:
    """Whether it can stand in an envelope: 1 to 128 characters without control characters or outer blanks."""
    return _TEXT.fullmatch(value) is not None and value.strip() == value


def _instant(value: Mapping[str, Any], name: str, field: str) -> datetime:
    try:
        return read_instant(value.get(name))
    except ValueError as error:
        _refuse(field, str(error))


def read_instant(value: object) -> datetime:
    """An RFC 3339 instant between 2000 and 2100, in UTC. ValueError otherwise."""
    if not isinstance(value, str):
        raise ValueError("an RFC 3339 instant such as 2026-06-05T08:30:00+08:00 is needed")
    instant = clock.parse_instant(value)
    if not EARLIEST <= instant < LATEST:
        raise ValueError("the instant must lie between 2000 and 2100")
    return instant


def _refuse(field: str, problem: str) -> NoReturn:
    raise InvalidEnvelope(f"{field}: {problem}", field=field, problem=problem)
