"""Exact numbers: decimal text ↔ `Fraction`. Nothing here, or anywhere in the library, is a binary floating number."""

from __future__ import annotations

import re
from fractions import Fraction

from methodologies.kernel.errors import MethodologyError, shown

ZERO = Fraction(0)
ONE = Fraction(1)
INTEGER_DIGITS = 12
DECIMALS = 9
NANO: int = 10**DECIMALS

_DECIMAL = re.compile(rf"(-?)([0-9]{{1,{INTEGER_DIGITS}}})(?:\.([0-9]{{1,{DECIMALS}}}))?")


def nano_of_text(text: str) -> int | None:
    """The number written in `text`, in billionths, or None when it is not plain decimal text.

    Plain means: ASCII digits, at most 12 before and 9 after the point, an optional minus. No exponent, plus sign,
    underscore, space or full-width digit.
    """
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    sign, whole, decimals = match.groups()
    nano = int(whole + (decimals or "").ljust(DECIMALS, "0"))
    return -nano if sign else nano


def nano_of(value: object) -> int | None:
    """Billionths of activity data (an int or decimal text); None for anything else, bool and binary floats included."""
    if type(value) is str:
        return nano_of_text(value)
    if type(value) is int and abs(value) < 10**INTEGER_DIGITS:
        return value * NANO
    return None


def not_a_number(name: str, value: object) -> MethodologyError:
    return MethodologyError(
        "NOT_A_NUMBER",
        f"{name} 应为整数或十进制数文本（整数部分不超过 12 位，小数不超过 9 位）",
        f"{name} must be an integer or plain decimal text (at most 12 integer digits and 9 decimals)",
        field=name,
        received=shown(value),
    )


def fraction_of_text(text: str) -> Fraction | None:
    """A published number: decimal text, or one quotient of two (``5.98/22``: the source's own pair of numbers)."""
    top, slash, bottom = text.partition("/")
    numerator = nano_of_text(top)
    denominator = nano_of_text(bottom) if slash else NANO
    if numerator is None or not denominator:
        return None
    return Fraction(numerator, denominator)


def exact_text(value: Fraction) -> str:
    """Exact text for programs: decimals where they end, else ``numerator/denominator``."""
    return _ending_decimals(value) or f"{value.numerator}/{value.denominator}"


def reading_text(value: Fraction) -> str:
    """Text for people: exact decimals where they end within six places, else three decimals marked 约 (about)."""
    exact = _ending_decimals(value)
    if exact is not None and len(exact.partition(".")[2]) <= 6:
        return exact
    return "约 " + rounded_text(value, 3)


def _ending_decimals(value: Fraction) -> str | None:
    rest, places = value.denominator, [0, 0]
    for index, prime in enumerate((2, 5)):
        while rest % prime == 0:
            rest //= prime
            places[index] += 1
    return rounded_text(value, max(places)) if rest == 1 else None


def rounded_text(value: Fraction, places: int) -> str:
    """Decimal text with `places` decimals, rounded half up in magnitude, trailing zeros removed."""
    scaled, remainder = divmod(abs(value.numerator) * 10**places, value.denominator)
    if 2 * remainder >= value.denominator:
        scaled += 1
    digits = str(scaled).rjust(places + 1, "0")
    text = digits[: len(digits) - places] + ("." + digits[len(digits) - places :] if places else "")
    text = text.rstrip("0").rstrip(".") if places else text
    return "-" + text if value < 0 and scaled else text
