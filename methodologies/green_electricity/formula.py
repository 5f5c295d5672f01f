"""绿色电力 Green electricity. Backed by cancelled certificates, never a reduction."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, no_reduction


@formula
def certified_energy(activity: Activity, parameter: Parameters) -> Outcome:
    """EAC = min(E_used, E_cancelled); the national average already holds the renewable energy [MEE23]."""
    return no_reduction(eac_backed=min(activity.consumed_kwh, activity.cancelled_kwh))
