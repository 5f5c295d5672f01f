"""Pages of a list, newest first, with opaque signed cursors.

A cursor is base64url(position ‖ mac): the id of the last item shown, and 16 bytes of HMAC-SHA256 over the position and
what the cursor is bound to (the list, its member, its filters). It is good for nothing else, and tells nobody anything.
"""

import base64
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields, validate

from backend.errors import Refusal
from miniprogram_api.caller import house, member
from miniprogram_api.fields import CODE, QueryNumber, text

_CURSOR = re.compile(r"[0-9A-Za-z_-]{43}")
_MAC_BYTES = 16


class InvalidCursor(Refusal):
    """The cursor is not one of ours, or was made for another list, member or filter."""

    code = "INVALID_CURSOR"
    status = 400
    title = "翻页游标无效，请从第一页开始 / The cursor is not valid, please start over"


class PageQuery(Schema):
    """Which page of a list."""

    programme = text(64, CODE, metadata={"description": "only this programme"})
    cursor = fields.String(metadata={"description": "`next_cursor` of the page before; good for the same filter only"})
    limit = QueryNumber(load_default=20, validate=validate.Range(1, 100))


def position(query: dict[str, Any], *bound_to: str) -> UUID | None:
    """The id after which the asked page begins, None for the first page. Raises InvalidCursor."""
    cursor = query.get("cursor")
    if cursor is None:
        return None
    if not _CURSOR.fullmatch(cursor):
        raise InvalidCursor
    raw = base64.urlsafe_b64decode(cursor + "=")
    found, mac = raw[:16], raw[16:]
    if _text(raw) != cursor or not any(hmac.compare_digest(one, mac) for one in _macs(found, bound_to)):
        raise InvalidCursor
    return UUID(bytes=found)


def one_more(query: dict[str, Any]) -> int:
    """How many items to ask for: one more than are shown tells whether there is another page."""
    limit: int = query["limit"]
    return limit + 1


def page(items: Sequence[Any], query: dict[str, Any], id_of: Callable[[Any], UUID], *bound_to: str) -> dict[str, Any]:
    """A page of `items`, of which `one_more` were asked for."""
    shown = items[: query["limit"]]
    cursor = None
    if len(items) > len(shown):
        last = id_of(shown[-1]).bytes
        cursor = _text(last + _macs(last, bound_to)[0])
    return {"items": shown, "next_cursor": cursor}


def _macs(found: bytes, bound_to: Sequence[str]) -> list[bytes]:
    """The mac under each token key: the first signs, all are good while keys rotate."""
    parts = [str(member().holder_id), *bound_to]
    said = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts) + found
    keys = (hmac.digest(key, b"carbon-inclusion:cursor", "sha256") for key in house().settings.token_keys)
    return [hmac.digest(key, said, "sha256")[:_MAC_BYTES] for key in keys]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")
