"""Strict JSON: what every program reads alike is read exactly, everything else is refused by name."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend import strict_json
from backend.errors import Refusal
from backend.strict_json import (
    BodyTooLarge,
    DuplicateKey,
    InvalidJson,
    NotAnObject,
    NumberOutOfRange,
    TooDeep,
    canonical,
    loads,
    loads_object,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NUMBERS = st.integers(-(2**53 - 1), 2**53 - 1) | st.decimals(
    min_value=-(10**12), max_value=10**12, places=3, allow_nan=False, allow_infinity=False
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"[]", []),
        (b" \t\r\n{} \n", {}),
        (b'{"a": [1, -2, true, false, null, "x"]}', {"a": [1, -2, True, False, None, "x"]}),
        ('{"种类": "手机"}'.encode(), {"种类": "手机"}),
        (b'"\\u624b\\u673a \\ud83d\\ude00 \\n \\/ \\""', '手机 😀 \n / "'),
        (b'"\\\\u0000 \\\\ud800"', "\\u0000 \\ud800"),
        (b'"\xf4\x8f\xbf\xbf\xef\xbf\xbe"', "\U0010ffff￾"),
        (b"9007199254740991", 2**53 - 1),
        (b"-9007199254740991", -(2**53 - 1)),
        (b"-0", 0),
        (b"0.240", Decimal("0.240")),
        (b"1.0E-4", Decimal("0.00010")),
        (b"1.2345678E7", Decimal("12345678")),
        (b"1e3", Decimal(1000)),
        (b"0e0", Decimal(0)),
        (b"0.123456789012345678901234567891", Decimal("0.123456789012345678901234567891")),
        (b"1E-30", Decimal("1E-30")),
    ],
)
def test_what_is_read(body: bytes, value: object) -> None:
    read = loads(body)
    assert read == value
    assert type(read) is type(value)


def test_decimals_keep_their_digits() -> None:
    assert str(loads(b"1.50")) == "1.50"
    assert canonical(loads(b"[1.50, 1.5, 1e2, 0.10E-2]")) == "[1.50,1.5,1E+2,0.0010]"


INVALID: list[bytes] = [
    *(
        b"",
        b" ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"nul",
        b"True",
        b"undefined",
        b"'a'",
        b"a",
        b"{}{}",
        b"{} x",
        b"[1,]",
        b"[,1]",
    ),
    *(
        b'{"a":1,}',
        b'{"a"}',
        b'{"a":}',
        b"{a:1}",
        b"{1:1}",
        b"{'a':1}",
        b'{"a":1 "b":2}',
        b"[1 2]",
        b"[1}",
        b'{"a":1]',
    ),
    *(
        b"01",
        b"-",
        b"+1",
        b"1.",
        b".5",
        b"-.5",
        b"1.e1",
        b"1e",
        b"1e+",
        b"0x1",
        b"1_000",
        b"--1",
        b"-01",
        b"1,000",
        b"0b1",
    ),
    *(
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"[NaN]",
        b'{"a":-Infinity}',
        b"nan",
        b"inf",
        "１２".encode(),
        "٣".encode(),
    ),
    *(
        b'"',
        b'"a',
        b'"\\',
        b'"\\x41"',
        b'"\\u12"',
        b'"\\u+123"',
        b'"\\u 123"',
        b'"\t"',
        b'"\n"',
        b'"\x00"',
        b'"\x1f"',
    ),
    *(
        b'"\\u0000"',
        b'{"\\u0000":1}',
        b'{"a":{"b":["\\u0000"]}}',
        b'"\\ud800"',
        b'"\\udc00"',
        b'{"\\udfff":1}',
        b"\x00",
    ),
    *(
        b'"\\udc00\\ud800"',
        b'"\\uD83Dx"',
        b'["ok","\\ud83d\\u0041"]',
        b'"\\ud83d"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\xc0\x80"',
    ),
    *(
        b'"\xf5\x80\x80\x80"',
        b'"\xe4\xb8"',
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        "{}".encode("utf-32-le"),
        b"{\x00}\x00",
    ),
    *(
        '{"种类": 1}'.encode("gbk"),
        b"/* */ {}",
        b"{} // x",
        b"# x\n{}",
        b"\xa0{}",
        b"\x0b{}",
        "\u2028{}".encode(),
    ),
]


@pytest.mark.parametrize("body", INVALID)
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(InvalidJson) as refused:
        loads(body)
    assert (refused.value.status, refused.value.code) == (400, "INVALID_JSON")
    refused.value.detail.encode()


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"9007199254740992",
            b"-9007199254740992",
            b"1" * 5000,
            b"-" + b"9" * 40,
            b"1e400",
            b"1e16",
            b"-1e308",
        ),
        *(
            b"1E999999999999999999999",
            b"1E-999999999999999999999",
            b"1e-31",
            b"1e-400",
            b"0e400",
            b"9007199254740992.0",
        ),
        *(b"0." + b"1" * 31, b"1." + b"0" * 31, b"0." + b"0" * 40000, b"[1, 2, 1e99]", b"1e+0000000000001"),
    ],
)
def test_numbers_that_are_not_read_alike(body: bytes) -> None:
    with pytest.raises(NumberOutOfRange) as refused:
        loads(body)
    assert (refused.value.status, refused.value.code) == (400, "JSON_NUMBER_OUT_OF_RANGE")


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":2,"\\u0061":3}',
        b'[{"x":{"a":1,"a":2}}]',
        b'{"":1,"":2}',
        b'{"\\ud800":1,"\\ud800":2}',
        b'{"' + b"k" * 5000 + b'":1,"' + b"k" * 5000 + b'":1}',
    ],
)
def test_repeated_keys(body: bytes) -> None:
    with pytest.raises(DuplicateKey) as refused:
        loads(body)
    assert (refused.value.status, refused.value.code) == (400, "DUPLICATE_KEY")
    assert len(refused.value.detail.encode("ascii")) < 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 33 + b"]" * 33,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b"[" * 65_000,
        b'{"a":' * 10_000,
        b"[{" * 30_000,
        b'["\\"]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",' + b"[" * 40 + b"]" * 41,
        b'["\\\\",' + b"[" * 40 + b"]" * 41,
    ],
)
def test_depth(body: bytes) -> None:
    with pytest.raises(TooDeep) as refused:
        loads(body)
    assert (refused.value.status, refused.value.code) == (400, "JSON_TOO_DEEP")


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 32 + b"]" * 32,
        b'["' + b"[" * 60_000 + b'"]',
        b'["\\"' + b"[{" * 1000 + b'\\\\"]',
        b"[" + b",".join([b"[]"] * 1000) + b"]",
        b"[" + b",".join([b'{"k[":"v]{"}'] * 1000) + b"]",
    ],
)
def test_brackets_that_do_not_nest_too_deeply(body: bytes) -> None:
    assert loads(body) == json.loads(body)


def test_depth_is_the_callers_choice() -> None:
    assert loads(b'{"a":1}', max_depth=1) == {"a": 1}
    with pytest.raises(TooDeep):
        loads(b'{"a":[]}', max_depth=1)


def test_size() -> None:
    body = b'"' + b"x" * 65_534 + b'"'
    assert len(body) == strict_json.MAX_BYTES
    loads(body)
    with pytest.raises(BodyTooLarge) as refused:
        loads(body + b" ")
    assert (refused.value.status, refused.value.code) == (413, "BODY_TOO_LARGE")
    loads(body + b" ", max_bytes=65_537)


def test_objects_where_asked() -> None:
    assert loads_object(b'{"a":1}') == {"a": 1}
    for body in (b"[]", b"null", b"1", b'"{}"', b"true"):
        with pytest.raises(NotAnObject) as refused:
            loads_object(body)
        assert (refused.value.status, refused.value.code) == (400, "JSON_NOT_AN_OBJECT")


@given(st.binary() | st.text().map(str.encode) | st.text('{}[]",:\\u0dD8e1.-+ntrf ').map(str.encode))
@example(b'{"' * 5000)
def test_nothing_but_a_refusal_ever_leaves(body: bytes) -> None:
    try:
        value = loads(body)
    except Refusal as refusal:
        assert 400 <= refusal.status < 500
        refusal.detail.encode()
    else:
        assert loads(canonical(value).encode()) == value


@given(st.text('{}[]",:\\/x1 ').map(str.encode), st.integers(1, 5))
def test_depth_is_counted_as_a_parser_counts_it(body: bytes, max_depth: int) -> None:
    def depth(value: object) -> int:
        if isinstance(value, dict):
            return 1 + max(map(depth, value.values()), default=0)
        return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0

    try:
        expected = depth(loads(body)) > max_depth
    except Refusal:
        return
    try:
        loads(body, max_depth=max_depth)
    except TooDeep:
        assert expected
    else:
        assert not expected


@given(VALUES)
def test_canonical_text_reads_back(value: Any) -> None:
    text = canonical(value)
    read = loads(text.encode(), max_depth=200)
    assert read == value
    assert canonical(read) == text


@given(VALUES)
def test_canonical_agrees_with_the_standard_writer(value: Any) -> None:
    """Where there is no Decimal (which the standard writer does not know) the texts are the same."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(member) for key, member in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return int(value) if isinstance(value, Decimal) else value

    value = plain(value)
    expected = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert canonical(value) == expected


def test_canonical_example() -> None:
    value = loads('{"b":[1,2.50,null,true],"a":{"重量":"\\u624b\\n","A":-0.0}}'.encode())
    assert canonical(value) == '{"a":{"A":-0.0,"重量":"手\\n"},"b":[1,2.50,null,true]}'


@pytest.mark.parametrize("value", [1.5, [0.0], {"a": 1.0}, {1: 2}, {None: 1}, b"x", (1,), {1, 2}, object()])
def test_canonical_knows_json_only(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical(value)


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), Decimal("-sNaN"), "\ud800", {"\udfff": 1}])
def test_canonical_refuses_what_has_no_bytes(value: Any) -> None:
    with pytest.raises(ValueError, match=r"finite|surrogates"):
        canonical(value)
