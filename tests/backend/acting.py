"""Acts settled without a partner's event, for methodologies that no adapter reports yet."""

import hashlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from backend import House, activities, clock, identity, points, settlement
from backend.identity import Receiver
from backend.ids import new_id
from backend.settlement import Draft, Outcome, Statement
from tests.backend.world import days_ago

#: Fixed points of `allow_every_act`'s rule; donated steps earn none, so that both kinds of engagement are seen.
FIXED = {"learning": 20, "green_electricity": 50, "metro_ride": 7, "low_carbon_pc": 200}


def allow_every_act(house: House, holder: UUID) -> None:
    """The member lets the shop report acts of every scene, under a rule that lists fixed points."""
    with house.transaction() as tx:
        begins = clock.today() - timedelta(days=60)
        points.save_rule(tx, programme="members", version=2, in_force_from=begins, fixed_points=FIXED)
        for scene in identity.SCENES:
            identity.set_consent(tx, holder_id=holder, partner="shop", scene=scene, granted=True, now=clock.now())


def settle_act(
    house: House, holder: UUID, methodology: str, data: dict[str, Any], order: str = "O1", **how: Any
) -> Outcome:
    """Settle one act of this methodology through the pipeline; `named` adds to what names the physical act.

    Of an order settled before, a higher `revision` takes back what it was and issues it again.
    """
    revision = how.pop("revision", 1)
    named = {"partner": "shop", "order_no": order, "line": "1", "trip_id": order, "meter": "M1", "period": "2026-05"}
    named |= {"certificate_no": order} | how.pop("named", {})
    draft = Draft(methodology, data, named, how.pop("at", days_ago(3)), how.pop("grade", "E3"), **how)
    statement = Statement(
        source_id=new_id(),
        partner="shop",
        order_no=order,
        line="1",
        revision=revision,
        rank=activities.ORIGINAL if revision == 1 else activities.CORRECTED,
        order_type="product.purchased",
        receiver=Receiver(holder, "members", b""),
        content_hash=hashlib.sha256(order.encode()).digest(),
        evidence=json.dumps({"source": "test"}),
        translate=lambda _: draft,
    )
    with house.transaction() as tx:
        (outcome,) = settlement.settle(tx, house.vault, [statement], now=clock.now())
    return outcome
