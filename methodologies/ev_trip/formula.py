"""电动汽车出行 EV trip. Numbers live in methodology.yaml and factors/."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def instead_of_petrol(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = d × EF_ice, PE = d × q × EF_grid. T/CSAE 235-2021 [CSAE235]; CPCD, MEE23."""
    return emissions(
        baseline=activity.distance_km * parameter.car_per_km,
        project=activity.distance_km * activity.consumption * parameter.grid_electricity,
    )
