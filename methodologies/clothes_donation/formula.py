"""旧衣捐赠 Clothes donation. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, net_reduction


@formula
def by_weight(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = m × EF, weighed kilograms times the published net factor [CLOTH1, CLOTH2]."""
    return net_reduction(activity.weight_kg * parameter.reduction_per_kg)
