"""Fields that read strictly: what marshmallow would bend into shape is refused here."""

import re
from datetime import date
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from backend import clock

#: What a text may hold: no control characters.
PLAIN = r"^[^\x00-\x1f\x7f-\x9f]+$"
#: Codes of programmes, partners, methodologies.
CODE = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGITS = re.compile(r"[0-9]{1,9}")


class WholeMatch(validate.Regexp):
    """As Regexp, but the whole text must match: `$` alone lets a final line feed through."""

    def __call__(self, value: Any) -> Any:
        if not self.regex.fullmatch(value):
            raise ValidationError(self._format_error(value))
        return value


def text(longest: int, pattern: str = PLAIN, **options: Any) -> fields.String:
    """A text of 1 to `longest` characters."""
    return fields.String(validate=[validate.Length(1, longest), WholeMatch(pattern)], **options)


class Flag(fields.Boolean):
    """true or false, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise self.make_error("invalid", input=value)


class QueryNumber(fields.Integer):
    """A whole number in a query string: ASCII digits only."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise self.make_error("invalid", input=value)
        return int(value)


class Day(fields.Date):
    """A calendar day, YYYY-MM-DD and nothing shorter or longer."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        day: date = super()._deserialize(value, attr, data)
        return day


class Instant(fields.AwareDateTime):
    """An instant on its way out: UTC, to the second."""

    def _serialize(self, value: Any, attr: Any, obj: Any, **_: Any) -> str | None:
        return None if value is None else clock.iso(value)


class BilingualSchema(Schema):
    """A text in Chinese and English."""

    zh = fields.String(required=True)
    en = fields.String(required=True)


def bilingual(**options: Any) -> fields.Nested:
    """A text in Chinese and English."""
    return fields.Nested(BilingualSchema, required=True, **options)
