"""乘坐班车 Shuttle ride. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def per_rider(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_base [CQ23, CPCD], PE = d × EF_bus ÷ N: the bus shared among those who ride it [CPCD]."""
    return emissions(
        baseline=activity.distance_km * parameter.baseline_per_km,
        project=activity.distance_km * parameter.bus_per_km / activity.riders,
    )
