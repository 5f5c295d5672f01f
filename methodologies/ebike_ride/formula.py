"""骑行电动自行车 E-bike ride. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction


@formula
def net_per_km(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = d × ER_km. 《重庆市共享电动助力车骑行项目方法学》2023-07 [CQ23]."""
    return net_reduction(activity.distance_km * parameter.reduction_per_km)


@formula
def substitution(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_base, PE = d × EF_ebike. DB11/T 3043-2024 structure [DB3043], CPCD factors [CPCD]."""
    return emissions(
        baseline=activity.distance_km * parameter.baseline_per_km,
        project=activity.distance_km * parameter.ebike_per_km,
    )
