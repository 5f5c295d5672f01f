"""How the lines of a partner's orders stand today: for comparing them with what others say of them."""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, select
from sqlalchemy.orm import Session

from backend.activities.models import Activity, Order, OrderLine
from backend.activities.orders import CANCELLED
from backend.activities.quantification import Credited
from backend.activities.records import ISSUED, ActivityKey
from backend.activities.restatements import restatements_of
from backend.lists import recordset


@dataclass(frozen=True, slots=True)
class StandingLine:
    """The statement that stands for a line, and its act.

    `status` is the act's, `cancelled` where a cancellation stands, and None where the line was refused or waits before
    there was an act. `credits` are what it counts for now, as restated: nothing while it is not issued.
    `content_hash` stands for what its source said of it.
    """

    order_no: str
    line: str
    order_type: str | None
    revision: int
    status: str | None
    reason: str | None
    activity: ActivityKey | None
    credits: Credited
    data: dict[str, Any]
    content_hash: bytes = b""


_NOTHING = Credited(0, 0, 0)


def standing_lines(tx: Session, partner: str, order_nos: Collection[str]) -> dict[str, list[StandingLine]]:
    """Order number → its lines, in the order of their names; orders that never came are left out."""
    found: dict[str, list[StandingLine]] = defaultdict(list)
    if not order_nos:
        return found
    rows = tx.execute(_query(tx, partner, order_nos)).all()
    restated = restatements_of(tx, [(row.holder_id, row.activity_id) for row in rows if row.status == ISSUED])
    for row in rows:
        key: tuple[UUID, UUID] | None = (row.holder_id, row.activity_id) if row.activity_id else None
        credits = _NOTHING
        if key is not None and row.status == ISSUED:
            again = restated.get(key)
            credits = again[-1].credits if again else Credited(row.reduction_g, row.offset_g, row.eac_wh)
        status = "cancelled" if row.rank == CANCELLED and key is None else row.status
        data = json.loads(row.data) if row.data else {}
        found[row.order_no].append(
            StandingLine(
                *(row.order_no, row.line, row.order_type, row.revision, status, row.reason, key, credits, data),
                row.content_hash,
            )
        )
    return found


def _query(tx: Session, partner: str, order_nos: Collection[str]) -> Any:
    """Tables, not models: there may be thousands of rows."""
    given = recordset(tx, "given", {"order_no": Text()}, [(no,) for no in sorted(set(order_nos))])
    line, order, act = OrderLine.__table__, Order.__table__, Activity.__table__
    joined = (
        given.join(line, and_(line.c.partner == partner, line.c.order_no == given.c.order_no))
        .join(order, and_(order.c.partner == line.c.partner, order.c.order_no == line.c.order_no))
        .outerjoin(act, and_(act.c.holder_id == line.c.holder_id, act.c.id == line.c.activity_id))
    )
    columns = (
        *(
            line.c[name]
            for name in ("order_no", "line", "revision", "rank", "content_hash", "holder_id", "activity_id")
        ),
        order.c.order_type,
        *(act.c[name] for name in ("status", "reason", "data", "reduction_g", "offset_g", "eac_wh")),
    )
    return select(*columns).select_from(joined).order_by(line.c.order_no, line.c.line)
