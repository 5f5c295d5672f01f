"""The shop credits the models it knows, and nothing else."""

import pytest

from tests.backend.world import World, event


def purchase(order_no: str, model: str, **fields: object) -> dict[str, object]:
    item = {"line": 1, "category": "laptop", "model": model, "serial": order_no, "certificate_no": order_no, **fields}
    return event("product.purchased", order_no, "alice", items=[item])


@pytest.mark.parametrize("model", ["Legion Y9000K IRX9", "YOGA Book 9 13IMU9", "yoga pro 16s imh9", "ThinkBook X IMH"])
def test_the_four_certified_models(world: World, model: str) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", model, retired_kg=360))
    world.settle()
    assert world.balances(alice) == {"offset": 360_000, "points.pending": 200}


def test_never_more_than_the_footprint(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "ThinkPad X1 Carbon Gen 9", retired_kg=1000))
    world.send("shop", purchase("P2", "ThinkBook X IMH", footprint_kg=300, retired_kg=500))
    world.settle()
    assert world.balances(alice)["offset"] == 508_000 + 300_000


def test_an_unknown_model_is_refused_whatever_it_claims(world: World) -> None:
    alice = world.person("alice")
    sent = world.send("shop", purchase("P1", "Toaster 3000", footprint_kg=2000, retired_kg=2000))
    world.settle()
    assert world.lines("shop", sent)[0]["code"] == "UNKNOWN_CATEGORY"
    assert world.balances(alice) == {}
