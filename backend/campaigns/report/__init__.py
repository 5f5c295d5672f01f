"""The report of a campaign: participation, grams by day, scenario, grade and group, before, during and after."""

from backend.campaigns.report.figures import report
from backend.campaigns.report.files import files

__all__ = ["files", "report"]
