"""班级（校园）节电 Class electricity saving. Numbers live in methodology.yaml and factors/."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def saved_energy(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = E_base × r_days × r_climate × EF_grid × w ÷ n, PE = E_act × EF_grid × w ÷ n [MEE23]."""
    expected = activity.baseline_kwh * activity.calendar_ratio * activity.degree_day_ratio
    share = activity.share / activity.classes
    return emissions(
        baseline=expected * share * parameter.grid_electricity,
        project=activity.actual_kwh * share * parameter.grid_electricity,
    )
