"""What of rewards takes two operators: new terms, and showing a voucher code once more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, identity, operator_log, two_operators
from backend.approvals import Approval
from backend.identity import FINANCE, REVIEWER, OperatorView
from backend.rewards.catalogue.describing import Description, read_terms, stored_terms, told_terms
from backend.rewards.catalogue.models import Reward, RewardProvider, Voucher
from backend.rewards.catalogue.offers import require_reward, save_reward
from backend.rewards.catalogue.terms import Terms, audiences_of, save_terms, terms_on, versions_of
from backend.rewards.errors import NoSuchVoucher, RewardEnded, TermsTooEarly, UnknownProvider
from backend.two_operators import Done

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
    added: dict[str, Any] = {"subject": f"reward {described.code}", "after": told_reward(described)}
    operator_log.write(tx, operator_id=operator.id, action="reward.added", reason=reason, now=now, **added)
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
    return two_operators.ask(tx, TERMS, facts, operator, reason, now, before=before, about=f"reward {reward}")


def decide_terms(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is announced at once, and in force from the day it names.

    That day lies strictly behind today, unless the reward had no terms before. Raises OperatorNotAllowed, NotFound,
    SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, RewardEnded, TermsTooEarly.
    """

    def announce(asked: Approval) -> Done:
        code = str(asked.facts["reward"])
        # Versions come one after another; redemptions, which name the reward, need not wait.
        held = select(Reward).where(Reward.code == code).with_for_update(key_share=True)
        reward = tx.scalars(held.execution_options(populate_existing=True)).one()
        if reward.retired_at is not None:
            raise RewardEnded(reward=code)
        before, terms = _newest(tx, code), read_terms(asked.facts["terms"], reward.kind)
        version = save_terms(tx, code, terms, announced_on=clock.day_of(now), approval_id=request_id)
        return Done(before, {**told_terms(terms), "version": version})

    operator.require(FINANCE)
    return two_operators.decide(
        tx,
        request_id,
        {TERMS: announce},
        operator,
        granted,
        reason,
        now,
        about=lambda facts: f"reward {facts['reward']}",
    )


def request_show_again(
    tx: Session, holder_id: UUID, redemption_id: UUID, *, operator: OperatorView, reason: str, now: datetime
) -> UUID:
    """Ask that a voucher code may be shown to its owner once more. Raises OperatorNotAllowed, NoSuchVoucher."""
    operator.require(REVIEWER)
    if tx.get(Voucher, (holder_id, redemption_id)) is None:
        raise NoSuchVoucher
    facts = {"holder_id": str(holder_id), "redemption_id": str(redemption_id)}
    return two_operators.ask(tx, SHOW_AGAIN, facts, operator, reason, now)


def decide_show_again(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted lets the owner, and nobody else, see the code once more.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, NoSuchVoucher.
    """

    def allow(asked: Approval) -> Done:
        key = (UUID(asked.facts["holder_id"]), UUID(asked.facts["redemption_id"]))
        held = tx.get(Voucher, key, with_for_update=True, populate_existing=True)
        if held is None:
            raise NoSuchVoucher
        before, held.showings_allowed = held.showings_allowed, held.showings + 1
        tx.flush()
        return Done({"showings_allowed": before}, {"showings_allowed": held.showings_allowed})

    operator.require(REVIEWER)
    return two_operators.decide(
        tx,
        request_id,
        {SHOW_AGAIN: allow},
        operator,
        granted,
        reason,
        now,
        about=lambda facts: f"redemption {facts['redemption_id']}",
    )


def _newest(tx: Session, reward: str) -> dict[str, Any] | None:
    """The terms that would be in force if none came after those announced: what a proposal is compared with."""
    versions = versions_of(tx, [reward])[reward]
    row = terms_on(versions, max((row.in_force_from for row in versions), default=clock.today()))
    return None if row is None else told_terms(stored_terms(row, audiences_of(tx, [reward])[reward, row.version]))
