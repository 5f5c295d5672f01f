"""A loyalty platform that mirrors balances: told by signed notices, and asked page by page what it holds.

The question goes where the notices go, as a signed message `balances.asked` with the holder after whom to go on (or
null) and how many holders to list. The answer lists them in order, each with all their accounts, and whether that was
all: `{"accounts": [{"holder", "programme", "sequence", "missing", "balances"}, …], "complete": true}`.
"""

import re
from collections.abc import Collection
from datetime import datetime

from backend import safe_http
from backend.safe_http import OutsideUnavailable
from backend.strict_json import JsonValue
from backend.sync import calling
from backend.sync.interfaces import Answered, Mirrored, Notice, Page, Target

QUESTION = "balances.asked"
#: Numbers of one account that may be missing at once; who misses more is told its balances anew.
MOST_MISSING = 1_000
_HOLDER = re.compile("[0-9a-f]{32}")


class Loyalty:
    kind = "loyalty"

    def check_url(self, url: str, allowed_hosts: Collection[str]) -> None:
        """https and a public host by its form; the address itself is looked up at every call."""
        safe_http.check_url(url, allowed_hosts=allowed_hosts)

    def deliver(self, target: Target, notice: Notice, *, now: datetime) -> Answered:
        """POST the notice."""
        return calling.deliver(target, notice, now=now)

    def accounts_after(self, target: Target, holder: str | None, *, limit: int, now: datetime) -> Page:
        """Ask for the next page and read it strictly; OutsideUnavailable where it makes no sense."""
        answer = calling.ask(target, QUESTION, {"after": holder, "limit": limit}, now=now)
        try:
            return _page(answer, holder or "", limit)
        except (KeyError, TypeError, ValueError):
            reason = "the page of balances cannot be read"
        raise OutsideUnavailable(reason)


def _page(answer: JsonValue, after: str, limit: int) -> Page:
    if not isinstance(answer, dict) or not isinstance(answer["accounts"], list):
        raise TypeError
    accounts = tuple(_mirrored(item) for item in answer["accounts"])
    complete = answer["complete"]
    keys = [(item.holder, item.programme) for item in accounts]
    in_order = keys == sorted(set(keys)) and all(holder > after for holder, _ in keys)
    if not isinstance(complete, bool) or not in_order or len({holder for holder, _ in keys}) > limit:
        raise ValueError
    if not accounts and not complete:
        raise ValueError
    return Page(accounts, complete)


def _mirrored(item: JsonValue) -> Mirrored:
    if not isinstance(item, dict):
        raise TypeError
    holder, programme, balances, missing = item["holder"], item["programme"], item["balances"], item["missing"]
    if not (isinstance(holder, str) and _HOLDER.fullmatch(holder) and isinstance(programme, str)):
        raise ValueError
    if not (isinstance(balances, dict) and isinstance(missing, list) and len(missing) <= MOST_MISSING):
        raise ValueError
    sequence = _whole(item["sequence"])
    amounts = {name: amount for name, value in balances.items() if (amount := _whole(value))}
    return Mirrored(holder, programme, sequence, frozenset(map(_whole, missing)), amounts)


def _whole(value: JsonValue) -> int:
    if type(value) is not int or abs(value) >= 2**63:
        raise TypeError
    return value


DESTINATION = Loyalty()
