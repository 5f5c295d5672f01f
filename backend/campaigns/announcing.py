"""Announcing and cancelling: two operators agree on a campaign as it is drafted, and nothing of it changes afterwards.

Announcing writes the campaign's multiplier and opens its budget, so it is asked for and decided by who may fund.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from backend import clock, operator_log, points, two_operators
from backend.approvals import Approval
from backend.campaigns import drafting
from backend.campaigns.drafting import Plan
from backend.campaigns.errors import CampaignAnnounced, CampaignChangedMeanwhile, CampaignOver, CampaignTooLate
from backend.campaigns.models import Campaign
from backend.campaigns.policy import CANCELLED, DRAFT, FINAL
from backend.campaigns.reading import view
from backend.identity import FINANCE, OperatorView
from backend.two_operators import Done

ANNOUNCE, CANCEL = "campaign.announce", "campaign.cancel"


def request_announcement(tx: Session, code: str, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for a draft to be announced; returns the request that another operator decides.

    Raises OperatorNotAllowed, CampaignNotFound, CampaignAnnounced, and what `try_announcement` raises.
    """
    operator.require(FINANCE)
    row = drafting.require_held(tx, code)
    if row.announced_at is not None:
        raise CampaignAnnounced(campaign=code)
    plan = drafting.plan_of(view(row))
    try_announcement(tx, plan, now=now)
    return two_operators.ask(tx, ANNOUNCE, plan.as_json(), operator, reason, now)


def try_announcement(tx: Session, plan: Plan, *, now: datetime) -> None:
    """Whether a plan could be announced now, so that a dry run tells it.

    Raises CampaignTooLate, UnknownProgramme, InvalidCampaign, InvalidRule, RuleTooLate, RuleChangedMeanwhile.
    """
    earliest = clock.day_of(now) + timedelta(days=1)
    if clock.day_of(plan.starts_at) < earliest:
        raise CampaignTooLate(earliest=earliest)
    drafting.check_plan(tx, plan)
    points.check_campaign(tx, plan.points(), now=now)


def decide_announcement(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is announced at once, as it was when it was asked for.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, CampaignNotFound,
    CampaignAnnounced, CampaignChangedMeanwhile, and what `try_announcement` raises.
    """

    def announce(asked: Approval) -> Done:
        row = drafting.require_held(tx, asked.facts["code"])
        if row.announced_at is not None:
            raise CampaignAnnounced(campaign=row.code)
        plan = drafting.plan_of(view(row))
        if plan.as_json() != asked.facts:
            raise CampaignChangedMeanwhile(campaign=row.code)
        try_announcement(tx, plan, now=now)
        points.announce_campaign(tx, plan.points(), approval_id=request_id, now=now)
        row.announced_at, row.approval_id = now, request_id
        tx.flush()
        return Done()

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {ANNOUNCE: announce}, operator, granted, reason, now)


def request_cancellation(tx: Session, code: str, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for an announced campaign to be cancelled; returns the request that another operator decides.

    Raises OperatorNotAllowed, CampaignNotFound, CampaignOver.
    """
    operator.require(FINANCE)
    row = _require_cancellable(tx, code, now)
    return two_operators.ask(tx, CANCEL, {"code": code, "programme": row.programme}, operator, reason, now)


def decide_cancellation(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted ends at once.

    What acts earned stays, today is the last day multiplied, and nothing is given by rank. Raises OperatorNotAllowed,
    NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, CampaignNotFound, CampaignOver.
    """

    def cancel(asked: Approval) -> Done:
        row = _require_cancellable(tx, asked.facts["code"], now)
        points.end_campaign(tx, row.programme, row.code, approval_id=request_id, now=now)
        row.cancelled_at = now
        tx.flush()
        return Done()

    operator.require(FINANCE)
    return two_operators.decide(tx, request_id, {CANCEL: cancel}, operator, granted, reason, now)


def drop_draft(tx: Session, code: str, *, operator: OperatorView, reason: str, now: datetime) -> None:
    """Throw a draft away, which nobody but operators has seen. Raises CampaignNotFound, CampaignAnnounced."""
    drafting.drop(tx, code)
    subject = f"campaign {code}"
    operator_log.write(
        tx, operator_id=operator.id, action="campaign.draft_dropped", subject=subject, reason=reason, now=now
    )


def _require_cancellable(tx: Session, code: str, now: datetime) -> Campaign:
    row = drafting.require_held(tx, code)
    state = view(row).state(now)
    if state in (DRAFT, FINAL, CANCELLED):
        raise CampaignOver(state=state)
    return row
