"""Deciding which acts count when new ones come and old ones go: claims first, then each holder's day."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from backend import identity
from backend.activities import claims, holder_days
from backend.activities.errors import Contended
from backend.activities.holder_days import HolderDayKey, Together
from backend.activities.policy import (
    ALREADY_CLAIMED,
    CLAIM_KEPT,
    Contest,
    Loss,
    RulesOf,
    days_of,
    decide_days,
    heirs_of,
    one_of,
    owner_of,
    settle_contests,
    shut_out,
)
from backend.activities.records import ISSUED, KEPT, OUTDONE, Act, ActivityKey

#: Which of these stored, not issued acts may be issued now (their holders still consent).
Eligible = Callable[[Sequence[Act]], Collection[ActivityKey]]


@dataclass(slots=True)
class Decision:
    """What follows from a batch. Every act carries its new status and reason.

    `issue`: acts to be credited (new, or promoted because a better claim went away); `displaced`: acts that were
    credited and no longer count; `uncredited`: new acts that are not credited, because they are outdone or their claim
    is kept; `still_uncredited`: recorded acts that are not credited either, but for another reason than before.
    """

    issue: list[Act] = field(default_factory=list)
    displaced: list[Act] = field(default_factory=list)
    uncredited: list[Act] = field(default_factory=list)
    still_uncredited: list[Act] = field(default_factory=list)


def decide(
    tx: Session,
    new: Sequence[Act],
    withdrawn: Sequence[Act],
    *,
    rules_of: RulesOf,
    eligible: Eligible,
    now: datetime,
) -> Decision:
    """Lock what the batch touches, decide, and write the claims. Raises Contended when it must begin again."""
    gone = {act.key for act in withdrawn}
    touched = {fingerprint for act in new for fingerprint in act.fingerprints}
    for fingerprints in claims.fingerprints_of(tx, gone).values():
        touched |= fingerprints
    parties = claims.load_parties(tx, claims.contests(tx, touched, lock=False))
    involved = (*new, *withdrawn, *parties.values())
    days, same = _hold_days(tx, {key for act in involved for key in days_of(act, rules_of)})
    pool = {act.key: act for act in holder_days.acts_of_days(tx, days) if days_of(act, rules_of)}
    fresh, contests = _lock_claims(tx, new, touched, parties)
    stored = pool | claims.load_parties(tx, contests)  # as they read under the locks
    if any(not days_of(act, rules_of) <= days for act in stored.values()):
        raise Contended  # a trip that reaches into other days was recorded between the look and the lock
    stored = {key: act for key, act in stored.items() if key not in gone}
    waiting = [act for act in stored.values() if act.status == OUTDONE]
    able = _able(waiting, eligible)
    heirs = heirs_of(new, withdrawn, rules_of)
    late = shut_out(new, list(stored.values()), rules_of, now=now, heirs=heirs, same=same)
    after = settle_contests(new, gone, contests, stored, able, late)
    claims.save_contests(tx, fresh | contests, after)
    losses = _lost_claims(tx, after, waiting)
    competing = [act for act in stored.values() if act.status in (ISSUED, KEPT) or act.key in able]
    losses |= _lost_days([*new, *competing], losses, rules_of, now, heirs, same)
    return _decision(new, stored, able, losses)


def _hold_days(tx: Session, days: Collection[HolderDayKey]) -> tuple[set[HolderDayKey], Together]:
    """Lock these days with those they are decided with; also who is one person. Raises Contended where two became one
    (or two again) between the look and the lock."""
    holder_ids = {holder_id for holder_id, _ in days}
    named = identity.merging.together(tx, holder_ids)
    same = {one: holders for holders in named.values() for one in holders}
    connected = holder_days.connected_days(tx, days, same)
    holder_days.lock_days(tx, connected)
    if identity.merging.together(tx, holder_ids) != named:
        raise Contended
    return connected, same


def _able(waiting: Sequence[Act], eligible: Eligible) -> set[ActivityKey]:
    """Which acts that were outdone may come to their right: a kept claim is in other books, whoever consents here."""
    kept = {act.key for act in waiting if act.keeps_claim}
    asked = [act for act in waiting if not act.keeps_claim]
    return kept.union(eligible(asked)) if asked else kept


def _lock_claims(
    tx: Session, new: Sequence[Act], touched: set[bytes], parties: Mapping[ActivityKey, Act]
) -> tuple[dict[bytes, Contest], dict[bytes, Contest]]:
    """Claim what nobody claimed before, and lock the rest; returns both as they stand."""
    claimants: dict[bytes, list[Act]] = defaultdict(list)
    for act in new:
        for fingerprint in act.fingerprints:
            claimants[fingerprint].append(act)
    best = {fingerprint: owner for fingerprint, acts in claimants.items() if (owner := owner_of(acts))}
    fresh = claims.claim_fresh(tx, best)
    # Who wins one claim counts only if no other claim of theirs is lost: those others are held as well.
    beyond = {fingerprint for held in claims.fingerprints_of(tx, parties.keys()).values() for fingerprint in held}
    locked = claims.contests(tx, (touched | beyond) - fresh, lock=True)
    contests = {fingerprint: contest for fingerprint, contest in locked.items() if fingerprint in touched}
    claims.require_held(tx, contests, parties.keys(), touched | beyond)
    return {fingerprint: Contest(best[fingerprint].key) for fingerprint in fresh}, contests


def _lost_claims(tx: Session, after: Mapping[bytes, Contest], waiting: Sequence[Act]) -> dict[ActivityKey, Loss]:
    """The losses over claims: of this batch's contests, and of earlier ones that it did not touch."""
    owners = claims.lost_claims(tx, [act.key for act in waiting])
    for contest in after.values():
        owners |= dict.fromkeys(contest.contenders, contest.owner[1] if contest.owner else None)
    return {key: Loss(ALREADY_CLAIMED, owner_id) for key, owner_id in owners.items()}


