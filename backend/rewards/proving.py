"""Whether stock and codes agree with what was redeemed: nothing oversold, nothing lost, nothing given twice."""

from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from backend.points import Use
from backend.rewards.catalogue.models import (
    POOL,
    RESERVED,
    TAKEN,
    Reward,
    RewardStock,
    StockChange,
    Voucher,
    VoucherCode,
)
from backend.rewards.redemptions.models import Redemption, RedemptionStep
from backend.rewards.redemptions.policy import CONFIRMED, KEPT_STATES, REFUNDED, REVIEW, STANDING

#: Refunded, and the piece is gone all the same: it was sent or used.
_GONE = "OPERATOR_REFUNDED"
_MOST_NAMED = 100


def differences(tx: Session) -> Iterator[dict[str, object]]:
    """Every stock that is not what came less what was redeemed, every redemption whose points are elsewhere, and every
    code or voucher without the other."""
    yield from _stock(tx)
    yield from _redemptions(tx)
    for missing, query in _vouchers():
        for found in tx.scalars(query.limit(_MOST_NAMED)):
            yield {"fault": "VOUCHER", "id": str(found), "missing": missing}


def _vouchers() -> Iterator[tuple[str, Select[UUID]]]:
    """What may be missing beside a code, a voucher or a redemption, and those beside which it is."""
    given = (Voucher.code_id == VoucherCode.id) & (Voucher.redemption_id == VoucherCode.redemption_id)
    own = and_(Redemption.holder_id == Voucher.holder_id, Redemption.id == Voucher.redemption_id)
    kept = and_(
        *(VoucherCode.redemption_id == Redemption.id, VoucherCode.reward == Redemption.reward),
        *(VoucherCode.state == RESERVED, Redemption.state == REVIEW),
    )
    of_pool = select(Redemption.id).join(Reward, (Reward.code == Redemption.reward) & (Reward.stock_kind == POOL))
    lost = select(VoucherCode.id).outerjoin(Voucher, given)
    yield "the voucher of the code with this id", lost.where(VoucherCode.state == TAKEN, Voucher.code_id.is_(None))
    stray = select(Voucher.redemption_id).outerjoin(VoucherCode, given).outerjoin(Redemption, own)
    ended = Redemption.state.not_in((CONFIRMED, REFUNDED))
    stray = stray.where(or_(VoucherCode.id.is_(None), Redemption.id.is_(None), ended))
    yield "the code or the redemption of the voucher of this redemption", stray
    bare = of_pool.outerjoin(Voucher, own).where(Redemption.state == CONFIRMED, Voucher.code_id.is_(None))
    yield "the voucher of the redemption with this id", bare
    stuck = select(VoucherCode.id).outerjoin(Redemption, kept)
    yield "the review of the code with this id", stuck.where(VoucherCode.state == RESERVED, Redemption.id.is_(None))
    empty = of_pool.outerjoin(VoucherCode, kept).where(Redemption.state == REVIEW, VoucherCode.id.is_(None))
    yield "the code of the redemption in review with this id", empty


def _redemptions(tx: Session) -> Iterator[dict[str, object]]:
    """Redemptions whose points are not where their state says, or whose last step says something else."""
    meant = case(
        (Redemption.state.in_(KEPT_STATES), "reserved"),
        (Redemption.state == CONFIRMED, "spent"),
        (Redemption.state == REFUNDED, "refunded"),
        else_="released",
    )
    used = and_(Use.holder_id == Redemption.holder_id, Use.id == Redemption.id)
    own = and_(RedemptionStep.holder_id == Redemption.holder_id, RedemptionStep.redemption_id == Redemption.id)
    newest = select(func.max(RedemptionStep.position)).where(own).correlate(Redemption).scalar_subquery()
    query = (
        select(Redemption.id, Redemption.state, Use.state.label("points"), RedemptionStep.state.label("step"))
        .outerjoin(Use, used)
        .outerjoin(RedemptionStep, and_(own, RedemptionStep.position == newest))
        .where(
            or_(
                *(Use.id.is_(None), Use.state != meant, Use.points != Redemption.points),
                *(RedemptionStep.state.is_(None), RedemptionStep.state != Redemption.state),
            )
        )
    )
    for row in tx.execute(query.limit(_MOST_NAMED)):
        yield {"fault": "REDEMPTION", "id": str(row.id), "state": row.state, "points": row.points, "step": row.step}


def _stock(tx: Session) -> Iterator[dict[str, object]]:
    used = or_(Redemption.state.in_(STANDING), and_(Redemption.state == REFUNDED, Redemption.why == _GONE))
    changes = select(StockChange.reward, func.sum(StockChange.pieces)).group_by(StockChange.reward)
    came = {row[0]: int(row[1]) for row in tx.execute(changes)}
    redeemed = select(Redemption.reward, func.count()).join(RewardStock, RewardStock.reward == Redemption.reward)
    gone = {row[0]: int(row[1]) for row in tx.execute(redeemed.where(used).group_by(Redemption.reward))}
    for row in tx.scalars(select(RewardStock).order_by(RewardStock.reward)):
        meant = came.get(row.reward, 0) - gone.get(row.reward, 0)
        if row.pieces_left != meant:
            yield {"fault": "REWARD_STOCK", "reward": row.reward, "pieces_left": row.pieces_left, "expected": meant}
