"""What the simulated members of each partner do. Pure.

Everything that must not depend on the order of arrival is in it: trips that overlap, days beyond their limit, one ride
or one device reported by two orders, and lines that do not count.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

#: Of a hundred things, how many are reported again by another order, and how many lines cannot count.
REPORTED_TWICE, NOT_COUNTING = 6, 3


@dataclass(slots=True)
class Contents:
    """What an order is about: its type, when it happened, and the fields of `data` besides those every order has."""

    type: str
    occurred_at: datetime
    data: dict[str, Any]


@dataclass(slots=True)
class Imagination:
    """Chance, and the names of physical things it has used so far."""

    chance: Random
    run: str
    things: list[str] = field(default_factory=list)

    def percent(self, share: int) -> bool:
        """True in `share` cases of a hundred."""
        return self.chance.randrange(100) < share

    def thing(self, prefix: str) -> str:
        """The number of a ride or a device: a new one, or one that was reported before."""
        if self.things and self.percent(REPORTED_TWICE):
            return self.chance.choice(self.things)
        self.things.append(f"{prefix}{self.run}{len(self.things):06d}")
        return self.things[-1]

    def tenths(self, lowest: int, highest: int) -> str:
        """A decimal text between two whole numbers of tenths."""
        whole, tenth = divmod(self.chance.randint(lowest, highest), 10)
        return f"{whole}.{tenth}"


#: Mode → kilometres an hour and the longest trip in minutes, well within the bounds of its methodology.
_MODES = {"metro": (32, 55), "bus": (18, 60), "bicycle": (13, 50), "ebike": (18, 60), "ev": (35, 60), "walk": (5, 60)}
#: Often enough that its daily limit binds.
_OFTEN = ("metro",) * 4


def _transit(imagine: Imagination, begins_at: datetime) -> Contents:
    chance = imagine.chance
    mode = chance.choice([*_MODES, *_OFTEN])
    km_per_hour, longest = _MODES[mode]
    minutes = chance.randint(8, longest)
    tenths = km_per_hour * minutes * chance.randint(80, 120) // 600
    ends_at = begins_at + timedelta(minutes=minutes)
    data: dict[str, Any] = {"trip_id": imagine.thing("R"), "mode": mode, "started_at": begins_at.isoformat()}
    data |= {"ended_at": ends_at.isoformat(), "distance_km": f"{tenths // 10}.{tenths % 10}"}
    if mode == "walk" and imagine.percent(50):
        del data["distance_km"]
        data["steps"] = minutes * chance.randint(90, 120)
    if imagine.percent(NOT_COUNTING):
        data |= chance.choice([{"mode": "rocket"}, {"distance_km": "59.9", "mode": "bicycle"}, {"distance_km": None}])
    return Contents("trip.completed", ends_at, data)


def _dangdang(imagine: Imagination, begins_at: datetime) -> Contents:
    chance = imagine.chance
    if imagine.percent(30):
        category = chance.choice(["fridge", "refrigerator", "washing_machine", "dishwasher", "air_conditioner"])
        item = {"line": 1, "category": category, "serial": imagine.thing("A")}
        return Contents("device.recycled", begins_at, {"items": [item], "outcome": "recycled"})
    clothes: dict[str, Any] = {"category": "clothes", "weight_kg": imagine.tenths(5, 280)}
    books: dict[str, Any] = {"category": "books", "quantity": chance.randint(1, 110)}
    kinds = chance.choice([[clothes], [books], [clothes, books]])
    if imagine.percent(NOT_COUNTING):
        kinds = [{"category": chance.choice(["toys", "clothes"])}]
    items = [{"line": number, **kind} for number, kind in enumerate(kinds, start=1)]
    return Contents("donation.received", begins_at, {"items": items, "outcome": "received"})


def _zhuanzhuan(imagine: Imagination, begins_at: datetime) -> Contents:
    chance = imagine.chance
    items: list[dict[str, Any]] = []
    taken_apart = imagine.percent(15)
    for line in range(1, chance.choice([1, 1, 1, 2, 3]) + 1):
        category = chance.choice(["phone", "tablet", "laptop", *([] if taken_apart else ["camera", "lens"])])
        item: dict[str, Any] = {"line": line, "category": category, "serial": imagine.thing("S"), "quantity": 1}
        if category in ("camera", "lens"):
            item["weight_kg"] = imagine.tenths(2, 19)
        if imagine.percent(NOT_COUNTING):
            item |= chance.choice([{"category": "toaster"}, {"quantity": 2}, {"serial": None}])
        items.append(item)
    outcome = "returned" if imagine.percent(NOT_COUNTING) else chance.choice(["resold", "refurbished", "reused"])
    if taken_apart:
        return Contents("device.recycled", begins_at, {"items": items, "outcome": "recycled"})
    return Contents("device.traded_in", begins_at, {"items": items, "outcome": outcome})


def _shop(imagine: Imagination, begins_at: datetime) -> Contents:
    chance = imagine.chance
    items: list[dict[str, Any]] = []
    for line in range(1, chance.choice([1, 1, 2]) + 1):
        serial = imagine.thing("PF")
        item: dict[str, Any] = {"line": line, "serial": serial}
        item["model"] = chance.choice(["ThinkBook X IMH", "Legion Y9000K IRX9", "IdeaPad 3-14", "YOGA Pro 16s IMH9"])
        if item["model"] != "IdeaPad 3-14":
            item |= {"retired_kg": str(chance.randint(180, 420)), "certificate_no": f"CN-{serial}"}
        if imagine.percent(NOT_COUNTING):
            item |= chance.choice([{"model": "Abacus 1"}, {"serial": None}, {"retired_kg": "9000"}])
        items.append(item)
    return Contents("product.purchased", begins_at, {"items": items, "outcome": "delivered"})


#: Partner of the sandbox → what one of its orders is about, beginning at an instant.
CONTENTS: dict[str, Callable[[Imagination, datetime], Contents]] = {
    "transit": _transit,
    "dangdang": _dangdang,
    "zhuanzhuan": _zhuanzhuan,
    "shop": _shop,
}
