"""Seed data of the sandbox kind, on both databases, at a fixed moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from backend import clock
from tests.miniprogram_api.world import World

#: A Monday noon in Shanghai, three days after the acts most tests speak of.
NOW = datetime(2026, 6, 8, 12, 0, tzinfo=clock.SHANGHAI)


@pytest.fixture
def moment() -> Iterator[Any]:
    """The time stands still at NOW and can be moved."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def acted_at() -> datetime:
    """When the member acted: Friday morning, 5 June 2026."""
    return NOW - timedelta(days=3, hours=4)


@pytest.fixture
def world(moment: Any, app: Any) -> World:
    """The application with a programme, partners and their keys."""
    return World(app)
