"""The chart of accounts 会计科目: every account a transfer may name, and the one asset it holds.

Holder accounts exist once per holder and programme and never go below zero. System accounts belong to the house; they
store no balance (a sum over transfers is their balance), so no row of theirs is ever hot.
"""

from dataclasses import dataclass

REDUCTION, OFFSET, EAC, POINTS, STEPS = "co2e_reduction_g", "co2e_offset_g", "eac_wh", "points", "steps"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the chart. `title` is Chinese first."""

    name: str
    asset: str
    system: bool
    title: str


CHART = {
    account.name: account
    for account in (
        Account("reduction", REDUCTION, False, "减排量 / emission reductions"),
        Account("offset", OFFSET, False, "已抵消排放（碳中和产品）/ offset-backed claims"),
        Account("eac", EAC, False, "绿证电量 / electricity with cancelled certificates"),
        Account("points.pending", POINTS, False, "待生效积分 / pending points"),
        Account("points.available", POINTS, False, "可用积分 / available points"),
        Account("points.reserved", POINTS, False, "兑换中积分 / reserved points"),
        Account("points.debt", POINTS, False, "待扣回积分 / points owed"),
        Account("steps.pending", STEPS, False, "待生效步数 / steps that cannot be donated yet"),
        Account("steps.available", STEPS, False, "可捐步数 / steps that can be donated"),
        Account("issuer.reduction", REDUCTION, True, "减排量签发 / issued reductions"),
        Account("issuer.offset", OFFSET, True, "抵消量签发 / issued offset-backed claims"),
        Account("issuer.eac", EAC, True, "绿证电量签发 / issued certified electricity"),
        Account("issuer.points", POINTS, True, "积分签发 / issued points"),
        Account("expired.points", POINTS, True, "过期积分 / expired points"),
        Account("spent.points", POINTS, True, "已兑换积分 / spent points"),
        Account("written_off.points", POINTS, True, "核销积分 / points written off"),
        Account("owed.points", POINTS, True, "应收回积分 / points to be taken back"),
        Account("issuer.steps", STEPS, True, "步数记入 / steps counted"),
        Account("donated.steps", STEPS, True, "已捐步数 / donated steps"),
    )
}
