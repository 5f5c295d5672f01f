"""Claims in the database: who owns a physical act, who else claims it, and the locks under which that is decided."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Uuid, delete, func, select, update
from sqlalchemy.orm import Session

from backend.activities.errors import Contended
from backend.activities.models import Activity, Claim, ClaimContender
from backend.activities.policy import NOBODY, Contest
from backend.activities.records import Act, ActivityKey, load, recorded_at
from backend.lists import Columns, insert_rows, recordset

_PARTY: Columns = {"fingerprint": LargeBinary(), "holder_id": Uuid(), "activity_id": Uuid()}


def fingerprints_of(tx: Session, keys: Collection[ActivityKey]) -> dict[ActivityKey, set[bytes]]:
    """What these activities claim, as owner or contender."""
    found: dict[ActivityKey, set[bytes]] = defaultdict(set)
    if not keys:
        return found
    for table in (Claim, ClaimContender):
        given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(keys))
        query = select(table.fingerprint, table.holder_id, table.activity_id).join(
            given, (table.holder_id == given.c.holder_id) & (table.activity_id == given.c.activity_id)
        )
        for row in tx.execute(query):
            found[row.holder_id, row.activity_id].add(row.fingerprint)
    return found


def contests(tx: Session, fingerprints: Collection[bytes], *, lock: bool) -> dict[bytes, Contest]:
    """The contests about these fingerprints that are stored already; with `lock`, held until commit."""
    if not fingerprints:
        return {}
    ordered = [(fingerprint,) for fingerprint in sorted(fingerprints)]
    given = recordset(tx, "given", {"fingerprint": LargeBinary()}, ordered)
    query = select(Claim.__table__).join(given, Claim.fingerprint == given.c.fingerprint).order_by(Claim.fingerprint)
    found: dict[bytes, Contest] = {}
    for row in tx.execute(query.with_for_update(of=Claim) if lock else query):
        owner = (row.holder_id, row.activity_id) if row.activity_id is not None else None
        found[row.fingerprint] = Contest(owner)
    if found:
        given = recordset(tx, "given", {"fingerprint": LargeBinary()}, ordered)
        others = select(ClaimContender.__table__).join(given, ClaimContender.fingerprint == given.c.fingerprint)
        for row in tx.execute(others):
            found[row.fingerprint].contenders.add((row.holder_id, row.activity_id))
    return found


def claim_fresh(tx: Session, wanted: Mapping[bytes, Act]) -> set[bytes]:
    """Claim fingerprints nobody ever claimed; returns those that really were fresh."""
    rows = [
        {"fingerprint": fingerprint, "holder_id": act.holder_id, "activity_id": act.id}
        for fingerprint, act in sorted(wanted.items())
    ]
    inserted = insert_rows(tx, Claim, rows, on_conflict=("fingerprint",), returning=("fingerprint",))
    return {row.fingerprint for row in inserted}


def save_contests(tx: Session, before: Mapping[bytes, Contest], after: Mapping[bytes, Contest]) -> None:
    """Write the owners and contenders that changed."""
    owners = [
        (fingerprint, *(contest.owner or (None, None)))
        for fingerprint, contest in sorted(after.items())
        if contest.owner != before.get(fingerprint, NOBODY).owner
    ]
    if owners:
        given = recordset(tx, "given", _PARTY, owners)
        tx.execute(
            update(Claim)
            .values(holder_id=given.c.holder_id, activity_id=given.c.activity_id)
            .where(Claim.fingerprint == given.c.fingerprint)
            .execution_options(synchronize_session=False)
        )
    gone = _difference(before, after)
    if gone:
        given = recordset(tx, "given", _PARTY, gone)
        mine = (
            (ClaimContender.fingerprint == given.c.fingerprint)
            & (ClaimContender.holder_id == given.c.holder_id)
            & (ClaimContender.activity_id == given.c.activity_id)
        )
        tx.execute(
            delete(ClaimContender).where(select(given.c.fingerprint).where(mine).exists()),
            execution_options={"synchronize_session": False},
        )
    insert_rows(
        tx,
        ClaimContender,
        [
            {"fingerprint": fingerprint, "holder_id": holder_id, "activity_id": activity_id}
            for fingerprint, holder_id, activity_id in _difference(after, before)
        ],
    )


def _difference(one: Mapping[bytes, Contest], other: Mapping[bytes, Contest]) -> list[tuple[bytes, UUID, UUID]]:
    return sorted(
        (fingerprint, *key)
        for fingerprint, contest in one.items()
        for key in contest.contenders - other.get(fingerprint, NOBODY).contenders
    )


def lost_claims(tx: Session, keys: Collection[ActivityKey]) -> dict[ActivityKey, UUID | None]:
    """Those of these activities that claim what another one owns, with that one's id (None while nobody owns it)."""
    if not keys:
        return {}
    given = recordset(tx, "given", {"holder_id": Uuid(), "activity_id": Uuid()}, sorted(keys))
    query = (
        select(ClaimContender.holder_id, ClaimContender.activity_id, Claim.activity_id.label("owner_id"))
        .join(
            given,
            (ClaimContender.holder_id == given.c.holder_id) & (ClaimContender.activity_id == given.c.activity_id),
        )
        .join(Claim, Claim.fingerprint == ClaimContender.fingerprint)
        .order_by(ClaimContender.fingerprint.desc())
    )
    return {(row.holder_id, row.activity_id): row.owner_id for row in tx.execute(query)}


