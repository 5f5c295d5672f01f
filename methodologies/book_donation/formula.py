"""图书捐赠 Book donation. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def replaced_books(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = n × PF × S: production of the new books replaced [NGC]; transport is not counted for want of data."""
    return emissions(baseline=activity.quantity * parameter.book_footprint * parameter.replacement_rate)
