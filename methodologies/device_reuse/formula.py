"""数码设备再利用 Device reuse. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def by_weight(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = m × C_kg, PE = BE × r: what has no footprint per piece, less refurbishing and transport [DESNZ, ZZ21]."""
    baseline = activity.weight_kg * parameter.avoided_per_kg
    return emissions(baseline=baseline, project=baseline * parameter.handling_share)


@formula
def platform_default(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = n × C, PE = BE × r: production avoided per device, less refurbishing and transport [ZZ21, IC2, BOAV]."""
    baseline = activity.quantity * parameter.avoided_production
    return emissions(baseline=baseline, project=baseline * parameter.handling_share)


@formula
def standard_replica(activity: Activity, parameter: Parameters) -> Outcome:
    """ER = n × PF × s × S: production emissions × replacement rate, as published [CACE-XY]; no project emissions."""
    production = activity.production_footprint_kg * activity.production_share
    return emissions(baseline=activity.quantity * production * parameter.replacement_rate)
