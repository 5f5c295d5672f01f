"""Activities as rows: recording them, changing their status, and reading them back."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import SmallInteger, Text, Uuid, select, update
from sqlalchemy.orm import Session

from backend.activities.models import Activity, QuantificationBasis
from backend.lists import Columns, insert_rows, recordset
from methodologies import Basis

ActivityKey = tuple[UUID, UUID]  # holder, activity

ISSUED, OUTDONE, KEPT, REFUSED, TAKEN_BACK = "issued", "outdone", "kept", "refused", "taken_back"
#: Acts that hold their claims, and that later acts are decided against.
STANDING = (ISSUED, OUTDONE, KEPT)
#: What allows an act to be recorded: the member's consent to its source, an agreement of their employer or school, or
#: that they entered it themselves.
CONSENT, AGREEMENT, OWN_ACT = "consent", "agreement", "own_act"
#: Who books the reduction of an act: we, or its source in books of its own.
TRANSFERRED_CLAIM, KEPT_CLAIM = "transferred", "kept"


@dataclass(slots=True)
class Act:
    """One act on its way through the pipeline, and afterwards: everything `Activity` stores, plus its claims.

    Grams and watt-hours are whole; emissions are exact fractions of a gram as text.
    """

    holder_id: UUID
    id: UUID
    programme: str
    partner: str
    order_no: str
    line: str
    revision: int
    methodology: str
    scene: str
    profile: str
    grade: str
    occurred_at: datetime
    day: date
    started_at: datetime | None
    ended_at: datetime | None
    pending_days: int
    data: str
    evidence: str
    claim: str = TRANSFERRED_CLAIM
    rests_on: str = CONSENT
    basis_hash: bytes | None = None
    baseline: str | None = None
    project: str | None = None
    leakage: str | None = None
    reduction: str | None = None
    reduction_g: int = 0
    offset_g: int = 0
    eac_wh: int = 0
    status: str = REFUSED
    reason: str | None = None
    excluded_by: UUID | None = None
    issue_count: int = 0
    fingerprints: tuple[bytes, ...] = field(default=())

    @property
    def key(self) -> ActivityKey:
        return self.holder_id, self.id

    @property
    def keeps_claim(self) -> bool:
        """Whether its source books the reduction itself, so that it is never credited here."""
        return self.claim == KEPT_CLAIM

    @property
    def begins_at(self) -> datetime:
        """When the act began, for deciding between acts."""
        return self.started_at or self.occurred_at


_STORED = tuple(column.name for column in Activity.__table__.columns if column.name != "recorded_at")


def record(tx: Session, acts: Sequence[Act], *, now: datetime) -> None:
    """Write new activities."""
    rows = [{name: getattr(act, name) for name in _STORED} | {"recorded_at": now} for act in acts]
    insert_rows(tx, Activity, rows)


def record_bases(tx: Session, bases: Collection[Basis]) -> None:
    """Keep the factor rows that were used, as they read on the day; each distinct set is stored once."""
    rows = [
        {"hash": bytes.fromhex(basis.hash), "content": json.dumps(basis.as_json(), ensure_ascii=False, sort_keys=True)}
        for basis in sorted(bases, key=lambda item: item.hash)
    ]
    insert_rows(tx, QuantificationBasis, rows, on_conflict=("hash",))


def save_statuses(tx: Session, acts: Sequence[Act]) -> None:
    """Write what was decided about activities that were recorded before."""
    if not acts:
        return
    types: Columns = {
        "holder_id": Uuid(),
        "id": Uuid(),
        "status": Text(),
        "reason": Text(),
        "excluded_by": Uuid(),
        "issue_count": SmallInteger(),
    }
    rows = [tuple(getattr(act, name) for name in types) for act in sorted(acts, key=lambda act: act.key)]
    given = recordset(tx, "given", types, rows)
    tx.execute(
        update(Activity)
        .values({name: given.c[name] for name in list(types)[2:]})
        .where(Activity.holder_id == given.c.holder_id, Activity.id == given.c.id)
        .execution_options(synchronize_session=False)
    )


def load(tx: Session, keys: Collection[ActivityKey]) -> dict[ActivityKey, Act]:
    """The activities of these keys."""
    if not keys:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(set(keys)))
    query = select(Activity.__table__).join(
        given, (Activity.holder_id == given.c.holder_id) & (Activity.id == given.c.id)
    )
    return {(row.holder_id, row.id): act_of(row) for row in tx.execute(query)}


def recorded_at(tx: Session, keys: Collection[ActivityKey]) -> dict[ActivityKey, datetime]:
    """When these activities were recorded."""
    if not keys:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(set(keys)))
    query = select(Activity.holder_id, Activity.id, Activity.recorded_at).join(
        given, (Activity.holder_id == given.c.holder_id) & (Activity.id == given.c.id)
    )
    return {(row.holder_id, row.id): row.recorded_at for row in tx.execute(query)}


def act_of(row: Any) -> Act:
    """A stored row as an Act (its claims are in the claims table)."""
    return Act(**{name: getattr(row, name) for name in _STORED})


def find_key(tx: Session, activity_id: UUID) -> ActivityKey | None:
    """The key of an activity of which only the id is known: for operators, who seldom ask, so no index serves it."""
    row = tx.execute(select(Activity.holder_id, Activity.id).where(Activity.id == activity_id)).one_or_none()
    return None if row is None else (row.holder_id, row.id)
