"""A world whose announcements are followed: what tests of destinations have in common."""

import importlib.util
from typing import Any

from sqlalchemy import select

from backend import clock, outbox, sync
from backend.sync.models import Delivery
from tests.backend.sync.receiver import Receiver
from tests.backend.world import World, days_ago, trip
from tests.house_rules import ROOT


def add(world: World, code: str, receiver: Receiver, **how: Any) -> str:
    """A destination at the receiver, working for us under contract unless told otherwise; returns its secret."""
    how = {"url": receiver.url, "basis": "entrusted", "allowed_hosts": [receiver.host]} | how
    with world.house.transaction() as tx:
        return sync.add_destination(tx, world.house.vault, code=code, now=clock.now(), **how)


def act(world: World, order: str, user: str = "alice", days: int = 3) -> None:
    """A credited trip, announced."""
    world.send("transit", trip(order, user, at=days_ago(days)))
    world.settle()


def number(world: World) -> None:
    with world.house.transaction() as tx:
        while outbox.give_positions(tx):
            pass


def deliver(world: World, code: str, *receivers: Receiver) -> None:
    """Everything that is due now."""
    number(world)
    hosts = [receiver.host for receiver in receivers]
    while sync.deliver_round(world.house.sessions, world.house.vault, code, allowed_hosts=hosts):
        pass


def counts(world: World, code: str) -> dict[str, int]:
    with world.house.transaction() as tx:
        return next(item for item in sync.destination_states(tx) if item.code == code).counts


def deliveries(world: World, code: str) -> list[Delivery]:
    with world.house.transaction() as tx:
        return list(tx.scalars(select(Delivery).where(Delivery.destination == code).order_by(Delivery.id)))


def example_module() -> Any:
    """docs/examples/receiver.py, as a platform would run it."""
    spec = importlib.util.spec_from_file_location("receiver_example", ROOT / "docs" / "examples" / "receiver.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


__all__ = ["act", "add", "counts", "deliver", "deliveries", "example_module", "number"]
