"""Every posted transaction is announced with the change of each balance: who adds them up holds the balances."""

import json
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from backend import clock, ledger, outbox
from backend.ids import new_id
from backend.ledger import Transaction, Transfer
from backend.outbox import OutboxRow
from tests.backend.world import World

#: What happens to points, in an order in which it can.
STORY = (
    ("balance.changed", (Transfer("issuer.points", "points.pending", 90),)),
    (
        "points.ripened",
        (
            Transfer("points.pending", "points.available", 90),
            Transfer("points.available", "issuer.points", 10),
            Transfer("issuer.points", "points.available", 10),
        ),
    ),
    ("points.reserved", (Transfer("points.available", "points.reserved", 50),)),
    ("points.released", (Transfer("points.reserved", "points.available", 20),)),
    ("points.spent", (Transfer("points.reserved", "spent.points", 30),)),
    ("points.spent", (Transfer("points.available", "spent.points", 5),)),
    ("points.refunded", (Transfer("spent.points", "points.available", 5),)),
    ("points.lapsed", (Transfer("points.available", "expired.points", 60),)),
    ("balance.changed", (Transfer("owed.points", "points.debt", 8),)),
    ("points.written_off", (Transfer("points.debt", "written_off.points", 8),)),
    ("points.granted", (Transfer("issuer.points", "points.pending", 7),)),
    ("points.revoked", (Transfer("points.pending", "issuer.points", 7),)),
)
#: What is known by its kind, for its accounts are those of an act.
KINDS = {"points.granted": "grant", "points.revoked": "grant.reversed"}


def test_what_is_posted_is_announced_once_under_its_name_with_every_change(world: World) -> None:
    alice = world.person("alice", linked=False, consenting=False)
    after: list[dict[str, int]] = [{}]
    for number, (topic, transfers) in enumerate(STORY):
        act = Transaction(new_id(), alice, "members", KINDS.get(topic, "test"), f"key-{number}", transfers)
        for dry_run in (True, False, False):
            with world.house.transaction() as tx:
                ledger.post(tx, [act], now=clock.now(), dry_run=dry_run)
        after.append(world.balances(alice))

    with world.house.transaction() as tx:
        outbox.give_positions(tx)
        rows = list(tx.scalars(select(OutboxRow).order_by(OutboxRow.position)))
        assert [row.topic for row in rows] == [topic for topic, _ in STORY]
        assert set(ledger.TOPICS) == {topic for topic, _ in STORY}
        for row, (before, now) in zip(rows, pairwise(after), strict=True):
            changes: dict[str, Any] = json.loads(row.payload)["changes"]
            assert all(changes.values()) and all(
                changes[name] == now.get(name, 0) - before.get(name, 0) for name in changes
            )
        moments = {(alice, "members", position): now for position, now in enumerate(after, start=1)}
        assert ledger.balances_before(tx, moments) == moments
