"""校园回收 School recycling. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, net_reduction


@formula
def by_weight(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = m × EF_stream: primary minus closed-loop material, or clothes recovered [DESNZ, CLOTH1]."""
    return net_reduction(activity.weight_kg * parameter.reduction_per_kg)
