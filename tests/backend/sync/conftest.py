"""A world whose announcements are followed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.backend.sync.receiver import Receiver


@pytest.fixture
def new_receiver() -> Iterator[Callable[[], Receiver]]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(Receiver().open())


@pytest.fixture
def receiver(new_receiver: Callable[[], Receiver]) -> Receiver:
    return new_receiver()
