"""Two operators agree on what a campaign gives: the list is made again when it is decided, and has to be the same."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import approvals, clock, operator_log, points
from backend.approvals import Approval
from backend.campaigns import closing, reading
from backend.campaigns.awards.models import CampaignAward, CampaignAwardRun
from backend.campaigns.awards.planning import Planned, Tally, planned
from backend.campaigns.errors import AwardsChanged, NothingToAward
from backend.campaigns.reading import CampaignView
from backend.errors import NotFound
from backend.identity import FINANCE, OperatorView
from backend.ids import new_id
from backend.lists import insert_rows

AWARDS = "campaign.awards"
_PAGE = 2_000


def request_awards(tx: Session, code: str, *, operator: OperatorView, reason: str, now: datetime) -> UUID:
    """Ask for the rewards of a final campaign to be paid; returns the request another operator decides.

    Raises OperatorNotAllowed, CampaignNotFound, NotFinal, NothingToAward, NoPointsRule, GrantNotCovered.
    """
    operator.require(FINANCE)
    campaign = _final(tx, code, now)
    tally = _tally(planned(tx, campaign))
    if not tally.awards:
        raise NothingToAward(campaign=code)
    points.require_grantable(tx, campaign.programme, code, last_day(campaign), tally.points)
    facts = _facts(tx, campaign, tally)
    asked = approvals.request(tx, kind=AWARDS, facts=facts, reason=reason, operator_id=operator.id, now=now)
    _log(tx, operator, "requested", code, {**facts, "approval": str(asked)}, reason, now)
    return asked


def decide_awards(
    tx: Session, request_id: UUID, *, operator: OperatorView, granted: bool, reason: str, now: datetime
) -> Approval:
    """Another operator's decision; what is granted is planned at once, and paid page by page by a job.

    Raises OperatorNotAllowed, NotFound, SecondOperatorNeeded, ApprovalDecided, ApprovalExpired, AwardsChanged.
    """
    operator.require(FINANCE)
    if approvals.find(tx, request_id, now=now).kind != AWARDS:
        raise NotFound
    asked = approvals.decide(tx, request_id, operator_id=operator.id, granted=granted, reason=reason, now=now)
    code = str(asked.facts["campaign"])
    if granted:
        asked = approvals.execute(tx, request_id, AWARDS, now=now)
        closing.hold_finals(tx)
        _plan(tx, _final(tx, code, now), request_id, asked.facts, now)
    told = {**asked.facts, "approval": str(request_id)}
    _log(tx, operator, "granted" if granted else "refused", code, told, reason, now)
    return approvals.find(tx, request_id, now=now)


def last_day(campaign: CampaignView) -> Any:
    """The last Shanghai day of a campaign: the day that chooses the budgets and the rule of its rewards."""
    return clock.day_of(campaign.ends_at - timedelta(microseconds=1))


def _plan(tx: Session, campaign: CampaignView, request_id: UUID, facts: Mapping[str, Any], now: datetime) -> None:
    """Write the list that was agreed on. Raises AwardsChanged where it is another one by now."""
    tally, number = Tally(), _next_run(tx, campaign.code)
    plan = list[dict[str, Any]]()
    for item in planned(tx, campaign):
        tally.add(item)
        plan.append(_row(campaign, number, item, now))
    if _facts(tx, campaign, tally) != dict(facts):
        raise AwardsChanged(campaign=campaign.code)
    run = {"campaign": campaign.code, "number": number, "approval_id": request_id, "decided_at": now}
    run |= {"awards": tally.awards, "points": tally.points, "sha256": tally.sha256}
    insert_rows(tx, CampaignAwardRun, [run])
    for start in range(0, len(plan), _PAGE):
        insert_rows(tx, CampaignAward, plan[start : start + _PAGE])


def _row(campaign: CampaignView, number: int, item: Planned, now: datetime) -> dict[str, Any]:
    return {
        "holder_id": item.holder_id,
        "id": new_id(),
        "campaign": campaign.code,
        "run": number,
        "reward": item.reward,
        "challenge": item.challenge,
        "points": item.points,
        "least": item.least,
        "state": "planned",
        "planned_at": now,
        "paid_at": None,
        "ended_at": None,
    }


def _facts(tx: Session, campaign: CampaignView, tally: Tally) -> dict[str, Any]:
    told = {"campaign": campaign.code, "run": _next_run(tx, campaign.code)}
    return told | {"awards": tally.awards, "points": tally.points, "sha256": tally.sha256}


def _next_run(tx: Session, code: str) -> int:
    runs = select(func.coalesce(func.max(CampaignAwardRun.number), 0)).where(CampaignAwardRun.campaign == code)
    return int(tx.scalar(runs) or 0) + 1


def _final(tx: Session, code: str, now: datetime) -> CampaignView:
    campaign = reading.campaign(tx, code, now=now)
    closing.final_of(tx, code)
    return campaign


def _tally(items: Iterable[Planned]) -> Tally:
    tally = Tally()
    for item in items:
        tally.add(item)
    return tally


def _log(
    tx: Session, operator: OperatorView, verdict: str, code: str, after: Mapping[str, Any], reason: str, now: datetime
) -> None:
    action, subject = f"campaign.awards_{verdict}", f"campaign {code}"
    told: dict[str, Any] = {"before": {}, "after": dict(after)}
    operator_log.write(tx, operator_id=operator.id, action=action, subject=subject, reason=reason, now=now, **told)
