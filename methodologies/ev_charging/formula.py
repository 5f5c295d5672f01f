"""电动汽车充电 EV charging. Numbers live in methodology.yaml and factors/."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def charged_energy(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = E × EF_ice ÷ q, PE = E × EF_grid: the distance the energy drives [CSAE235, CPCD, MEE23]."""
    return emissions(
        baseline=activity.charged_kwh * parameter.car_per_km / parameter.energy_per_km,
        project=activity.charged_kwh * parameter.grid_electricity,
    )
