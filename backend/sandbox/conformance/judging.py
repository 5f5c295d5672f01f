"""Judging a sender by what it sent. Pure: each rule looks at the attempts of a run in the order they came.

A rule answers with what was found wrong, with "" when it was kept, or with None while nothing that it is about has been
seen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from backend.sandbox.conformance.observing import SECOND, Facts
from backend.sandbox.conformance.script import Answer

#: Timestamps are whole seconds and networks have their moods: what differs by less is not judged.
_NOISE_S = 3.0
#: Clocks of several processes differ by less.
_JITTER_S = 0.05
#: The last pause is longer than the first by so much, and no shorter than this.
_GROWN, _LEAST_S = 1.5, 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One attempt: when it came, when its answer was over, what it met and what it showed."""

    number: int
    received_at: datetime
    answered_at: datetime
    answer: Answer
    facts: Facts


def signature(seen: Sequence[Seen]) -> str | None:
    """A signature fits each attempt."""
    bad = [one.number for one in seen if one.facts.refused == "INVALID_SIGNATURE"]
    return f"no signature fits: {_attempts(bad)}" if bad else _when(seen)


def clock_right(seen: Sequence[Seen]) -> str | None:
    """No timestamp is further from our clock than the tolerance."""
    bad = [one.number for one in seen if one.facts.refused == "TIMESTAMP_OUT_OF_RANGE"]
    return f"more than 300 seconds from our clock: {_attempts(bad)}" if bad else _when(seen)


def id_form(seen: Sequence[Seen]) -> str | None:
    """Ids are of the form that the headers allow."""
    bad = [one for one in seen if one.facts.id_fault]
    return f"{bad[0].facts.id_fault}: {_attempts([one.number for one in bad])}" if bad else _when(seen)


def timestamp_renewed(seen: Sequence[Seen]) -> str | None:
    """What passes between two attempts passes between their timestamps as well."""
    late = []
    for first, *rest in _by_event(seen):
        for one in rest:
            passed_s = (one.received_at - first.received_at).total_seconds()
            stamped_s = (one.facts.timestamp or 0) - (first.facts.timestamp or 0)
            if abs(stamped_s - passed_s) > _NOISE_S:
                return (
                    f"attempt {one.number}: {passed_s:.0f} s after attempt {first.number}, stamped {stamped_s} s later"
                )
            late += [one] if passed_s > _NOISE_S else []
    return _when(late)


def same_bytes(seen: Sequence[Seen]) -> str | None:
    """A retry has the body of the first attempt, byte for byte."""
    retries = [(first, one) for first, *rest in _by_event(seen) for one in rest]
    for first, one in retries:
        if first.facts.body != one.facts.body and _alike(first, one):
            return f"attempt {one.number} has another body than attempt {first.number} of the same event"
    return _when(retries)


def same_id(seen: Sequence[Seen]) -> str | None:
    """The same event is never sent under another id."""
    first: dict[str, Seen] = {}
    retried = False
    for one in _sound(seen):
        known = first.setdefault(one.facts.body, one)
        if known.facts.event_id != one.facts.event_id:
            return f"attempt {one.number} repeats attempt {known.number} under another id"
        retried |= known is not one
    return "" if retried else None


def unique_ids(seen: Sequence[Seen]) -> str | None:
    """Different events have different ids."""
    events = list(_by_event(seen))
    for first, *rest in events:
        for one in rest:
            if not _alike(first, one):
                return f"attempts {first.number} and {one.number} are about different things under one id"
    return "" if len(events) > 1 else None


def retries(seen: Sequence[Seen]) -> str | None:
    """The event that was treated badly was sent until it was accepted."""
    difficult = _difficult(seen)
    return "" if difficult and difficult[-1].answer.taken else None


def stops_after_success(seen: Sequence[Seen]) -> str | None:
    """Nothing comes of an event after a 2xx for it."""
    taken = False
    for attempts in _by_event(seen):
        for one, following in pairwise(attempts):
            if one.answer.taken and following.received_at > one.answered_at and _alike(one, following):
                return f"attempt {following.number} came after attempt {one.number} had been answered 2xx"
        taken |= any(one.answer.taken for one in attempts)
    return "" if taken else None


def backs_off(seen: Sequence[Seen]) -> str | None:
    """Pauses of the sender's own grow; the one it was asked for does not count."""
    own = [_pause_s(one, following) for one, following in pairwise(_difficult(seen)) if not one.answer.retry_after_s]
    for before, after in pairwise(own):
        if after < before - _NOISE_S and after < before * 3 / 4:
            return f"a pause of {after:.1f} s follows one of {before:.1f} s"
    if len(own) < 3:
        return None
    grown = own[-1] > own[0] * _GROWN and own[-1] >= _LEAST_S
    return "" if grown else f"the pauses do not grow: {', '.join(f'{pause:.1f} s' for pause in own)}"


