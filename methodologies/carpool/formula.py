"""合乘 Carpool. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def shared_car(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = EF × (Σ would-drive km + b × Σ other km) ÷ N, PE = EF × d_pool × k ÷ N [CCAA38, CPCD, BIKE21]."""
    replaced = activity.would_drive_km + activity.other_km * parameter.driving_share
    driven = activity.pool_km * parameter.detour
    return emissions(
        baseline=replaced * parameter.car_per_km / activity.people,
        project=driven * parameter.car_per_km / activity.people,
    )
