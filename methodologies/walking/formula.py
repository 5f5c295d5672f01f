"""步行 Walking. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction


@formula
def by_steps(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = n × ER_step. 武汉碳碳星球 [WH-STAR]."""
    return net_reduction(activity.steps * parameter.reduction_per_step)


@formula
def by_distance(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = d × ER_km, the step factor over a length of stride [WH-STAR]."""
    return net_reduction(activity.distance_km * parameter.reduction_per_km)


@formula
def substitution(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_base, PE = 0. DB11/T 3043-2024 structure [DB3043], CPCD factors [CPCD]."""
    return emissions(baseline=activity.distance_km * parameter.baseline_per_km)