def retry_after(seen: Sequence[Seen]) -> str | None:
    """The next attempt comes no sooner than it was asked to."""
    asked = [(one, following) for one, following in pairwise(_difficult(seen)) if one.answer.retry_after_s]
    for one, following in asked:
        if _pause_s(one, following) < one.answer.retry_after_s - _JITTER_S:
            paused, wanted = _pause_s(one, following), one.answer.retry_after_s
            return f"attempt {following.number} came after {paused:.1f} s; Retry-After said {wanted} s"
    return _when(asked)


def patience(seen: Sequence[Seen]) -> str | None:
    """No attempt comes while the one before it is still being answered."""
    slow = [(one, following) for one, following in pairwise(_difficult(seen)) if one.answer.delay_s]
    for one, following in slow:
        if _pause_s(one, following) < -_JITTER_S:
            return f"attempt {following.number} came while attempt {one.number} had not been answered"
    return _when(slow)


def envelope(seen: Sequence[Seen]) -> str | None:
    """Body and envelope are such that the backend takes them in."""
    bad = [one for one in seen if one.facts.envelope_fault]
    if bad:
        return f"{bad[0].facts.envelope_fault} ({_attempts([one.number for one in bad])})"
    return _when(_sound(seen))


def lines(seen: Sequence[Seen]) -> str | None:
    """Each line of an order is one that can be counted."""
    bad = [one for one in seen if one.facts.line_faults]
    if bad:
        return f"{bad[0].facts.line_faults[0]} ({_attempts([one.number for one in bad])})"
    return _when([one for one in _sound(seen) if one.facts.type and not one.facts.type.startswith("order.")])


def opaque_user(seen: Sequence[Seen]) -> str | None:
    """The reference of the user tells nobody who that is."""
    bad = [one for one in seen if one.facts.user_ref_fault]
    if bad:
        return f"{bad[0].facts.user_ref_fault} ({_attempts([one.number for one in bad])})"
    return _when(_sound(seen))


def revisions(seen: Sequence[Seen]) -> str | None:
    """What is newly said about a line has a higher revision, or is a correction or cancellation of its own."""
    stated: dict[tuple[str | None, str], tuple[tuple[int, int], str, int]] = {}
    again = False
    for one, *_ in _by_event(seen):
        rank = {"order.corrected": 1, "order.cancelled": 2}.get(one.facts.type or "", 0)
        precedence = (one.facts.revision or 1, rank)
        for line, digest in one.facts.lines.items():
            before, said, number = stated.get((one.facts.order_no, line), ((0, 0), digest, 0))
            stated[one.facts.order_no, line] = (precedence, digest, one.number)
            if said == digest:
                continue
            again = True
            if precedence <= before:
                return f"attempt {one.number} says line {line} anew without a higher revision than attempt {number}"
    return "" if again else None


def rotation(seen: Sequence[Seen]) -> str | None:
    """Two keys have signed one attempt side by side."""
    return "" if any(SECOND in one.facts.keys and len(one.facts.keys) > 1 for one in seen) else None


def _sound(seen: Sequence[Seen]) -> list[Seen]:
    """The attempts that the backend would not have refused."""
    return [one for one in seen if one.facts.refused is None]


def _by_event(seen: Sequence[Seen]) -> Iterator[list[Seen]]:
    """The sound attempts of each event, in the order in which the events first came."""
    events: dict[str, list[Seen]] = {}
    for one in _sound(seen):
        events.setdefault(one.facts.event_id, []).append(one)
    yield from events.values()


def _alike(one: Seen, other: Seen) -> bool:
    """Whether two attempts are about the same thing."""
    return (one.facts.order_no, one.facts.type) == (other.facts.order_no, other.facts.type)


def _difficult(seen: Sequence[Seen]) -> list[Seen]:
    """The attempts of the event that was treated badly, up to the first one that was accepted."""
    attempts = next(_by_event(seen), [])
    until = next((position for position, one in enumerate(attempts, start=1) if one.answer.taken), len(attempts))
    return attempts[:until]


def _pause_s(one: Seen, following: Seen) -> float:
    return (following.received_at - one.answered_at).total_seconds()


def _attempts(numbers: Sequence[int]) -> str:
    return f"attempt{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers[:10]))}"


def _when(found: Sequence[object]) -> str | None:
    """Kept, where there was an occasion to keep it."""
    return "" if found else None
