"""The shop credits what the product register documents, calls an assumption one, and refuses the rest with a reason."""

from uuid import UUID

import pytest

from backend import activities
from backend.activities import ActRefused, Explained
from backend.partners.adapters import ADAPTERS
from backend.partners.contract import read_event
from tests.backend.world import World, event

CERTIFIED = ["Legion Y9000K IRX9", "YOGA Book 9 13IMU9", "yoga pro 16s imh9", "ThinkBook X IMH"]


def purchase(order_no: str, model: str, **fields: object) -> dict[str, object]:
    item = {"line": 1, "category": "laptop", "model": model, "serial": order_no, "certificate_no": order_no, **fields}
    return event("product.purchased", order_no, "alice", items=[item])


def explanations(world: World, holder: UUID) -> list[Explained]:
    """The calculations behind a member's acts."""
    with world.house.transaction() as tx:
        found = [activities.explain(tx, act) for act in activities.acts_of(tx, holder)]
    return [one for one in found if one is not None]


def unverified(world: World, holder: UUID) -> list[str]:
    """What the calculations of a member call recalled or assumed."""
    return [name for one in explanations(world, holder) for name in one.trail["unverified"]]


@pytest.mark.parametrize("model", CERTIFIED)
def test_the_four_certified_models(world: World, model: str) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", model, retired_kg=360))
    world.settle()
    assert world.balances(alice) == {"offset": 360_000, "points.pending": 200}
    world.check_books()


def test_never_more_than_the_footprint(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "ThinkPad X1 Carbon Gen 9", retired_kg=1000))
    world.send("shop", purchase("P2", "ThinkBook X IMH", footprint_kg=300, retired_kg=500))
    world.send("shop", purchase("P3", "Legion Y9000K IRX9", retired_kg=1500))
    world.settle()
    assert world.balances(alice)["offset"] == 508_000 + 300_000 + 799_000


def test_a_registered_footprint_is_compared_with_its_segment(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "ideapad 3-14", certificate_no=None))
    world.settle()
    assert world.balances(alice) == {"reduction": 400, "points.pending": 400}


def test_the_receipt_calls_an_unpublished_footprint_an_assumption(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "ThinkBook X IMH", retired_kg=287))
    world.settle()
    assert "certified_share: ASSUMED" in unverified(world, alice)
    (explained,) = explanations(world, alice)
    assert explained.trail["data"] == {
        "certified_model": "thinkbook_x_imh",
        "certified_retired_kg": "287",
        "quantity": "1",
    }
    assert explained.confirmed and "假定" in explained.trail["sentence_zh"]


def test_a_footprint_in_the_event_is_no_assumption(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "ThinkBook X IMH", footprint_kg=270, retired_kg=287))
    world.settle()
    assert world.balances(alice)["offset"] == 270_000
    assert unverified(world, alice) == []


REFUSED = {
    "not registered, whatever it claims": ("Toaster 3000", {"footprint_kg": 2000}, "UNKNOWN_CATEGORY"),
    "a certificate that does not speak of retirement": ("Yoga Air 14s", {"retired_kg": 300}, "PRODUCT_NOT_DOCUMENTED"),
    "nothing said about retirement": ("ThinkBook X IMH", {}, "MISSING_DATA"),
    "nothing retired": ("ThinkBook X IMH", {"retired_kg": 0}, "OUT_OF_BOUNDS"),
    "more than any computer": ("ThinkBook X IMH", {"retired_kg": 2001}, "OUT_OF_BOUNDS"),
    "no certificate number": ("ThinkBook X IMH", {"retired_kg": 300, "certificate_no": None}, "MISSING_EVIDENCE"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_a_reason(world: World, case: str) -> None:
    alice = world.person("alice")
    model, fields, code = REFUSED[case]
    sent = world.send("shop", purchase("P1", model, **fields))
    world.settle()
    assert world.lines("shop", sent)[0]["code"] == code
    assert world.balances(alice) == {}


def test_a_product_without_documents_counts_by_the_footprint_of_the_event(world: World) -> None:
    alice = world.person("alice")
    world.send("shop", purchase("P1", "Yoga Air 14s", footprint_kg=250, retired_kg=300))
    world.settle()
    assert world.balances(alice)["offset"] == 250_000


@pytest.mark.parametrize("model", [*CERTIFIED, "ThinkPad X1 Carbon Gen 9"])
def test_the_register_is_asked_about_the_day_in_china(model: str) -> None:
    def draft(occurred_at: str) -> object:
        told = {**purchase("P1", model, retired_kg=300), "timestamp": "2024-01-02T00:00:00Z"}
        told["data"] = {**told["data"], "occurred_at": occurred_at}  # type: ignore[dict-item]
        return ADAPTERS["shop"].translate("shop", read_event(told), "1", "product.purchased", 7)

    with pytest.raises(ActRefused) as refused:
        draft("2023-12-31T15:59:59Z")
    assert refused.value.reason == "PRODUCT_NOT_DOCUMENTED"
    assert draft("2023-12-31T16:00:00Z")
