"""Time that stands still."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from backend import clock


@pytest.fixture
def moment() -> Iterator[Any]:
    """The time stands still and can be moved."""
    with time_machine.travel(clock.start_of(clock.today()) + timedelta(hours=9), tick=False) as traveller:
        yield traveller
