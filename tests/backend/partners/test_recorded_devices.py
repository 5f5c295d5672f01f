"""转转 and 铛铛一下: recorded payloads of devices and appliances, line by line."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import time_machine

from backend import clock, identity
from tests.backend.world import World

PAYLOADS = Path(__file__).parent / "payloads"


@pytest.fixture(autouse=True)
def that_evening() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 6, 5, 12, 0, tzinfo=UTC), tick=False):
        yield


def recorded(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def settled(world: World, partner: str, name: str) -> list[tuple[str, str | None, int]]:
    sent = world.send(partner, recorded(name))
    world.settle()
    world.check_books_at_the_end()
    return [(line["status"], line["code"], line.get("reduction_g") or 0) for line in world.lines(partner, sent)]


def consent_to_devices(world: World, holder: UUID, partner: str) -> None:
    with world.house.transaction() as tx:
        identity.set_consent(tx, holder_id=holder, partner=partner, scene="device", granted=True, now=clock.now())


def test_cameras_and_lenses_count_by_the_weight_of_the_piece(world: World) -> None:
    """Avoided per kilogram: 5.648 × 0.43 = 2.42864 kg, less 5 %: 2.307208 kg.

    Camera 0.6 kg: 1.3843248 kg. Lens 0.295 kg: 0.68062636 kg. The phone counts by the piece: 25 − 1.25 = 23.75 kg.
    """
    alice = world.person("alice")
    assert settled(world, "zhuanzhuan", "zhuanzhuan_cameras") == [
        ("issued", None, 1384),
        ("issued", None, 680),
        ("refused", "MISSING_DATA", 0),
        ("refused", "OUT_OF_BOUNDS", 0),
        ("issued", None, 23_750),
        ("refused", "UNKNOWN_CATEGORY", 0),
    ]
    assert world.balances(alice)["reduction"] == 1384 + 680 + 23_750


def test_taking_apart_what_emits_more_than_it_saves_is_issued_with_nothing(world: World) -> None:
    alice = world.person("alice")
    assert settled(world, "zhuanzhuan", "zhuanzhuan_recycled") == [
        ("issued", None, 0),
        ("issued", None, 0),
        ("issued", None, 0),
        ("refused", "UNKNOWN_CATEGORY", 0),
    ]
    assert world.balances(alice).get("reduction", 0) == 0


def test_large_appliances(world: World) -> None:
    """30 + 44.64 + 29.4 kg; the air conditioner's end of life emits 73.3 kg and is issued with nothing."""
    alice = world.person("alice")
    consent_to_devices(world, alice, "dangdang")
    lines = settled(world, "dangdang", "dangdang_appliances")
    assert lines == [
        ("issued", None, 30_000),
        ("issued", None, 44_640),
        ("issued", None, 29_400),
        ("issued", None, 0),
        ("refused", "UNKNOWN_CATEGORY", 0),
        ("refused", "MISSING_DATA", 0),
    ]
    assert world.balances(alice)["reduction"] == 104_040


def test_a_camera_already_sold_is_not_sold_again(world: World) -> None:
    world.person("alice")
    assert settled(world, "zhuanzhuan", "zhuanzhuan_cameras")[0] == ("issued", None, 1384)
    again = recorded("zhuanzhuan_cameras")
    again["data"] |= {"order_no": "ZZ2026060518000001", "items": again["data"]["items"][:1]}
    sent = world.send("zhuanzhuan", again)
    world.settle()
    [line] = world.lines("zhuanzhuan", sent)
    assert (line["status"], line["code"]) == ("outdone", "ALREADY_CLAIMED")
