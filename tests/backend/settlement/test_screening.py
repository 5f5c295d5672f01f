"""What is looked at before anything is quantified."""

import pytest

from tests.backend.world import World, trip


@pytest.mark.parametrize(("minutes", "outcome"), [(390, ("issued", None)), (391, ("refused", "TRIP_TOO_LONG"))])
def test_a_trip_lasts_six_and_a_half_hours_at_most(world: World, minutes: int, outcome: tuple[str, str]) -> None:
    world.person("alice")
    sent = world.send("transit", trip("T1", "alice", "30", minutes=minutes))
    world.settle()
    [line] = world.lines("transit", sent)
    assert (line["status"], line["code"]) == outcome
