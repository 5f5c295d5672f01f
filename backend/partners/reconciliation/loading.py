"""Taking a list in: its rows into a table, batch by batch, so that a list of any length needs the memory of one."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session, sessionmaker

from backend.database import transaction
from backend.ids import new_id
from backend.lists import insert_rows
from backend.partners.errors import InvalidList
from backend.partners.reconciliation.models import ListRow, PartnerList, ReconciliationDay
from backend.partners.reconciliation.reading import HashedFile, Read, read_list
from backend.partners.reconciliation.rows import FIELDS, BadRow, ListedRow

BATCH = 5_000
#: More rows than this that cannot be used are no slips: it is another file. Each would stay as a difference of its own.
MOST_FAULTS = 10_000
_ERASED_TOGETHER = 20_000
_EMPTY = dict.fromkeys(FIELDS)


@dataclass(frozen=True, slots=True)
class Taken:
    """A list that was read to its end. `faults` are the rows that cannot be used, which count as rows too."""

    id: UUID
    sha256: bytes
    rows: int
    faults: int


def take_list(
    sessions: sessionmaker[Session],
    partner: str,
    day: date,
    file: BinaryIO,
    *,
    source: str,
    now: datetime,
    on_batch: Callable[[int], None],
) -> Taken:
    """Read a list into its table; it counts for nothing until the day names it. `on_batch` is told the bytes read.

    Raises InvalidList, also for more than MOST_FAULTS bad rows; the rows read until then are erased in time.
    """
    list_id, hashed = new_id(), HashedFile(file)
    with transaction(sessions) as tx:
        begun = {"id": list_id, "partner": partner, "day": day, "source": source, "begun_at": now}
        tx.add(PartnerList(**begun, taken_at=None, sha256=None, rows=0, faults=0, erased=False))
    rows, faults = 0, Counter[str]()
    reads = read_list(hashed, day)
    while batch := list(islice(reads, BATCH)):
        rows, faults = rows + len(batch), faults + _keep(sessions, list_id, batch)
        if faults.total() > MOST_FAULTS:
            raise InvalidList("too many rows cannot be used", row=batch[-1][0], faults=dict(faults))
        on_batch(hashed.size_bytes)
    return Taken(list_id, hashed.sha256, rows, faults.total())


def finish_list(tx: Session, taken: Taken, *, now: datetime) -> None:
    """Note that the whole list is there."""
    told = {"taken_at": now, "sha256": taken.sha256, "rows": taken.rows, "faults": taken.faults}
    tx.execute(update(PartnerList).where(PartnerList.id == taken.id).values(**told))


def _keep(sessions: sessionmaker[Session], list_id: UUID, batch: Sequence[Read]) -> Counter[str]:
    """Write a batch; a row about a line that is listed already is kept as a bad row. How many are bad, by code."""
    good = [(position, row) for position, row in batch if isinstance(row, ListedRow)]
    bad = [(position, row) for position, row in batch if isinstance(row, BadRow)]
    key = ("list_id", "key", "line")
    with transaction(sessions) as tx:
        stored = [_stored(list_id, row) for _, row in good]
        returned = insert_rows(tx, ListRow, stored, on_conflict=key, returning=("position",))
        fresh = {row.position for row in returned}
        bad += [(position, BadRow("DUPLICATE_ROW")) for position, _ in good if position not in fresh]
        insert_rows(tx, ListRow, [_stored_fault(list_id, position, row) for position, row in bad], on_conflict=key)
    return Counter(row.code for _, row in bad)


def _stored(list_id: UUID, row: ListedRow) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in FIELDS}
    return {"list_id": list_id, "key": row.key, "position": row.position, "fault": None} | values


def _stored_fault(list_id: UUID, position: int, bad: BadRow) -> dict[str, Any]:
    fault = json.dumps({"code": bad.code, "field": bad.field})
    return _EMPTY | {"list_id": list_id, "key": f"r:{position}", "line": "", "position": position, "fault": fault}


def erase_lists(tx: Session, *, now: datetime) -> int:
    """Erase rows of lists that nothing is compared with any more, some thousands at once; 0 once none is left."""
    day = ReconciliationDay
    needed = (day.state != "closed") & ((day.list_id == PartnerList.id) | (day.busy_until > now))
    query = (
        select(PartnerList)
        .join(day, (day.partner == PartnerList.partner) & (day.day == PartnerList.day))
        .where(~PartnerList.erased, ~needed)
        .order_by(PartnerList.id)
        .limit(1)
    )
    found = tx.scalars(query).one_or_none()
    if found is None:
        return 0
    some = select(ListRow.key, ListRow.line).where(ListRow.list_id == found.id).limit(_ERASED_TOGETHER)
    gone = delete(ListRow).where(ListRow.list_id == found.id, tuple_(ListRow.key, ListRow.line).in_(some))
    count = len(tx.scalars(gone.returning(ListRow.position).execution_options(synchronize_session=False)).all())
    found.erased = count < _ERASED_TOGETHER
    return max(count, 1)
