"""骑行自行车 Bicycle ride. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction


@formula
def net_per_km(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = d × ER_km, the net factor derived from Chongqing's e-bike method [CQ23, CPCD]."""
    return net_reduction(activity.distance_km * parameter.reduction_per_km)


@formula
def substitution(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_base, PE = d × EF_bicycle. DB11/T 3043-2024 structure [DB3043], CPCD factors [CPCD]."""
    return emissions(
        baseline=activity.distance_km * parameter.baseline_per_km,
        project=activity.distance_km * parameter.bicycle_per_km,
    )
