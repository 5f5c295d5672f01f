"""What members gave to charities by redeeming: per reward and month, as it has to be handed over and reported."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from backend import clock
from backend.rewards.catalogue.models import CHARITY, Reward, RewardTerms
from backend.rewards.redemptions.models import Redemption, RedemptionStep
from backend.rewards.redemptions.policy import CONFIRMED, REFUNDED


@dataclass(frozen=True, slots=True)
class Donation:
    """A reward in a Shanghai month: pieces redeemed, pieces refunded, and what is left to be given of `unit`.

    A refund counts in its own month, so a month that was reported never changes; it may leave less than nothing.
    """

    reward: str
    title: str
    month: str
    redeemed: int
    refunded: int
    amount: int
    unit: str


def donations(tx: Session, month: date) -> list[Donation]:
    """Of the month that begins on this day, by reward and unit."""
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    sign = case((RedemptionStep.state == CONFIRMED, 1), else_=-1)
    query = (
        select(
            Reward.code,
            Reward.title_zh,
            RewardTerms.delivered_unit,
            func.count().filter(RedemptionStep.state == CONFIRMED).label("redeemed"),
            func.count().filter(RedemptionStep.state == REFUNDED).label("refunded"),
            func.sum(sign * RewardTerms.delivered_amount).label("amount"),
        )
        .join(Redemption, Redemption.reward == Reward.code)
        .join(RewardTerms, (RewardTerms.reward == Reward.code) & (RewardTerms.version == Redemption.terms_version))
        .join(
            RedemptionStep,
            (RedemptionStep.holder_id == Redemption.holder_id) & (RedemptionStep.redemption_id == Redemption.id),
        )
        .where(Reward.kind == CHARITY, RedemptionStep.state.in_((CONFIRMED, REFUNDED)))
        .where(RedemptionStep.at >= clock.start_of(month), RedemptionStep.at < clock.start_of(after))
        .group_by(Reward.code, Reward.title_zh, RewardTerms.delivered_unit)
        .order_by(Reward.code, RewardTerms.delivered_unit)
    )
    return [
        Donation(code, title, f"{month:%Y-%m}", redeemed, refunded, int(amount), unit or "")
        for code, title, unit, redeemed, refunded, amount in tx.execute(query)
    ]
