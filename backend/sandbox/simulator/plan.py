"""The clean list: what a partner's members did, and what the partner said about it, in the order it happened. Pure."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from backend import clock
from backend.sandbox.programme import PARTNERS
from backend.sandbox.simulator.contents import CONTENTS, Contents, Imagination

#: Acts lie between so many days before the run; a consent given today reaches back thirty.
EARLIEST_DAYS, LATEST_DAYS = 27, 8
#: A member is out on few days, so that daily limits and overlaps matter.
BUSY_DAYS = 4
ORDERS_OF_A_MEMBER = 50
FEWEST_MEMBERS = 12


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """One event as it is sent when nothing goes wrong. `follows` is the id of the order it corrects or cancels."""

    id: str
    body: bytes
    follows: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a partner sends in one run, oldest first, and the names of the members it is about."""

    partner: str
    run: str
    members: tuple[str, ...]
    events: tuple[PlannedEvent, ...]


@dataclass(slots=True)
class _Order:
    """One order, and what has been said about it so far."""

    number: str
    event_id: str
    member: str
    begins_at: datetime
    sent_at: datetime
    contents: Contents


def make_plan(
    partner: str, run: str, *, events: int, seed: int, today: date, cancellations: int = 5, corrections: int = 5
) -> Plan:
    """The clean list of a sandbox partner: `events` in all, of which so many per cent cancel or correct an order.

    `run` is part of every name, so that runs on one database do not meet; 1 to 24 small letters and digits.
    """
    chance = Random(f"{seed} plan of {partner}")
    cancelling, correcting = events * cancellations // 100, events * corrections // 100
    count = events - cancelling - correcting
    assert count >= max(cancelling, correcting), "more is taken back than was done"
    members = tuple(f"{run}-{number:04d}" for number in range(max(FEWEST_MEMBERS, count // ORDERS_OF_A_MEMBER)))
    imagine = Imagination(chance, run)
    orders = _orders(partner, imagine, members, count, today)
    said = [(order.sent_at, _original(partner, order)) for order in orders]
    corrected = chance.sample(orders, correcting)
    said += [_correction(partner, imagine, order) for order in corrected]
    said += [_cancellation(partner, chance, order) for order in chance.sample(orders, cancelling)]
    said.sort(key=lambda one: (one[0], one[1].id))
    return Plan(partner, run, members, tuple(event for _, event in said))


def _orders(partner: str, imagine: Imagination, members: tuple[str, ...], count: int, today: date) -> list[_Order]:
    chance = imagine.chance
    last = clock.start_of(today).astimezone(clock.SHANGHAI)
    days = [last - timedelta(days=ago) for ago in range(LATEST_DAYS, EARLIEST_DAYS + 1)]
    busy = {member: chance.sample(days, BUSY_DAYS) for member in members}
    orders = []
    for number in range(count):
        member = chance.choice(members)
        begins_at = chance.choice(busy[member]) + timedelta(hours=6, minutes=chance.randrange(18 * 60))
        contents = CONTENTS[partner](imagine, begins_at)
        sent_at = contents.occurred_at + timedelta(minutes=chance.randint(1, 90))
        name = f"{imagine.run}-{number:06d}"
        orders.append(_Order(name, f"evt-{name}", member, begins_at, sent_at, contents))
    return orders


def _original(partner: str, order: _Order) -> PlannedEvent:
    told = order.contents
    return PlannedEvent(order.event_id, _body(partner, order, told.type, order.sent_at, told, revision=1))


def _correction(partner: str, imagine: Imagination, order: _Order) -> tuple[datetime, PlannedEvent]:
    """The order told anew: as `order.corrected` of its own revision, or with a higher one."""
    sent_at = order.sent_at + timedelta(minutes=imagine.chance.randint(30, 2 * 24 * 60))
    while (told := CONTENTS[partner](imagine, order.begins_at)).type != order.contents.type:
        pass
    kind, revision = imagine.chance.choice([("order.corrected", 1), ("order.corrected", 2), (told.type, 2)])
    body = _body(partner, order, kind, sent_at, told, revision=revision)
    return sent_at, PlannedEvent(f"{order.event_id}-corrected", body, order.event_id)


def _cancellation(partner: str, chance: Random, order: _Order) -> tuple[datetime, PlannedEvent]:
    """The whole order or its first line; for good, or with the revision of what it takes back."""
    sent_at = order.sent_at + timedelta(minutes=chance.randint(10, 5 * 24 * 60))
    some = {"items": [{"line": 1}]} if "items" in order.contents.data and chance.randrange(2) else {}
    told = Contents("order.cancelled", sent_at, some)
    body = _body(partner, order, told.type, sent_at, told, revision=chance.choice([None, None, 1, 2]))
    return sent_at, PlannedEvent(f"{order.event_id}-cancelled", body, order.event_id)


def _body(partner: str, order: _Order, kind: str, sent_at: datetime, told: Contents, *, revision: int | None) -> bytes:
    data: dict[str, Any] = {"order_no": order.number, "user_ref": PARTNERS[partner].user_ref(order.member)}
    data |= {"revision": revision} if revision else {}
    data |= {"occurred_at": told.occurred_at.isoformat(), **told.data}
    event = {"type": kind, "timestamp": sent_at.isoformat(), "data": data}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
