"""Deciding which acts count when new ones come and old ones go: claims first, then each holder's day."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.orm import Session

from backend.activities import claims
from backend.activities.claims import Contest
from backend.activities.policy import (
    DUPLICATE_CLAIM,
    LimitOf,
    Loss,
    days_to_lock,
    decide_windows,
    owner_of,
)
from backend.activities.records import ISSUED, OUTDONE, Act, ActivityKey

#: Which of these stored, not issued acts may be issued now (their holders still consent).
Eligible = Callable[[Sequence[Act]], Collection[ActivityKey]]


@dataclass(slots=True)
class Decision:
    """What follows from a batch. Every act carries its new status and reason.

    `issue`: acts to be credited (new, or promoted because a better claim went away); `displaced`: acts that were
    credited and no longer count; `outdone`: new acts that do not count.
    """

    issue: list[Act] = field(default_factory=list)
    displaced: list[Act] = field(default_factory=list)
    outdone: list[Act] = field(default_factory=list)


def decide(
    tx: Session,
    new: Sequence[Act],
    withdrawn: Sequence[Act],
    *,
    limit_of: LimitOf,
    eligible: Eligible,
) -> Decision:
    """Lock what the batch touches, decide, and write the claims. Raises Contended when it must begin again."""
    gone = {act.key for act in withdrawn}
    touched = {fingerprint for act in new for fingerprint in act.fingerprints}
    for fingerprints in claims.fingerprints_of(tx, gone).values():
        touched |= fingerprints
    parties = claims.load_parties(tx, claims.contests(tx, touched, lock=False))
    days = {key for act in (*new, *withdrawn, *parties.values()) for key in days_to_lock(act)}
    claims.lock_days(tx, days)
    losses, changed = _decide_claims(tx, new, gone, touched, parties, eligible)
    pool = [act for act in claims.windows_of(tx, days) if act.key not in gone]
    _lose_windows(pool, new, days, losses, changed, limit_of, eligible)
    return _decision(new, changed, losses)


def _decide_claims(
    tx: Session,
    new: Sequence[Act],
    gone: set[ActivityKey],
    touched: set[bytes],
    parties: Mapping[ActivityKey, Act],
    eligible: Eligible,
) -> tuple[dict[ActivityKey, Loss], dict[ActivityKey, Act]]:
    """Settle the contests; returns the losses among all parties, and the stored parties themselves."""
    claimants: dict[bytes, list[Act]] = defaultdict(list)
    for act in new:
        for fingerprint in act.fingerprints:
            claimants[fingerprint].append(act)
    best = {fingerprint: owner for fingerprint, acts in claimants.items() if (owner := owner_of(acts))}
    fresh = claims.claim_fresh(tx, best)
    stored = claims.contests(tx, touched - fresh, lock=True)
    claims.require_known(tx, stored, parties)
    acts = claims.load_parties(tx, stored)  # as they read under the locks
    waiting = [act for act in acts.values() if act.status == OUTDONE and act.key not in gone]
    able = eligible(waiting) if waiting else ()
    after = claims.settle_contests(new, gone, stored, acts, able)
    before = stored | {fingerprint: Contest(best[fingerprint].key) for fingerprint in fresh}
    claims.save_contests(tx, before, after)
    losses = {
        key: Loss(DUPLICATE_CLAIM, contest.owner[1] if contest.owner else None)
        for contest in after.values()
        for key in contest.contenders
    }
    return losses, {key: act for key, act in acts.items() if key not in gone and (act.status == ISSUED or key in able)}


def _lose_windows(
    pool: Sequence[Act],
    new: Sequence[Act],
    days: Collection[tuple[UUID, object]],
    losses: dict[ActivityKey, Loss],
    changed: dict[ActivityKey, Act],
    limit_of: LimitOf,
    eligible: Eligible,
) -> None:
    """Add the losses of each holder's days; `changed` gains the stored trips that were decided again."""
    movable: dict[UUID, list[Act]] = defaultdict(list)
    fixed: dict[UUID, list[Act]] = defaultdict(list)
    waiting = [act for act in pool if act.status == OUTDONE]
    able = eligible(waiting) if waiting else ()
    for act in pool:
        if act.key in losses or (act.status == OUTDONE and _claim_stays_lost(act, changed)):
            continue
        if not days_to_lock(act) <= set(days):
            if act.status == ISSUED:
                fixed[act.holder_id].append(act)
        elif act.status == ISSUED or act.key in able:
            movable[act.holder_id].append(act)
            changed[act.key] = act
    for act in new:
        if act.started_at is not None and act.key not in losses:
            movable[act.holder_id].append(act)
    for holder_id, acts in movable.items():
        losses.update(decide_windows(acts, fixed[holder_id], limit_of))


def _claim_stays_lost(act: Act, changed: Mapping[ActivityKey, Act]) -> bool:
    """Outdone over a claim that this batch did not touch: it stays outdone."""
    return act.reason == DUPLICATE_CLAIM and act.key not in changed


def _decision(new: Sequence[Act], changed: Mapping[ActivityKey, Act], losses: Mapping[ActivityKey, Loss]) -> Decision:
    decision = Decision()
    new_keys = {act.key for act in new}
    for act in (*new, *changed.values()):
        loss = losses.get(act.key)
        was_issued = act.key not in new_keys and act.status == ISSUED
        if loss is None:
            if not was_issued:
                act.status, act.reason, act.excluded_by = ISSUED, None, None
                act.issue_count += 1
                decision.issue.append(act)
        else:
            act.status, act.reason, act.excluded_by = OUTDONE, loss.reason, loss.excluded_by
            if was_issued:
                decision.displaced.append(act)
            elif act.key in new_keys:
                decision.outdone.append(act)
    return decision
