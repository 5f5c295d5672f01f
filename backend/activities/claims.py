"""Claims in the database: who owns a physical act, who else claims it, and the locks under which that is decided."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import Date, LargeBinary, Uuid, delete, select, update
from sqlalchemy.orm import Session

from backend import clock
from backend.activities.errors import Contended
from backend.activities.models import Activity, Claim, ClaimContender, HolderDay
from backend.activities.policy import owner_of
from backend.activities.records import ISSUED, OUTDONE, Act, ActivityKey, act_of, load
from backend.database import Instant
from backend.lists import Columns, insert_rows, recordset

HolderDayKey = tuple[UUID, date]


@dataclass(slots=True)
class Contest:
    """Everybody who claims one fingerprint, as stored."""

    owner: ActivityKey | None = None
    contenders: set[ActivityKey] = field(default_factory=set)

    @property
    def parties(self) -> set[ActivityKey]:
        return self.contenders | ({self.owner} if self.owner else set())


_NOBODY = Contest()
_PARTY: Columns = {"fingerprint": LargeBinary(), "holder_id": Uuid(), "activity_id": Uuid()}


def lock_days(tx: Session, keys: Collection[HolderDayKey]) -> None:
    """Lock these holder days (made when new) until commit."""
    if not keys:
        return
    ordered = sorted(keys)
    rows = [{"holder_id": holder_id, "day": day} for holder_id, day in ordered]
    insert_rows(tx, HolderDay, rows, on_conflict=("holder_id", "day"))
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, ordered)
    tx.execute(
        select(HolderDay.day)
        .join(given, (HolderDay.holder_id == given.c.holder_id) & (HolderDay.day == given.c.day))
        .order_by(HolderDay.holder_id, HolderDay.day)
        .with_for_update(of=HolderDay)
    ).all()


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
        if contest.owner != before.get(fingerprint, _NOBODY).owner
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
        for key in contest.contenders - other.get(fingerprint, _NOBODY).contenders
    )


def settle_contests(
    new: Sequence[Act],
    withdrawn: Collection[ActivityKey],
    stored: Mapping[bytes, Contest],
    acts: Mapping[ActivityKey, Act],
    eligible: Collection[ActivityKey],
) -> dict[bytes, Contest]:
    """The contests as they stand after the new acts joined and the withdrawn ones left. Pure.

    `acts` holds every stored party; a stored party that is not issued may win only when it is `eligible` (its holder
    still consents).
    """
    parties: dict[bytes, list[Act]] = {
        fingerprint: [acts[key] for key in contest.parties if key not in withdrawn]
        for fingerprint, contest in stored.items()
    }
    for act in new:
        for fingerprint in act.fingerprints:
            parties.setdefault(fingerprint, []).append(act)
    new_keys = {act.key for act in new}
    after = {}
    for fingerprint, claimants in parties.items():
        contest = stored.get(fingerprint, _NOBODY)
        able = [
            act
            for act in claimants
            # An owner that lost to another trip keeps its claim: the physical act is still its own.
            if act.key in new_keys or act.status == ISSUED or act.key in eligible or act.key == contest.owner
        ]
        owner = owner_of(able)
        after[fingerprint] = Contest(
            owner.key if owner else None, {act.key for act in claimants if owner is None or act.key != owner.key}
        )
    return after


def acts_of_days(tx: Session, days: Collection[HolderDayKey]) -> list[Act]:
    """The issued and outdone acts of these days, and the trips that reach into them from the day before."""
    if not days:
        return []
    wanted = sorted({(holder_id, day - timedelta(days=back)) for holder_id, day in days for back in (0, 1)})
    given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date()}, wanted)
    query = (
        select(Activity.__table__)
        .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.day == given.c.day))
        .where(Activity.status.in_((ISSUED, OUTDONE)))
    )
    return [act for row in tx.execute(query) if _touches(act := act_of(row), days)]


def _touches(act: Act, days: Collection[HolderDayKey]) -> bool:
    last = clock.day_of(act.ended_at) if act.ended_at else act.day
    return (act.holder_id, act.day) in days or (act.holder_id, last) in days


def connected_days(tx: Session, days: Collection[HolderDayKey]) -> set[HolderDayKey]:
    """These days and those that trips over midnight tie to them: what is decided on one of them moves the next."""
    connected, fresh = set(days), set(days)
    while fresh:
        reached = [(*key, clock.start_of_day_after(key[1], 1)) for key in sorted(fresh)]
        reached += [(holder_id, day - timedelta(days=1), clock.start_of(day)) for holder_id, day in sorted(fresh)]
        given = recordset(tx, "given", {"holder_id": Uuid(), "day": Date(), "midnight": Instant()}, reached)
        query = (
            select(Activity.holder_id, Activity.day, Activity.ended_at)
            .join(given, (Activity.holder_id == given.c.holder_id) & (Activity.day == given.c.day))
            .where(Activity.status.in_((ISSUED, OUTDONE)), Activity.ended_at >= given.c.midnight)
        )
        over_midnight = list(tx.execute(query))
        tied = {(row.holder_id, row.day) for row in over_midnight}
        tied |= {(row.holder_id, clock.day_of(row.ended_at)) for row in over_midnight if row.ended_at}
        fresh = tied - connected
        connected |= fresh
    return connected


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
