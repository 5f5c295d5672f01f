"""重述 Restatements: what issued acts are worth since a number was corrected. What was issued is never edited."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Uuid, select
from sqlalchemy.orm import Session

from backend.activities import claims, holder_days
from backend.activities.models import Activity, ActivityRestatement
from backend.activities.policy import days_of
from backend.activities.quantification import Credited, credits_of, day_rules
from backend.activities.records import ISSUED, Act, ActivityKey, act_of, load
from backend.lists import insert_rows, recordset


@dataclass(frozen=True, slots=True)
class Restatement:
    """One restatement of one act: what stood before, what stands since, and the transaction of the difference.

    `sequence` counts the restatements of the act from 1. Emissions are exact texts, as in `Act`.
    """

    holder_id: UUID
    activity_id: UUID
    sequence: int
    run_id: UUID
    previous_basis_hash: bytes
    previous: Credited
    basis_hash: bytes
    baseline: str | None
    project: str | None
    leakage: str | None
    reduction: str | None
    credits: Credited
    transaction_id: UUID
    restated_at: datetime


_PLAIN = tuple(name for name in Restatement.__dataclass_fields__ if name not in ("previous", "credits"))
_CREDITS = tuple(Credited.__dataclass_fields__)


def record_restatements(tx: Session, restatements: Sequence[Restatement]) -> None:
    """Write new restatements; their transactions are posted already."""
    rows = [
        {name: getattr(item, name) for name in _PLAIN}
        | {f"previous_{name}": getattr(item.previous, name) for name in _CREDITS}
        | {name: getattr(item.credits, name) for name in _CREDITS}
        for item in restatements
    ]
    insert_rows(tx, ActivityRestatement, rows)


def restatements_of(tx: Session, keys: Collection[ActivityKey]) -> dict[ActivityKey, list[Restatement]]:
    """The restatements of these activities, oldest first; activities that were never restated are left out."""
    found: dict[ActivityKey, list[Restatement]] = defaultdict(list)
    if not keys:
        return found
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, list(set(keys)))
    query = (
        select(ActivityRestatement.__table__)
        .join(
            given,
            (ActivityRestatement.holder_id == given.c.holder_id)
            & (ActivityRestatement.activity_id == given.c.activity_id),
        )
        .order_by(ActivityRestatement.sequence)
    )
    for row in tx.execute(query):
        previous = Credited(*(getattr(row, f"previous_{name}") for name in _CREDITS))
        credits = Credited(*(getattr(row, name) for name in _CREDITS))
        plain = {name: getattr(row, name) for name in _PLAIN}
        found[row.holder_id, row.activity_id].append(Restatement(**plain, previous=previous, credits=credits))
    return dict(found)


def as_restated(act: Act, restatement: Restatement) -> Act:
    """The act with the numbers of one of its restatements."""
    names = ("basis_hash", "baseline", "project", "leakage", "reduction")
    numbers = {name: getattr(restatement, name) for name in names}
    return replace(act, **numbers, **{name: getattr(restatement.credits, name) for name in _CREDITS})


def latest(act: Act, restatements: Sequence[Restatement]) -> Act:
    """The act with the numbers that stand: those of its last restatement, else those it was recorded with."""
    return as_restated(act, restatements[-1]) if restatements else act


def standings(tx: Session, acts: Collection[Act]) -> dict[ActivityKey, Credited]:
    """What each act counts for now: its credits, as restated, while it is issued; nothing otherwise."""
    issued = {act.key for act in acts if act.status == ISSUED}
    restated = restatements_of(tx, issued)
    return {
        act.key: credits_of(latest(act, restated.get(act.key, ()))) if act.key in issued else Credited(0, 0, 0)
        for act in acts
    }


def hold(tx: Session, keys: Collection[ActivityKey]) -> list[Act]:
    """These activities as they stand, held until commit: nothing settles, displaces or reverses them meanwhile.

    The locks are those under which they are decided, in that order: holder days, claims, then the rows themselves.
    """
    if not keys:
        return []
    seen = load(tx, keys)
    holder_days.lock_days(tx, {key for act in seen.values() for key in days_of(act, day_rules)})
    claimed = claims.fingerprints_of(tx, keys).values()
    claims.contests(tx, {fingerprint for fingerprints in claimed for fingerprint in fingerprints}, lock=True)
    given = recordset(tx, "given", {"holder_id": Uuid(), "id": Uuid()}, sorted(set(keys)))
    query = (
        select(Activity.__table__)
        .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.id == given.c.id))
        .order_by(Activity.holder_id, Activity.id)
        .with_for_update(of=Activity)
    )
    return [act_of(row) for row in tx.execute(query)]
