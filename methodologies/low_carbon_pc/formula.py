"""购买低碳（碳中和）电脑 Low-carbon PC. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, no_reduction


@formula
def with_baseline(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = n × PCF_base × (1 − u), PE = n × PCF_prod [BOAV]; apart from it COMP = n × min(Q, PCF_prod) [LN-OFF1]."""
    certain = activity.baseline_footprint_kg - activity.baseline_footprint_kg * parameter.uncertainty
    return emissions(
        baseline=activity.quantity * certain,
        project=activity.quantity * activity.product_footprint_kg,
        offset_backed=activity.quantity * min(activity.retired_kg, activity.product_footprint_kg),
    )


@formula
def without_baseline(activity: Activity, parameter: Parameters) -> Outcome:
    """COMP = n × min(Q, PCF_prod) [LN-OFF1]; without a baseline there is no reduction."""
    compensated = min(activity.retired_kg, activity.product_footprint_kg)
    return no_reduction(offset_backed=activity.quantity * compensated)


@formula
def by_certificate(activity: Activity, parameter: Parameters) -> Outcome:
    """COMP = n × min(Q, Q / s, PCF_max): the footprint is not published, the certificate says the share s of it was
    retired [SRC]; never more than the largest footprint known of the kind [CPCD]."""
    retired = activity.certified_retired_kg
    assumed = min(retired / parameter.certified_share, parameter.largest_footprint)
    return no_reduction(offset_backed=activity.quantity * min(retired, assumed))
