"""无纸化办公与电子签章 Paperless office. Numbers live in methodology.yaml."""

from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula


@formula
def sheets_avoided(activity: Activity, parameter: Parameters) -> Outcome:
    """BE = pages × originals × EF_sheet [CPCD], PE = e-mails × EF_email [IC2]; no parcel factor was found."""
    return emissions(
        baseline=activity.pages * activity.originals * parameter.sheet_footprint,
        project=activity.emails * parameter.email_footprint,
    )
