"""What of rewards takes two operators: new terms, and showing a voucher code once more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import approvals, clock, identity, operator_log
from backend.approvals import Approval
from backend.errors import NotFound
from backend.identity import FINANCE, REVIEWER, OperatorView
from backend.rewards.catalogue.describing import Description, read_terms, stored_terms, told_terms
from backend.rewards.catalogue.models import Reward, RewardProvider, Voucher
from backend.rewards.catalogue.offers import require_reward, save_reward
from backend.rewards.catalogue.terms import Terms, audiences_of, save_terms, terms_on, versions_of
from backend.rewards.errors import NoSuchVoucher, RewardEnded, TermsTooEarly, UnknownProvider

TERMS, SHOW_AGAIN = "rewards.terms", "rewards.show_again"


def add_reward(
    tx: Session, described: Description, terms: Terms, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Set a reward up and propose its first terms; nothing is offered before another operator decides.

    Returns the request. Raises OperatorNotAllowed, UnknownProvider, RewardExists, UnknownProgramme.
    """
    operator.require(FINANCE)
    if described.provider is not None:
        provider = tx.get(RewardProvider, described.provider)
        if provider is None or provider.retired_at is not None or provider.kind != described.provider_kind:
            raise UnknownProvider(provider=described.provider, kind=described.provider_kind)
    save_reward(
        tx,
        code=described.code,
        kind=described.kind,
        titles=described.titles,
        descriptions=described.descriptions,
        provider_kind=described.provider_kind,
        provider=described.provider,
        item=described.item,
        stock_kind=described.stock_kind,
        now=now,
    )
    _log(tx, operator, "reward.added", f"reward {described.code}", reason, now, after=told_reward(described))
    return propose_terms(tx, described.code, terms, operator=operator, reason=reason, now=now)


def told_reward(described: Description) -> dict[str, Any]:
    """What a reward is, for the log."""
    return {
        "kind": described.kind,
        "title": dict(described.titles),
        "provider": described.provider or described.provider_kind,
        "item": described.item,
        "stock": described.stock_kind,
    }


def propose_terms(
    tx: Session, reward: str, terms: Terms, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask for the next version of a reward's terms; returns the request that another operator decides.

    Raises OperatorNotAllowed, RewardNotFound, RewardEnded, UnknownProgramme, TermsTooEarly.
    """
    operator.require(FINANCE)
    found, before = require_reward(tx, reward), _newest(tx, reward)
    if found.retired_at is not None:
        raise RewardEnded(reward=reward)
    for programme in sorted({code for code, _ in terms.audiences}):
        identity.require_programme(tx, programme)
    if before is not None and terms.in_force_from <= clock.day_of(now):
        raise TermsTooEarly(today=clock.day_of(now), in_force_from=terms.in_force_from)
    facts = {"reward": reward, "before": before, "terms": told_terms(terms)}
    asked = approvals.request(tx, kind=TERMS, facts=facts, reason=reason, operator_id=operator.id, now=now)
    _log(tx, operator, "reward.terms_proposed", f"approval {asked}", reason, now, before=before, after=facts["terms"])
    return asked


def decide_terms(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is announced at once, and in force from the day it names.

    That day lies strictly behind today, unless the reward had no terms before. Raises OperatorNotAllowed, NotFound,
    SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, RewardEnded, TermsTooEarly.
    """
    operator.require(FINANCE)
    asked = _decided(tx, request_id, TERMS, operator, granted, reason, now)
    if not granted:
        _log(tx, operator, "reward.terms_refused", f"approval {request_id}", reason, now)
        return asked
    code = str(asked.facts["reward"])
    # Versions come one after another; redemptions, which name the reward, need not wait.
    held = select(Reward).where(Reward.code == code).with_for_update(key_share=True)
    reward = tx.scalars(held.execution_options(populate_existing=True)).one()
    if reward.retired_at is not None:
        raise RewardEnded(reward=code)
    before, terms = _newest(tx, code), read_terms(asked.facts["terms"], reward.kind)
    version = save_terms(tx, code, terms, announced_on=clock.day_of(now), approval_id=request_id)
    subject = f"reward {code} version {version}"
    _log(tx, operator, "reward.terms_announced", subject, reason, now, before=before, after=told_terms(terms))
    return approvals.find(tx, request_id, now=now)


def request_show_again(
    tx: Session, holder_id: UUID, redemption_id: UUID, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask that a voucher code may be shown to its owner once more. Raises OperatorNotAllowed, NoSuchVoucher."""
    operator.require(REVIEWER)
    if tx.get(Voucher, (holder_id, redemption_id)) is None:
        raise NoSuchVoucher
    facts = {"holder_id": str(holder_id), "redemption_id": str(redemption_id)}
    asked = approvals.request(tx, kind=SHOW_AGAIN, facts=facts, reason=reason, operator_id=operator.id, now=now)
    _log(tx, operator, "voucher.showing_requested", f"approval {asked}", reason, now)
    return asked


def decide_show_again(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted lets the owner, and nobody else, see the code once more.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, NoSuchVoucher.
    """
    operator.require(REVIEWER)
    asked = _decided(tx, request_id, SHOW_AGAIN, operator, granted, reason, now)
    subject = f"redemption {asked.facts['redemption_id']}"
    if not granted:
        _log(tx, operator, "voucher.showing_refused", subject, reason, now)
        return asked
    key = (UUID(asked.facts["holder_id"]), UUID(asked.facts["redemption_id"]))
    held = tx.get(Voucher, key, with_for_update=True, populate_existing=True)
    if held is None:
        raise NoSuchVoucher
    before, held.showings_allowed = held.showings_allowed, held.showings + 1
    tx.flush()
    counts = {"before": {"showings_allowed": before}, "after": {"showings_allowed": held.showings_allowed}}
    _log(tx, operator, "voucher.showing_allowed", subject, reason, now, **counts)
    return approvals.find(tx, request_id, now=now)


def _decided(
    tx: Session, request_id: UUID, kind: str, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """The decision, taken to be done in this transaction where it was granted."""
    if approvals.find(tx, request_id, now=now).kind != kind:
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=operator.id, granted=granted, reason=reason, now=now)
    return approvals.execute(tx, request_id, kind, now=now) if granted else asked


def _newest(tx: Session, reward: str) -> dict[str, Any] | None:
    """The terms that would be in force if none came after those announced: what a proposal is compared with."""
    versions = versions_of(tx, [reward])[reward]
    row = terms_on(versions, max((row.in_force_from for row in versions), default=clock.today()))
    return None if row is None else told_terms(stored_terms(row, audiences_of(tx, [reward])[reward, row.version]))


def _log(
    tx: Session,
    operator: OperatorView,
    action: str,
    subject: str,
    reason: str,
    now: datetime,
    **changed: Any,
) -> None:
    operator_log.write(tx, operator_id=operator.id, action=action, subject=subject, reason=reason, now=now, **changed)
