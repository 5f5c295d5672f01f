"""捐步认领公益林 Steps donated to a forest. Engagement only: there is nothing to compute."""

from methodologies.kernel import Activity, Outcome, Parameters, formula, no_reduction


@formula
def engagement(activity: Activity, parameter: Parameters) -> Outcome:
    """ER ≡ 0: what the forest takes up belongs to the forest project and its own methodology [CIIA058]."""
    return no_reduction()
