"""Announcements go when they are old and nobody needs them any more; who was told about whom stays."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from backend import clock, outbox, sync
from backend.sync.models import AccountSequence, Delivery
from tests.backend.sync.following import act, add, counts, deliver
from tests.backend.sync.receiver import Receiver
from tests.backend.world import World


def purge(world: World, days: int) -> int:
    """Everything that is old enough so many days from now, one row at a time; returns how many announcements stay."""
    keep = {"kept": timedelta(days=90), "dead_kept": timedelta(days=365)}
    done = 1
    while done:
        with world.house.transaction() as tx:
            done = sync.purge(tx, **keep, now=clock.now() + timedelta(days=days), limit=1)
    with world.house.transaction() as tx:
        return tx.scalar(select(func.count()).select_from(outbox.OutboxRow)) or 0


def test_what_is_old_and_done_is_removed_never_past_a_destination(world: World, receiver: Receiver) -> None:
    alice = world.person("alice")
    add(world, "one", receiver)
    add(world, "behind", receiver)
    act(world, "T1")
    deliver(world, "one", receiver)
    receiver.answer = lambda _: 410
    deliver(world, "behind", receiver)
    receiver.answer = lambda _: 200
    for number in (2, 3):
        act(world, f"T{number}", days=number + 2)
    deliver(world, "one", receiver)
    with world.house.transaction() as tx:
        tx.execute(update(Delivery).where(Delivery.destination == "one", Delivery.sequence == 2).values(state="dead"))
    assert purge(world, 89) == 3
    assert purge(world, 91) == 3, "behind has one that it may still want, and has not come to the others"

    with world.house.transaction() as tx:
        assert sync.retire(tx, "behind", now=clock.now()) == 1
        with pytest.raises(sync.UnknownDestination):
            sync.redrive(tx, "behind", now=clock.now())
    with pytest.raises(sync.DestinationExists):
        add(world, "behind", receiver)
    assert purge(world, 91) == 2, "one is dead, and one is the newest"
    assert counts(world, "one") == {"dead": 1, "delivered": 1} and counts(world, "behind") == {}
    assert purge(world, 366) == 1
    with world.house.transaction() as tx:
        told = {row.destination: row.last for row in tx.scalars(select(AccountSequence))}
    assert told == {"one": 3, "behind": 1}

    act(world, "T4", days=6)
    deliver(world, "one", receiver)
    assert receiver.received[-1].data["sequence"] == 4, "positions and numbers go on where they were"
    assert world.balances(alice)["reduction"] > 0
