"""A reward and its terms as an operator writes them down (JSON), read strictly, and told back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backend.rewards.catalogue.models import (
    CHARITY,
    CLASS_REWARD,
    CODE,
    DELIVERED_UNITS,
    INSIDE,
    KINDS,
    PLATFORM_POINTS,
    POOL,
    STOCK_KINDS,
    VOUCHER,
    RewardTerms,
)
from backend.rewards.catalogue.terms import Limit, Terms, device_limit, person_limit
from backend.rewards.errors import InvalidReward

_ACCOUNT_KINDS = ("personal", "staff", "class")
_UNITS = {PLATFORM_POINTS: ("platform_points",), CHARITY: ("fen", "trees")}
#: Prices, amounts, counts and days stay below what both databases and every client can hold.
MOST = 1_000_000_000
_LONGEST_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class Description:
    """A reward as it is set up; `item` is what it is called at its provider outside the house."""

    code: str
    kind: str
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    provider_kind: str
    provider: str | None
    item: str | None
    stock_kind: str


class _Fields:
    """The fields of an object, taken one by one; what nobody takes is a mistake."""

    def __init__(self, said: object, at: str) -> None:
        if not isinstance(said, Mapping):
            raise InvalidReward(field=at, problem="an object is needed")
        self._left, self._at = dict(said), at

    def name(self, field: str) -> str:
        return f"{self._at}.{field}" if self._at else field

    def refuse(self, field: str, problem: str) -> InvalidReward:
        return InvalidReward(field=self.name(field), problem=problem)

    def take(self, field: str, default: Any = None) -> Any:
        return self._left.pop(field, default)

    def text(self, field: str, longest: int = 200, *, needed: bool = True) -> str | None:
        said = self.take(field)
        if said is None and not needed:
            return None
        if not isinstance(said, str) or not said.strip() or len(said) > longest:
            raise self.refuse(field, f"a text of 1 to {longest} characters is needed")
        return said

    def one_of(self, field: str, known: tuple[str, ...]) -> str:
        said = self.take(field)
        if said not in known:
            raise self.refuse(field, f"one of {', '.join(known)} is needed")
        return str(said)

    def number(self, field: str, least: int = 1, *, needed: bool = True) -> int | None:
        said = self.take(field)
        if said is None and not needed:
            return None
        if type(said) is not int or not least <= said <= MOST:
            raise self.refuse(field, f"a whole number from {least} to {MOST} is needed")
        return said

    def day(self, field: str, *, needed: bool = True) -> date | None:
        said = self.take(field)
        if said is None and not needed:
            return None
        try:
            day = date.fromisoformat(said)
        except (TypeError, ValueError):
            day = None
        if day is None or day.isoformat() != said:
            raise self.refuse(field, "a day YYYY-MM-DD is needed")
        return day

    def bilingual(self, field: str, longest: int, *, needed: bool = True) -> dict[str, str]:
        said = self.take(field)
        if said is None and not needed:
            return {"zh": "", "en": ""}
        inner = _Fields(said, self.name(field))
        found = {"zh": inner.text("zh", longest) or "", "en": inner.text("en", longest) or ""}
        inner.end()
        return found

    def end(self) -> None:
        if self._left:
            raise self.refuse(min(map(str, self._left)), "there is no such field")


def read_reward(said: Mapping[str, Any]) -> tuple[Description, Terms]:
    """A new reward with its first terms. Raises InvalidReward with the field and what is wrong with it."""
    fields = _Fields(said, "")
    code = fields.text("code", 64) or ""
    if not CODE.fullmatch(code):
        raise fields.refuse("code", f"small letters, digits, - and _ are needed: {CODE.pattern}")
    kind = fields.one_of("kind", KINDS)
    titles = fields.bilingual("title", 60)
    descriptions = fields.bilingual("description", _LONGEST_TEXT, needed=False)
    provider_kind, provider, item = _provider(fields)
    stock_kind = fields.one_of("stock", STOCK_KINDS)
    if (stock_kind == POOL) != (provider_kind == "voucher_pool"):
        raise fields.refuse("stock", "pool belongs to the provider voucher_pool, and to no other")
    if provider_kind == "voucher_pool" and kind not in (VOUCHER, CLASS_REWARD):
        raise fields.refuse("kind", "voucher_pool gives vouchers, to a person or to a class")
    if kind == PLATFORM_POINTS and provider is None:
        raise fields.refuse("provider", "points of another platform need a provider outside the house")
    terms = read_terms(fields.take("terms"), kind, at="terms")
    fields.end()
    return Description(code, kind, titles, descriptions, provider_kind, provider, item, stock_kind), terms


def read_texts(said: Mapping[str, Any]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Title and description of a reward. Raises InvalidReward."""
    fields = _Fields(said, "")
    found = fields.bilingual("title", 60), fields.bilingual("description", _LONGEST_TEXT, needed=False)
    fields.end()
    return found


