"""A car that stood still: two photos of its odometer that reached the house a day apart, and one reading. Pure.

When a photo was taken, its own time says, which anybody can set; when it arrived, the house knows. So a car stood at
least from the arrival of the first photo to that of the last one. Source of the rule: Beijing 2017 (two photos of the
dashboard, the same reading; 24 full hours count as a day), as in `methodologies/car_free_day`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from backend.declarations.errors import OdometerUnproven

METHODOLOGY = "car_free_day"
#: What the house measures, and its most in one act: several days are declared one by one.
PARKED, MOST_PARKED_MIN = "parked_min", 2_879
APART = timedelta(hours=24)
#: A photo needs so long at most from the garage to the house.
LATE = timedelta(minutes=10)
PHOTOS = 2


def parked_min(readings_km: Sequence[int], received: Sequence[datetime], occurred_at: datetime) -> int:
    """For how many minutes the car stood from `occurred_at` on, as far as the photos show. Raises OdometerUnproven.

    `readings_km`: the first and the last one, as stated; a reviewer compares them with the photos. `received`: when
    the photos arrived.
    """
    if len(readings_km) != PHOTOS or readings_km[0] != readings_km[-1]:
        raise OdometerUnproven(problem="odometer_km holds the first and the last reading, and they are equal")
    if len(received) < PHOTOS or max(received) - min(received) < APART:
        raise OdometerUnproven(problem="two photos have to arrive 24 hours apart or more")
    if occurred_at < min(received) - LATE or occurred_at + APART > max(received) + LATE:
        raise OdometerUnproven(problem="the photos have to arrive before and after the 24 hours from occurred_at on")
    stood = max(received) - max(occurred_at, min(received))
    return min(max(stood, APART) // timedelta(minutes=1), MOST_PARKED_MIN)