def require_held(
    tx: Session, locked: Mapping[bytes, Contest], known: Collection[ActivityKey], held: Collection[bytes]
) -> None:
    """Raises Contended when a party that joined between the look and the lock also claims what is not held."""
    joined = {key for contest in locked.values() for key in contest.parties}.difference(known)
    if any(fingerprint not in held for claimed in fingerprints_of(tx, joined).values() for fingerprint in claimed):
        raise Contended


def load_parties(tx: Session, stored: Mapping[bytes, Contest]) -> dict[ActivityKey, Act]:
    """The acts behind the stored contests."""
    return load(tx, {key for contest in stored.values() for key in contest.parties})


@dataclass(frozen=True, slots=True)
class ClaimParty:
    """An act that claims something, and since when: the instant it was recorded."""

    act: Act
    claimed_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimView:
    """A claim as operators see it: whose it is (None once released), and who waits for it, the earliest act first."""

    fingerprint: bytes
    owner: ClaimParty | None
    contenders: Sequence[ClaimParty]


def claims_of(tx: Session, key: ActivityKey) -> list[ClaimView]:
    """What this activity claims, as owner or contender, by fingerprint."""
    return _views(tx, sorted(fingerprints_of(tx, [key])[key]))


def conflicts(tx: Session, *, partner: str | None, limit: int) -> list[ClaimView]:
    """Claims that somebody waits for, those contested last first; with `partner`, those its acts wait for."""
    waiting = (
        select(ClaimContender.fingerprint)
        .join(
            Activity,
            (Activity.holder_id == ClaimContender.holder_id) & (Activity.id == ClaimContender.activity_id),
        )
        .group_by(ClaimContender.fingerprint)
        .order_by(func.max(Activity.recorded_at).desc(), ClaimContender.fingerprint)
        .limit(limit)
    )
    if partner is not None:
        waiting = waiting.where(Activity.partner == partner)
    return _views(tx, list(tx.scalars(waiting)))


def _views(tx: Session, fingerprints: Sequence[bytes]) -> list[ClaimView]:
    found = contests(tx, fingerprints, lock=False)
    acts = load_parties(tx, found)
    recorded = recorded_at(tx, acts)
    parties = {key: ClaimParty(act, recorded[key]) for key, act in acts.items()}
    return [
        ClaimView(
            fingerprint,
            parties[contest.owner] if contest.owner else None,
            sorted((parties[each] for each in contest.contenders), key=lambda it: (it.act.begins_at, it.act.key)),
        )
        for fingerprint in fingerprints
        if (contest := found.get(fingerprint)) is not None
    ]
