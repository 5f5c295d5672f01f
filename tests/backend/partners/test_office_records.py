"""Signed documents and meetings held online: recorded payloads of an office system, over HTTP, line by line."""

import copy
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from backend import ledger
from tests.backend.partners.test_office_systems import OFFICE, agree, office, staff
from tests.backend.partners.test_recorded_devices import recorded
from tests.backend.partners.test_webhook import Sender
from tests.backend.world import World


@pytest.fixture(autouse=True)
def that_evening() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 6, 5, 12, 0, tzinfo=UTC), tick=False):
        yield


class Office:
    """The office system of an employer, under an agreement, and one of the staff."""

    def __init__(self, app: Flask, world: World) -> None:
        self.world, self.sender = world, Sender(app, world)
        office(world, adapter="office")
        agree(world, date(2026, 6, 1))
        self.lin: UUID = staff(world, "lin", "00123", date(2026, 1, 1))

    def told(self, event: dict[str, Any]) -> list[tuple[str, str | None, int]]:
        answer = self.sender.post(event, partner=OFFICE)
        assert answer.status_code == 202, answer.text
        self.world.settle()
        self.world.check_books()
        lines = self.world.lines(OFFICE, answer.json["event_id"])  # type: ignore[index]
        return [(line["status"], line["code"], line.get("reduction_g") or 0) for line in lines]

    def reduction_g(self) -> int:
        with self.world.house.transaction() as tx:
            return ledger.balances(tx, self.lin)["staff"]["reduction"]


def later(event: dict[str, Any], kind: str, *items: dict[str, Any], **data: Any) -> dict[str, Any]:
    said = copy.deepcopy(event) | {"type": kind}
    said["data"] |= {"items": list(items)} | data
    return said


@pytest.fixture
def system(app: Flask, world: World) -> Office:
    return Office(app, world)


def test_a_signed_document_counts_once_by_its_own_number(system: Office) -> None:
    """20 × 2 × 4.64 − 4 × 2.5 = 175.6 g; 10 × 2 × 4.64 = 92.8 g; corrected 10 × 2 × 4.64 − 10 = 82.8 g."""
    event = recorded("office_documents")
    assert system.told(event) == [
        ("issued", None, 175),
        ("issued", None, 92),
        ("outdone", "ALREADY_CLAIMED", 0),
        ("refused", "MISSING_EVIDENCE", 0),
        ("refused", "MISSING_EVIDENCE", 0),
        ("refused", "INVALID_LINE", 0),
        ("refused", "INVALID_LINE", 0),
        ("refused", "MISSING_DATA", 0),
        ("refused", "OUT_OF_BOUNDS", 0),
        ("refused", "NOT_A_NUMBER", 0),
        ("refused", "NOT_A_NUMBER", 0),
        ("refused", "OUT_OF_BOUNDS", 0),
        ("refused", "INVALID_LINE", 0),
    ]
    again = later(event, "document.signed", event["data"]["items"][0], order_no="OA-SIGN-20260605-0019")
    assert system.told(again)[0][:2] == ("outdone", "ALREADY_CLAIMED"), "another order, the same document"
    corrected = event["data"]["items"][0] | {"pages": 10}
    assert system.told(later(event, "order.corrected", corrected, revision=2)) == [("issued", None, 82)]
    assert system.reduction_g() == 82 + 92
    system.told(later(event, "order.cancelled", {"line": 1}, {"line": 2}, revision=3))
    assert system.reduction_g() == 46, "line 3 comes to its right, which is the same document"
    unfinished = later(event, "document.signed", corrected, order_no="OA-SIGN-20260605-0020", outcome="signing")
    assert system.told(unfinished) == [("refused", "NOT_COMPLETED", 0)]


def test_a_meeting_counts_for_the_journey_that_was_cancelled(system: Office) -> None:
    """2 × (1100 × 0.0829 + 500 × 0.0204) − 6 × 1.5 × 0.15 = 201.43 kg."""
    event = recorded("office_meetings")
    statuses = system.told(event)
    assert statuses[0] == ("issued", None, 201_430)
    assert [line[:2] for line in statuses[1:]] == [
        ("outdone", "ALREADY_CLAIMED"),
        ("refused", "MISSING_EVIDENCE"),
        ("refused", "MISSING_DATA"),
        ("refused", "OUT_OF_BOUNDS"),
        ("refused", "IMPLAUSIBLE_FLIGHTS"),
        ("refused", "OUT_OF_BOUNDS"),
        ("refused", "OUT_OF_BOUNDS"),
        ("refused", "INVALID_LINE"),
    ]
    assert system.reduction_g() == 201_430
    system.told(later(event, "order.cancelled", revision=2))
    assert system.reduction_g() == 0
    assert system.told(event)[0][:2] == ("superseded", "CANCELLED"), "what comes late finds it cancelled"