def _provider(fields: _Fields) -> tuple[str, str | None, str | None]:
    """`"recorded"`, or `{"kind": …, "code": …, "item": …}` for one outside the house."""
    said = fields.take("provider")
    if isinstance(said, str):
        if said not in INSIDE:
            raise fields.refuse("provider", f"one of {', '.join(INSIDE)}, or an object with kind, code and item")
        return said, None, None
    inner = _Fields(said, fields.name("provider"))
    kind, code, item = inner.text("kind", 64) or "", inner.text("code", 64), inner.text("item")
    inner.end()
    if kind in INSIDE:
        raise inner.refuse("kind", f"{kind} is inside the house: name it alone")
    return kind, code, item


def read_terms(said: object, kind: str, *, at: str = "") -> Terms:
    """Terms of a reward of this kind. Raises InvalidReward."""
    fields = _Fields(said, at)
    begin, last_day = fields.day("in_force_from"), fields.day("last_day", needed=False)
    assert begin is not None
    if last_day is not None and last_day < begin:
        raise fields.refuse("last_day", "it lies before in_force_from")
    amount, unit = _delivered(fields, kind)
    use = fields.bilingual("terms_of_use", _LONGEST_TEXT, needed=False)
    terms = Terms(
        in_force_from=begin,
        price_points=fields.number("price_points") or 0,
        audiences=_audiences(fields, kind),
        last_day=last_day,
        per_person=_limit(fields, "per_person"),
        per_device=_limit(fields, "per_device"),
        least_code_days=fields.number("least_code_days", 0, needed=False) or 0,
        delivered_amount=amount,
        delivered_unit=unit,
        terms_of_use_zh=use["zh"],
        terms_of_use_en=use["en"],
    )
    fields.end()
    return terms


def _audiences(fields: _Fields, kind: str) -> frozenset[tuple[str, str]]:
    """`{"members": ["personal"]}`: kinds of accounts by programme."""
    said, found = fields.take("offered_to"), set()
    if not isinstance(said, Mapping) or not said:
        raise fields.refuse("offered_to", 'kinds of accounts by programme are needed: {"members": ["personal"]}')
    for programme, kinds in said.items():
        if not isinstance(kinds, list) or not kinds or not all(one in _ACCOUNT_KINDS for one in kinds):
            raise fields.refuse("offered_to", f"{programme}: some of {', '.join(_ACCOUNT_KINDS)} are needed")
        found |= {(str(programme), str(one)) for one in kinds}
    classes = {account == "class" for _, account in found}
    if kind == CLASS_REWARD and classes != {True}:
        raise fields.refuse("offered_to", "a class reward is offered to accounts of classes alone")
    if True in classes and kind not in (CLASS_REWARD, CHARITY, VOUCHER):
        raise fields.refuse("offered_to", "a class has no address and no account on another platform")
    return frozenset(found)


def _limit(fields: _Fields, field: str) -> Limit | None:
    said = fields.take(field)
    if said is None:
        return None
    inner = _Fields(said, fields.name(field))
    limit = Limit(inner.number("count") or 0, inner.number("days", needed=False))
    inner.end()
    return limit


def _delivered(fields: _Fields, kind: str) -> tuple[int | None, str | None]:
    units, said = _UNITS.get(kind), fields.take("delivers")
    if said is None:
        if units:
            raise fields.refuse("delivers", f"an amount in {' or '.join(units)} is needed")
        return None, None
    inner = _Fields(said, fields.name("delivers"))
    amount, unit = inner.number("amount"), inner.one_of("unit", units or DELIVERED_UNITS)
    inner.end()
    return amount, unit


def told_terms(terms: Terms) -> dict[str, Any]:
    """Terms as an operator writes them down: what `read_terms` reads."""
    offered: dict[str, list[str]] = {}
    for programme, account in sorted(terms.audiences):
        offered.setdefault(programme, []).append(account)
    said: dict[str, Any] = {
        "in_force_from": terms.in_force_from.isoformat(),
        "last_day": terms.last_day.isoformat() if terms.last_day else None,
        "price_points": terms.price_points,
        "offered_to": offered,
        "per_person": told_limit(terms.per_person),
        "per_device": told_limit(terms.per_device),
        "least_code_days": terms.least_code_days,
        "delivers": {"amount": terms.delivered_amount, "unit": terms.delivered_unit} if terms.delivered_unit else None,
        "terms_of_use": ({"zh": terms.terms_of_use_zh, "en": terms.terms_of_use_en} if terms.terms_of_use_zh else None),
    }
    return said


def told_limit(limit: Limit | None) -> dict[str, int | None] | None:
    """A limit as it is told; `days` is null for ever."""
    return None if limit is None else {"count": limit.count, "days": limit.days}


def stored_terms(row: RewardTerms, audiences: set[tuple[str, str]]) -> Terms:
    """A stored version as it was proposed."""
    return Terms(
        in_force_from=row.in_force_from,
        price_points=row.price_points,
        audiences=frozenset(audiences),
        last_day=row.last_day,
        per_person=person_limit(row),
        per_device=device_limit(row),
        least_code_days=row.least_code_days,
        delivered_amount=row.delivered_amount,
        delivered_unit=row.delivered_unit,
        terms_of_use_zh=row.terms_of_use_zh,
        terms_of_use_en=row.terms_of_use_en,
    )