def _lost_days(
    acts: Sequence[Act],
    lost: Collection[ActivityKey],
    rules_of: RulesOf,
    now: datetime,
    heirs: Collection[ActivityKey],
    same: Together,
) -> dict[ActivityKey, Loss]:
    """The losses of each person's days among those who did not lose a claim."""
    by_person: dict[UUID, list[Act]] = defaultdict(list)
    for act in acts:
        if act.key not in lost and days_of(act, rules_of):
            by_person[one_of(act.holder_id, same)].append(act)
    losses: dict[ActivityKey, Loss] = {}
    for contending in by_person.values():
        losses |= decide_days(contending, rules_of, now=now, heirs=heirs)
    return losses


def _decision(
    new: Sequence[Act],
    stored: Mapping[ActivityKey, Act],
    able: Collection[ActivityKey],
    losses: Mapping[ActivityKey, Loss],
) -> Decision:
    decision = Decision()
    for act in new:
        _state(act, losses.get(act.key))
        (decision.issue if act.status == ISSUED else decision.uncredited).append(act)
    for act in stored.values():
        before, loss = (act.status, act.reason, act.excluded_by), losses.get(act.key)
        if loss is None and act.status == OUTDONE and act.key not in able:
            continue  # nobody is in its way any more, but its holder does not consent
        _state(act, loss)
        if before == (act.status, act.reason, act.excluded_by):
            continue
        if act.status == ISSUED:
            decision.issue.append(act)
        else:
            (decision.displaced if before[0] == ISSUED else decision.still_uncredited).append(act)
    return decision


def _state(act: Act, loss: Loss | None) -> None:
    """Write into the act what was decided about it."""
    if loss is not None:
        act.status, act.reason, act.excluded_by = OUTDONE, loss.reason, loss.excluded_by
    elif act.keeps_claim:
        act.status, act.reason, act.excluded_by = KEPT, CLAIM_KEPT, None
    elif act.status != ISSUED:
        act.status, act.reason, act.excluded_by = ISSUED, None, None
        act.issue_count += 1
