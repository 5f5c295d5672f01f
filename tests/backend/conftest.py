"""A world on each database."""

from collections.abc import Iterator

import pytest

from tests.backend.world import World


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    made = World(database_url)
    yield made
    if made.to_be_proven:
        made.check_books()
