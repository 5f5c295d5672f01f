"""What a member reads of a campaign that is over: the place it gave them, what stands today, and their rewards."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import bilingual
from backend.campaigns import closing, reading
from backend.campaigns.awards.models import CampaignAward
from backend.campaigns.awards.planning import measure_of
from backend.campaigns.closing.models import CampaignCorrection, CampaignFinalScore
from backend.campaigns.policy import GRAMS
from backend.campaigns.reading import CampaignView
from backend.campaigns.terms import BY_PK, BY_RANK, Reward
from backend.holdings import Held, held_rows

_AMOUNTS = ("grams", "points", "acts", "days")
#: What a member is told of each state of a reward.
_STATES = {
    "planned": "待发放 / to be paid",
    "paid": "已发放 / paid",
    "withheld": "成绩更正后不再符合条件，未发放 / not paid: after a correction the score does not reach it",
    "taken_back": "成绩更正后不再符合条件，已收回 / taken back: after a correction the score does not reach it",
}


def awards_of(tx: Session, code: str, holder_id: UUID, *, now: datetime) -> dict[str, Any]:
    """A member's result and rewards. `result` is None for who has no place in it, `corrected` where nothing changed.

    Raises CampaignNotFound, NotFinal.
    """
    campaign = reading.campaign(tx, code, now=now)
    final = closing.final_of(tx, code)
    score = tx.get(CampaignFinalScore, (holder_id, code))
    sequence, stands = closing.standing(tx, code, [holder_id]).get(holder_id, (0, {}))
    award = CampaignAward.__table__.c
    mine = select(CampaignAward.__table__).where(award.holder_id == holder_id, award.campaign == code)
    rows = tx.execute(mine.order_by(award.reward, award.challenge)).all()
    return {
        "campaign": code,
        "frozen_at": final.frozen_at,
        "statement_sha256": final.statement_sha256,
        "result": _result(score) if score is not None else None,
        "corrected": stands if sequence else None,
        "awards": [_award(campaign, row) for row in rows],
    }


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this holder, as they are handed out."""
    models = (CampaignFinalScore, CampaignCorrection, CampaignAward)
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in models}


def _result(score: CampaignFinalScore) -> dict[str, Any]:
    names = ("listed", *_AMOUNTS, "rank_grams", "rank_points")
    return {name: getattr(score, name) for name in names}


def _award(campaign: CampaignView, row: Any) -> dict[str, Any]:
    reward = campaign.terms.rewards[row.reward]
    return {
        "id": row.id,
        "kind": reward.kind,
        "title": bilingual.halves(_title(reward)),
        "board": reward.board,
        "challenge_id": row.challenge or None,
        "points": row.points,
        "least": None if reward.kind == BY_PK else row.least,
        "state": row.state,
        "sentence": bilingual.halves(_STATES[row.state]),
        "paid_at": row.paid_at,
        "ended_at": row.ended_at,
    }


def _title(reward: Reward) -> str:
    if reward.kind == BY_RANK:
        zh, en = ("减排量", "grams") if measure_of(reward) == GRAMS else ("积分", "points")
        return f"{zh}榜第 {reward.first} 至 {reward.last} 名 / places {reward.first} to {reward.last} by {en}"
    if reward.kind == BY_PK:
        return "PK 获胜 / a PK that was won"
    return f"参与满 {reward.days} 天 / taking part on {reward.days} days"
