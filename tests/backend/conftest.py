"""A world on each database."""

from collections.abc import Iterator

import pytest

from tests.backend.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    yield World(database_url)
