"""无需一次性餐具 No disposable tableware. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def items_avoided(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = n × EF_item, the item that was not handed out [CHOP, CPCD]; nothing is used instead."""
    return emissions(baseline=activity.quantity * parameter.item_footprint)
