"""Orders and their lines: which statement about a line stands, whatever order the statements came in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Text, select, update
from sqlalchemy.orm import Session

from backend.activities.models import Order, OrderLine
from backend.lists import insert_rows, recordset, upsert_rows

OrderKey = tuple[str, str]  # partner, order number

WHOLE_ORDER = "*"
ORIGINAL, CORRECTED, CANCELLED = 0, 1, 2  # ranks: within one revision the later kind of statement stands


@dataclass(slots=True)
class LineState:
    """The statement that stands for a line, and the activity it made, if it made one."""

    revision: int
    rank: int
    content_hash: bytes
    activity: tuple[UUID, UUID] | None = None  # holder, activity

    @property
    def precedence(self) -> tuple[int, int]:
        return self.revision, self.rank


@dataclass(slots=True)
class OrderState:
    """A locked order as it stands."""

    order_type: str | None
    lines: dict[str, LineState] = field(default_factory=dict)


def lock_orders(tx: Session, types: Mapping[OrderKey, str | None]) -> dict[OrderKey, OrderState]:
    """Lock these orders (made when new) until commit, and read how they stand.

    `types` says what kind of order each is, None where its events do not tell. The first kind that is told stays.
    """
    ordered = sorted(types)
    rows = [{"partner": partner, "order_no": no, "order_type": types[partner, no]} for partner, no in ordered]
    key = ("partner", "order_no")
    fresh = {(row.partner, row.order_no) for row in insert_rows(tx, Order, rows, on_conflict=key, returning=key)}
    states = {order: OrderState(types[order]) for order in ordered}
    known = [order for order in ordered if order not in fresh]
    if known:
        _read_known(tx, known, states)
        learnt = {o: kind for o in known if states[o].order_type is None and (kind := types[o]) is not None}
        _save_order_types(tx, learnt)
        for order, kind in learnt.items():
            states[order].order_type = kind
    return states


def _read_known(tx: Session, known: list[OrderKey], states: dict[OrderKey, OrderState]) -> None:
    given = recordset(tx, "given", {"partner": Text(), "order_no": Text()}, known)
    locked = tx.execute(
        select(Order.partner, Order.order_no, Order.order_type)
        .join(given, (Order.partner == given.c.partner) & (Order.order_no == given.c.order_no))
        .order_by(Order.partner, Order.order_no)
        .with_for_update(of=Order)
    )
    for row in locked:
        states[row.partner, row.order_no].order_type = row.order_type
    given = recordset(tx, "given", {"partner": Text(), "order_no": Text()}, known)
    lines = tx.execute(
        select(OrderLine.__table__).join(
            given, (OrderLine.partner == given.c.partner) & (OrderLine.order_no == given.c.order_no)
        )
    )
    for row in lines:
        activity = (row.holder_id, row.activity_id) if row.activity_id is not None else None
        state = LineState(row.revision, row.rank, row.content_hash, activity)
        states[row.partner, row.order_no].lines[row.line] = state


def _save_order_types(tx: Session, types: Mapping[OrderKey, str]) -> None:
    """Note what kind of order these are, learnt from their first event."""
    rows = [(*key, kind) for key, kind in sorted(types.items())]
    if rows:
        given = recordset(tx, "given", {"partner": Text(), "order_no": Text(), "order_type": Text()}, rows)
        tx.execute(
            update(Order)
            .values(order_type=given.c.order_type)
            .where(Order.partner == given.c.partner, Order.order_no == given.c.order_no)
            .execution_options(synchronize_session=False)
        )


def save_lines(tx: Session, lines: Mapping[tuple[str, str, str], LineState]) -> None:
    """Write the statements that stand now, for (partner, order number, line)."""
    rows = [
        {
            "partner": partner,
            "order_no": order_no,
            "line": line,
            "revision": state.revision,
            "rank": state.rank,
            "content_hash": state.content_hash,
            "holder_id": state.activity[0] if state.activity else None,
            "activity_id": state.activity[1] if state.activity else None,
        }
        for (partner, order_no, line), state in sorted(lines.items())
    ]
    upsert_rows(tx, OrderLine, rows, key=("partner", "order_no", "line"))
