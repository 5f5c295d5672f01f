"""A provider's list of a day beside our orders: what is missing there, missing here, or differs in its amount."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend import clock
from backend.lists import recordset
from backend.rewards.errors import NoDailyList
from backend.rewards.interfaces import STATUSES, Listed, Lists, Target
from backend.rewards.orders.models import DONE, OPEN_STATES, ProviderOrder
from backend.rewards.orders.outside import Doors, reach
from backend.rewards.orders.preparing import request_no
from backend.rewards.providers import LISTS
from backend.vault import Vault

PAGE = 500
DEADLINE_S = 30.0
#: An order is looked for in the lists of so many days from the one on which it was sent.
LOOKED_FOR_DAYS = 3
#: A transaction that only reads, made anew each time.
Reading = Callable[[], AbstractContextManager[Session]]
#: What can be different: done here and not listed, listed and not done here, listed while its outcome is unknown here,
#: or another quantity.
MISSING_THERE, MISSING_HERE, OPEN, AMOUNT = "missing_there", "missing_here", "open", "amount"


@dataclass(frozen=True, slots=True)
class OrderDifference:
    """A request that both sides see differently; quantities are None where that side does not have it."""

    request_no: str
    kind: str
    ours: int | None
    theirs: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of comparing a day."""

    listed: int
    ordered: int
    differences: tuple[OrderDifference, ...]


def reconcile_orders(reading: Reading, vault: Vault, doors: Doors, provider: str, day: date) -> Compared:
    """Ask for a provider's list of a Shanghai day and put our orders beside it. Nothing is changed.

    What was sent shortly before midnight may be listed on the day after, and is looked for there. Raises
    UnknownProvider, NoDailyList, OutsideUnavailable.
    """
    now = clock.now()
    with reading() as tx:
        outside, target = reach(tx, vault, provider, doors, deadline_s=DEADLINE_S, now=now)
        ordered = _ordered_on(tx, provider, day)
    asked = LISTS.get(outside.kind)
    if asked is None:
        raise NoDailyList(provider=provider, kinds=sorted(LISTS))
    listed = _list(asked, target, day)
    missing = {number for number in ordered if number not in listed}
    later: dict[str, Listed] = {}
    for days in range(1, LOOKED_FOR_DAYS):
        if missing - later.keys() and day + timedelta(days=days) <= clock.day_of(now):
            later |= _list(asked, target, day + timedelta(days=days))
    with reading() as tx:
        known = _known(tx, provider, listed)
    differences = [*_missing_there(ordered, listed, later), *_of_listed(listed, known)]
    return Compared(len(listed), len(ordered), tuple(sorted(differences, key=lambda item: item.request_no)))


def _missing_there(
    ordered: Mapping[str, int], listed: Mapping[str, Listed], later: Mapping[str, Listed]
) -> Iterator[OrderDifference]:
    for number, quantity in ordered.items():
        found = listed.get(number) or later.get(number)
        if found is None:
            yield OrderDifference(number, MISSING_THERE, quantity, None)
        elif found.quantity != quantity:
            yield OrderDifference(number, AMOUNT, quantity, found.quantity)


def _of_listed(listed: Mapping[str, Listed], known: Mapping[str, tuple[str, int]]) -> Iterator[OrderDifference]:
    for number, item in listed.items():
        state, quantity = known.get(number, (None, None))
        if state in OPEN_STATES:
            yield OrderDifference(number, OPEN, quantity, item.quantity)
        elif state != DONE:
            yield OrderDifference(number, MISSING_HERE, None, item.quantity)


def _list(asked: Lists, target: Target, day: date) -> dict[str, Listed]:
    """The whole list of a day: what was taken on, by number."""
    found: dict[str, Listed] = {}
    after = None
    while True:
        page = asked.listed_after(target, day, after, limit=PAGE, now=clock.now())
        found |= {item.request_no: item for item in page.listed if item.status in STATUSES}
        if page.complete:
            return found
        after = page.listed[-1].request_no


def _ordered_on(tx: Session, provider: str, day: date) -> dict[str, int]:
    """What was sent on that day and is done: number → quantity."""
    query = select(ProviderOrder.redemption_id, ProviderOrder.quantity).where(
        ProviderOrder.provider == provider,
        ProviderOrder.state == DONE,
        ProviderOrder.status != "cancelled",
        ProviderOrder.placed_at >= clock.start_of(day),
        ProviderOrder.placed_at < clock.start_of_day_after(day, 1),
    )
    return {request_no(redemption_id): quantity for redemption_id, quantity in tx.execute(query)}


def _known(tx: Session, provider: str, listed: Mapping[str, Listed]) -> dict[str, tuple[str, int]]:
    """How those of these numbers stand that are ours."""
    ids = [(UUID(number.removeprefix("rdm_")),) for number in listed]
    given = recordset(tx, "given", {"redemption_id": Uuid()}, ids)
    query = select(ProviderOrder.redemption_id, ProviderOrder.state, ProviderOrder.quantity)
    query = query.join(given, given.c.redemption_id == ProviderOrder.redemption_id)
    rows = tx.execute(query.where(ProviderOrder.provider == provider))
    return {request_no(redemption_id): (state, quantity) for redemption_id, state, quantity in rows}
