"""The employer's view: Scope 3 figures of business travel and commuting, and nobody's journeys.

`privacy` says what may be shown, `figures` works it out, `releasing` writes a month down once, `tables` makes files of
it.
"""

from backend.employer.errors import MonthNotOver, ReleasedBefore
from backend.employer.releasing import Report, release, released, report
from backend.employer.tables import csv_file, workbook

__all__ = ["MonthNotOver", "ReleasedBefore", "Report", "csv_file", "release", "released", "report", "workbook"]
