"""A lesson that was learned, as an act: what a member did here themselves, worth no gram and points by rule."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from backend import activities, settlement
from backend.identity import Acting, Receiver
from backend.ids import new_id
from backend.learning.publishing import Edition
from backend.settlement import Draft, Statement
from backend.strict_json import JsonValue, canonical
from backend.vault import Vault

SOURCE = "house:learning"
METHODOLOGY = "learning"
ORDER_TYPE = "lesson.completed"


@dataclass(frozen=True, slots=True)
class Credit:
    """What settlement said: `outcome` as of an act, `reason` where it is not credited, `points` that were earned."""

    outcome: str
    reason: str | None
    points: int


def credit(
    tx: Session,
    vault: Vault,
    acting: Acting,
    edition: Edition,
    occasion: str,
    *,
    data: Mapping[str, str | int],
    proof: Mapping[str, JsonValue],
    now: datetime,
) -> Credit:
    """Settle that this account has learned. `occasion` names when: the same one is credited once.

    `proof` is what the evidence shows beside the version of the lesson. Raises activities.Contended.
    """
    order_no = f"{edition.kind}:{edition.programme}:{edition.code}:{occasion}:{acting.holder_id}"
    shown: dict[str, JsonValue] = {"source": SOURCE, "lesson": edition.code, "kind": edition.kind}
    shown |= {"version": edition.version, "content_sha256": edition.content_hash, **proof}
    evidence = canonical(shown)
    identity: Mapping[str, str] = {"partner": SOURCE, "order_no": order_no, "line": "1"}
    draft = Draft(METHODOLOGY, data, identity, now, "E3")
    statement = Statement(
        source_id=new_id(),
        partner=SOURCE,
        order_no=order_no,
        line="1",
        revision=1,
        rank=activities.ORIGINAL,
        order_type=ORDER_TYPE,
        receiver=Receiver(acting.holder_id, acting.programme, acting.wrapped_key),
        content_hash=hashlib.sha256(evidence.encode()).digest(),
        evidence=evidence,
        translate=lambda _: draft,
        rests_on=activities.OWN_ACT,
    )
    (outcome,) = settlement.settle(tx, vault, [statement], now=now)
    return Credit(outcome.status, outcome.code, outcome.points)
