"""乘坐公交 Bus ride. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction


@formula
def net_per_km(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = d × ER_km. 《深圳市低碳公共出行碳普惠方法学（试行）》2021-12 [SZ22]."""
    return net_reduction(activity.distance_km * parameter.reduction_per_km)


@formula
def substitution(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_base, PE = d × EF_bus. DB11/T 3043-2024 structure [DB3043], CPCD factors [CPCD]."""
    return emissions(
        baseline=activity.distance_km * parameter.baseline_per_km,
        project=activity.distance_km * parameter.bus_per_km,
    )


@formula
def per_trip(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = ER_trip, whatever the distance. 武汉碳碳星球 [WH-STAR]."""
    return net_reduction(parameter.reduction_per_trip)
