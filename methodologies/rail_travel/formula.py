"""高铁代替飞机 Rail instead of plane. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def rail_instead_of_air(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d_air × EF_air, PE = d_rail × EF_rail, each with its own distance [CPCD]."""
    return emissions(
        baseline=activity.air_km * parameter.air_per_km,
        project=activity.rail_km * parameter.rail_per_km,
    )
