"""How a plan arrives: twice, in the wrong order, late, spoilt on the way and sent again. Pure.

A spoilt attempt is refused, and its sound version follows, as a real sender tries again. What was accepted in the end
is the clean list, each event once.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from backend.sandbox.platform import OnTheWay
from backend.sandbox.simulator.plan import Plan, PlannedEvent

Spoil = Callable[[bytes], bytes]

#: The clock of a sender may be wrong by so many seconds without harm; the house allows 300.
HARMLESS_SKEW_S = 240


def _sound(body: bytes) -> bytes:
    return body


def _as_signed(headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
    return headers, body


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and what the house answers to it.

    `spoil` changes the body before it is signed, `on_the_way` headers and body afterwards; `signed` and `skew_s`: see
    `Platform.send`. `after_accepted`: it goes wrong only when the sound event was taken in before, and comes no sooner.
    """

    name: str
    status: int
    code: str
    spoil: Spoil = _sound
    on_the_way: OnTheWay = _as_signed
    signed: str = "v1"
    skew_s: int = 0
    after_accepted: bool = False

    @property
    def answer(self) -> str:
        """The answer that is due, e.g. `409 EVENT_ID_REUSED`."""
        return f"{self.status} {self.code}"


def _without(name: str) -> OnTheWay:
    return lambda headers, body: ({key: value for key, value in headers.items() if key != name}, body)


def _with_header(name: str, value: str) -> OnTheWay:
    return lambda headers, body: ({**headers, name: value}, body)


def _tampered(headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
    return headers, body.replace(b'"type"', b'"kind"', 1)


def _changed(**fields: object) -> Spoil:
    """The event with other fields in `data`; None removes one."""

    def spoil(body: bytes) -> bytes:
        event = json.loads(body)
        event["data"] = {name: value for name, value in (event["data"] | fields).items() if value is not None}
        return json.dumps(event, ensure_ascii=False).encode()

    return spoil


def _repeated_key(body: bytes) -> bytes:
    return body.replace(b'"type":', b'"type":"order.cancelled","type":', 1)


def _other_type(body: bytes) -> bytes:
    return json.dumps(json.loads(body) | {"type": "parcel.lost"}).encode()


FAULTS = (
    Fault("wrong key", 401, "INVALID_SIGNATURE", signed="wrong_key"),
    Fault("changed after signing", 401, "INVALID_SIGNATURE", on_the_way=_tampered),
    Fault("no signature", 401, "INVALID_SIGNATURE", on_the_way=_without("webhook-signature")),
    Fault("no timestamp", 401, "INVALID_SIGNATURE", on_the_way=_without("webhook-timestamp")),
    Fault("no id", 401, "INVALID_SIGNATURE", on_the_way=_without("webhook-id")),
    Fault("a dot in the id", 401, "INVALID_SIGNATURE", on_the_way=_with_header("webhook-id", "evt.1")),
    Fault("clock slow", 401, "TIMESTAMP_OUT_OF_RANGE", skew_s=-600),
    Fault("clock fast", 401, "TIMESTAMP_OUT_OF_RANGE", skew_s=600),
    Fault("too large", 413, "BODY_TOO_LARGE", spoil=_changed(note="x" * 70_000)),
    Fault("no JSON type", 415, "WRONG_CONTENT_TYPE", on_the_way=_with_header("Content-Type", "text/plain")),
    Fault("cut off", 400, "INVALID_JSON", spoil=lambda body: body[:-9]),
    Fault("a key twice", 400, "DUPLICATE_KEY", spoil=_repeated_key),
    Fault("no order number", 422, "INVALID_ENVELOPE", spoil=_changed(order_no=None)),
    Fault("revision 0", 422, "INVALID_ENVELOPE", spoil=_changed(revision=0)),
    Fault("unknown type", 422, "INVALID_ENVELOPE", spoil=_other_type),
    Fault("other body, same id", 409, "EVENT_ID_REUSED", spoil=_changed(note="other"), after_accepted=True),
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: the event in its sound form, what goes wrong this time, and how far ahead the sender's clock is."""

    event_id: str
    body: bytes
    fault: Fault | None = None
    skew_s: int = 0


@dataclass(frozen=True, slots=True)
class Disorder:
    """How many events of a hundred arrive twice, out of order, spoilt first, or signed by a wrong clock."""

    duplicates: int = 20
    reordering: int = 20
    corrupted: int = 5
    clock_skew: int = 5


def disorderly(plan: Plan, disorder: Disorder, *, seed: int) -> list[Attempt]:
    """Every request of the run in the order it is made. The same plan and seed give the same requests."""
    chance = Random(f"{seed} disorder")
    total = len(plan.events)
    at = _positions(plan, chance, total * disorder.reordering // 100)
    skewed = {event.id for event in _some(plan, chance, disorder.clock_skew)}
    placed: list[tuple[float, Attempt]] = []
    for number, event in enumerate(_some(plan, chance, disorder.corrupted)):
        fault = FAULTS[number % len(FAULTS)]
        placed.append((at[event.id], Attempt(event.id, event.body, fault)))
        if not fault.after_accepted:
            at[event.id] += chance.uniform(0, total / 10)  # the sender tries again later
    for event in _some(plan, chance, disorder.duplicates):
        # Half of them at once, so that two requests with one event meet.
        later = chance.choice([0.0, chance.uniform(0, total)])
        placed.append((at[event.id] + later, Attempt(event.id, event.body)))
    for event in plan.events:
        skew_s = chance.randint(-HARMLESS_SKEW_S, HARMLESS_SKEW_S) if event.id in skewed else 0
        placed.append((at[event.id], Attempt(event.id, event.body, skew_s=skew_s)))
    return [attempt for _, attempt in sorted(placed, key=_turn)]


def _turn(placed: tuple[float, Attempt]) -> tuple[float, bool]:
    """Sort key: what goes wrong only after the sound event stands behind it."""
    at, attempt = placed
    return at, attempt.fault is not None and attempt.fault.after_accepted


def _some(plan: Plan, chance: Random, per_cent: int) -> list[PlannedEvent]:
    return chance.sample(plan.events, len(plan.events) * per_cent // 100)


def _positions(plan: Plan, chance: Random, displaced: int) -> dict[str, float]:
    """Event id → when it comes: its place in the plan, but for the displaced ones.

    A displaced correction or cancellation comes before its order, any other event anywhere.
    """
    at = {event.id: float(position) for position, event in enumerate(plan.events)}
    for event in sorted(chance.sample(plan.events, displaced), key=lambda event: event.follows is not None):
        at[event.id] = at[event.follows] - 0.5 if event.follows else chance.uniform(0, len(plan.events))
    return at
