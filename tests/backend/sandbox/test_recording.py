"""The recorded day: every event is sound, or deliberately not and says so."""

import json
from collections import Counter

import pytest

from backend import strict_json
from backend.activities import ORIGINAL, ActRefused
from backend.errors import Refusal
from backend.partners.adapters import ADAPTERS
from backend.partners.contract import Event, read_event
from backend.sandbox.programme import MEMBERS, PARTNERS
from backend.sandbox.recording import DAY, RECORDING, Recorded, by_partner, recorded_day

DAY_RECORDED = recorded_day()
ORDINARY = [event for event in DAY_RECORDED if not event.note]
ODD = [event for event in DAY_RECORDED if event.note]


def read(event: Recorded) -> Event:
    found = read_event(strict_json.loads_object(event.body))
    if not ADAPTERS[event.partner].sends(found):
        raise Refusal("not theirs")
    return found


def test_it_is_a_whole_day_of_four_platforms() -> None:
    assert 150 <= len(DAY_RECORDED) <= 200
    assert set(by_partner(DAY_RECORDED)) == set(PARTNERS)
    assert all(len(events) >= 10 for events in by_partner(DAY_RECORDED).values())


@pytest.mark.parametrize("event", ORDINARY, ids=lambda event: event.id)
def test_an_ordinary_event_follows_the_contract_and_can_be_translated(event: Recorded) -> None:
    found = read(event)
    assert event.signed in ("v1", "v1a")
    assert DAY.isoformat() in event.body.decode()
    for line in found.lines:
        assert found.order_type is not None
        ADAPTERS[event.partner].translate(event.partner, found, line, found.order_type, 0)


def test_every_kind_of_trouble_a_platform_can_make_is_there() -> None:
    troubles: Counter[str] = Counter()
    seen: dict[tuple[str, str], bytes] = {}
    for event in DAY_RECORDED:
        before = seen.setdefault((event.partner, event.id), event.body)
        if event.signed in ("wrong_key", "stale"):
            troubles[event.signed] += 1
        elif before is not event.body:
            troubles["repeated" if before == event.body else "another body"] += 1
        else:
            troubles[trouble_of(event)] += 1
    assert troubles.pop("none") > 100
    expected = {"wrong_key", "stale", "repeated", "another body", "withdrawal", "correction"}
    expected |= {"INVALID_JSON", "DUPLICATE_KEY", "INVALID_ENVELOPE", "REFUSED"}
    expected |= {"UNKNOWN_CATEGORY", "NOT_COMPLETED", "INVALID_LINE"}
    assert expected <= set(troubles)


def trouble_of(event: Recorded) -> str:
    """What the contract's reader or the platform's adapter says."""
    try:
        found = read(event)
    except Refusal as refusal:
        return refusal.code
    if found.rank != ORIGINAL:
        return "withdrawal" if found.type == "order.cancelled" else "correction"
    for line in found.lines:
        try:
            assert found.order_type is not None
            ADAPTERS[event.partner].translate(event.partner, found, line, found.order_type, 0)
        except ActRefused as refused:
            return refused.reason
    return "none"


def test_all_that_is_repeated_or_badly_signed_has_a_note() -> None:
    counts = Counter((event.partner, event.id) for event in ORDINARY)
    assert set(counts.values()) == {1}
    assert {event.signed for event in ORDINARY} == {"v1", "v1a"}
    assert {event.signed for event in ODD} >= {"wrong_key", "stale"}


@pytest.mark.parametrize("partner", PARTNERS)
def test_a_platform_s_last_event_is_taken_in(partner: str) -> None:
    """By its id a second run recognises that everything was sent."""
    last = by_partner(DAY_RECORDED)[partner][-1]
    assert not last.note
    assert [event.id for event in DAY_RECORDED].count(last.id) == 1


def test_ed25519_signatures_are_shown_where_there_is_a_key() -> None:
    assert {event.partner for event in DAY_RECORDED if event.signed == "v1a"} == {"transit"}
    assert PARTNERS["transit"].signing_key is not None


def test_it_names_nobody_but_the_sandbox_s_members() -> None:
    references = {partner.user_ref(member.name) for partner in PARTNERS.values() for member in MEMBERS}
    for line in RECORDING.read_text("utf-8").splitlines():
        body = json.loads(line).get("body")
        if body is not None:
            assert body["data"].get("user_ref") in references | {None}


def test_somebody_is_not_linked_and_somebody_does_not_consent() -> None:
    unlinked = {f"{partner.user_prefix}-luo" for partner in PARTNERS.values()}
    silent = {f"{partner.user_prefix}-he" for partner in PARTNERS.values()}
    assert [member.name for member in MEMBERS if not member.linked] == ["luo"]
    assert [member.name for member in MEMBERS if member.linked and not member.consenting] == ["he"]
    users = Counter(read(event).user_ref for event in DAY_RECORDED if trouble_of(event) == "none")
    assert sum(users[user] for user in unlinked) >= 2
    assert sum(users[user] for user in silent) >= 2
