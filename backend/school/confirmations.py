"""What a teacher finds again: the trips and hand-ins that were confirmed for a class, as they stand."""

import json
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import activities
from backend.activities import Act
from backend.school.classes import class_today
from backend.school.confirming import SOURCE


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One confirmation. Trips have `direction`, `mode` and `pupils`, hand-ins `bag_code` and what was in the bag.

    `counts`: whether it is credited; `reason` says why not.
    """

    kind: str
    day: date
    counts: bool
    reason: str | None
    reduction_g: int
    direction: str | None = None
    mode: str | None = None
    pupils: int | None = None
    bag_code: str | None = None
    stream: str | None = None
    weight_kg: str | None = None
    books: int | None = None


def confirmations(tx: Session, class_id: UUID, first: date, last: date, *, now: datetime) -> list[Confirmation]:
    """What was confirmed of these days and not taken back, newest day first. Raises UnknownClass."""
    programme = class_today(tx, class_id, now=now).programme
    acts = activities.standing_between(tx, class_id, programme, first, last)
    mine = [act for act in acts if act.partner == SOURCE]
    credits = activities.standings(tx, mine)
    return [_told(act, credits[act.key].reduction_g) for act in reversed(mine)]


def _told(act: Act, reduction_g: int) -> Confirmation:
    data = json.loads(act.data)
    counts = act.status == "issued"
    kind, _, rest = act.order_no.partition(":")
    so = (act.day, counts, act.reason, reduction_g if counts else 0)
    if kind == "trip":
        direction, mode = rest.split(":")[2:4]
        return Confirmation("trips", *so, direction=direction, mode=mode, pupils=int(data["pupils"]))
    bag_code = rest.split(":")[1]
    if act.methodology == "book_donation":
        return Confirmation("hand_in", *so, bag_code=bag_code, books=int(data["quantity"]))
    return Confirmation("hand_in", *so, bag_code=bag_code, stream=data["stream"], weight_kg=str(data["weight_kg"]))
