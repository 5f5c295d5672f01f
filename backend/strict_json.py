"""JSON as strangers may send it, read so that two readers can never disagree about what it says.

The standard parser takes much that is not JSON or that different programs read differently (NaN, repeated
keys, lone surrogates, 1e400, endless nesting). Here RFC 8259 is read with the restrictions of RFC 7493
(I-JSON), and numbers stay exact: `int` or `Decimal`, never `float`.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from json.encoder import encode_basestring
from operator import itemgetter
from typing import NoReturn

from backend.errors import Refusal

MAX_BYTES = 65_536
MAX_DEPTH = 32
# RFC 7493 §2.2: beyond this, programs that read numbers as doubles get another number. Long numbers are
# texts.
MAX_NUMBER = 2**53 - 1
MAX_DIGITS = 30

JsonValue = None | bool | int | Decimal | str | list["JsonValue"] | dict[str, "JsonValue"]

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# An escape that may stand for NUL or half a surrogate pair; whether it does is seen in the parsed value.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_FORBIDDEN_CHARACTER = re.compile("[\0\ud800-\udfff]")


class BodyTooLarge(Refusal):
    """The body has more bytes than this place accepts."""

    code = "BODY_TOO_LARGE"
    status = 413
    title = "请求体过大 / The body is too large"


class InvalidJson(Refusal):
    """The body is not JSON, or JSON that programs read differently."""

    code = "INVALID_JSON"
    status = 400
    title = "JSON 格式不正确 / The body is not valid JSON"


class DuplicateKey(InvalidJson):
    """An object names the same key twice."""

    code = "DUPLICATE_KEY"
    title = "JSON 中有重复的键 / An object names a key twice"


class TooDeep(InvalidJson):
    """Arrays and objects are nested deeper than this place accepts."""

    code = "JSON_TOO_DEEP"
    title = "JSON 嵌套过深 / The JSON is nested too deeply"


class NumberOutOfRange(InvalidJson):
    """A number larger, smaller or longer than every program reads alike."""

    code = "JSON_NUMBER_OUT_OF_RANGE"
    title = "JSON 数字超出范围 / A number is out of range"


class NotAnObject(InvalidJson):
    """The body is JSON, but an object was expected."""

    code = "JSON_NOT_AN_OBJECT"
    title = "JSON 应为对象 / The body must be a JSON object"


def loads(
    body: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, wide_integers: bool = False
) -> JsonValue:
    """The value a body stands for.

    UTF-8 without a byte order mark; no NUL and no lone surrogates in texts, no repeated keys, no NaN or
    Infinity. Numbers lie within ±(2**53 − 1) and have at most 30 significant digits and 30 decimals: int, or
    Decimal where a fraction or an exponent is written. `wide_integers`: int up to 64 bits as well, where the other
    side writes identifiers as numbers. Raises BodyTooLarge or InvalidJson (DuplicateKey, TooDeep, NumberOutOfRange).
    """
    if len(body) > max_bytes:
        raise BodyTooLarge(f"at most {max_bytes} bytes", max_bytes=max_bytes)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"not UTF-8 at byte {error.start}") from None
    _refuse_depth(body, max_depth)
    try:
        value: JsonValue = (_WIDE_DECODER if wide_integers else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        raise InvalidJson(f"{error.msg} at line {error.lineno} column {error.colno}") from None
    if _SUSPECT_ESCAPE.search(text) and any(map(_FORBIDDEN_CHARACTER.search, _texts(value))):
        raise InvalidJson("a text holds NUL or half a surrogate pair")
    return value


def loads_object(
    body: bytes, *, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH, wide_integers: bool = False
) -> dict[str, JsonValue]:
    """As `loads`, for a body whose top level must be an object; raises NotAnObject otherwise."""
    value = loads(body, max_bytes=max_bytes, max_depth=max_depth, wide_integers=wide_integers)
    if not isinstance(value, dict):
        raise NotAnObject()
    return value


def canonical(value: JsonValue) -> str:
    """The one text of a value: keys sorted by code point, no spaces, characters unescaped where JSON allows.

    Decimals keep the digits they were written with (1.50 is not 1.5), and `loads(canonical(v).encode()) ==
    v`. TypeError for a float or anything else that is not JSON; ValueError for NaN, Infinity and lone
    surrogates.
    """
    parts: list[str] = []
    _write(value, parts.append)
    text = "".join(parts)
    text.encode("utf-8")  # a lone surrogate has no bytes: UnicodeEncodeError is a ValueError
    return text


def _refuse_depth(body: bytes, max_depth: int) -> None:
    """Count brackets before parsing, so that the parser never recurses further than it should.

    Without escapes, every second piece between quotes lies outside texts. Where that is not so the body is no
    JSON, and the parser stops there: up to its first fault every body is counted right.
    """
    if body.count(b"{") + body.count(b"[") <= max_depth:
        return
    outside_texts = b"".join(_ESCAPE.sub(b"", body).split(b'"')[::2])
    depth = 0
    for bracket in outside_texts.translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"{[" else -1
        if depth > max_depth:
            raise TooDeep(f"at most {max_depth} levels", max_depth=max_depth)


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise DuplicateKey(f"the key {twice[:40]!a} appears more than once")
    return found


def _integer(text: str) -> int:
    # 17 characters hold every number in range with its sign; longer ones are not even converted.
    number = int(text) if len(text) <= 17 else MAX_NUMBER + 1
    if abs(number) > MAX_NUMBER:
        raise NumberOutOfRange("integers lie within ±(2**53 − 1)")
    return number


def _wide_integer(text: str) -> int:
    number = int(text) if len(text) <= 20 else 2**63
    if abs(number) >= 2**63:
        raise NumberOutOfRange("integers have 64 bits at most")
    return number


def _decimal(text: str) -> Decimal:
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 4 or len(mantissa) > 2 * MAX_DIGITS:
        raise NumberOutOfRange(f"numbers have at most {MAX_DIGITS} digits")
    number = Decimal(text)
    _, digits, places = number.as_tuple()
    if len(digits) > MAX_DIGITS or abs(int(places)) > MAX_DIGITS or abs(number) > MAX_NUMBER:
        raise NumberOutOfRange(f"numbers have at most {MAX_DIGITS} digits and lie within ±(2**53 − 1)")
    return number


def _constant(text: str) -> NoReturn:
    raise InvalidJson(f"{text} is not JSON")


_DECODER, _WIDE_DECODER = (
    json.JSONDecoder(object_pairs_hook=_object, parse_int=integer, parse_float=_decimal, parse_constant=_constant)
    for integer in (_integer, _wide_integer)
)


def _texts(value: JsonValue) -> Iterator[str]:
    """Every text in a value, keys included."""
    open_values: list[JsonValue] = [value]
    while open_values:
        match open_values.pop():
            case str(text):
                yield text
            case list(items):
                open_values.extend(items)
            case dict(members):
                yield from members
                open_values.extend(members.values())


def _write(value: JsonValue, put: Callable[[str], None]) -> None:
    if isinstance(value, str):
        put(encode_basestring(value))
    elif value is None or isinstance(value, bool):
        put("null" if value is None else "true" if value else "false")
    elif isinstance(value, int):
        put(int.__repr__(value))
    elif isinstance(value, Decimal):
        put(_decimal_text(value))
    elif isinstance(value, list):
        put("[")
        for number, item in enumerate(value):
            put("," if number else "")
            _write(item, put)
        put("]")
    elif isinstance(value, dict):
        put("{")
        for number, (key, member) in enumerate(sorted(value.items(), key=itemgetter(0))):
            put(("," if number else "") + encode_basestring(key) + ":")
            _write(member, put)
        put("}")
    else:
        raise TypeError(f"{type(value).__name__} has no canonical JSON")


def _decimal_text(number: Decimal) -> str:
    if not number.is_finite():
        raise ValueError("JSON knows only finite numbers")
    return str(number)
