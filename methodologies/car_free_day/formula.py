"""无车日（停驶） Car-free day. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def whole_days(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = ⌊h ÷ 24⌋ × D × EF_car [BJ-STOP, CPCD], PE = that day's trips by metro and bus [CPCD]."""
    days = activity.parked_min // parameter.full_day
    by_metro = activity.metro_km * parameter.metro_per_km
    return emissions(
        baseline=activity.daily_distance * parameter.car_per_km * days,
        project=by_metro + activity.bus_km * parameter.bus_per_km,
    )
