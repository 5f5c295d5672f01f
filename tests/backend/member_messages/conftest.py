"""The world of the API, a template for its programme, and a twin of WeChat on a local port."""

from collections.abc import Iterator

import pytest

from backend import clock, member_messages
from tests.backend.member_messages.twin import WeChatTwin
from tests.miniprogram_api.conftest import acted_at, moment
from tests.miniprogram_api.world import World

TEMPLATE = "points-expiry-template-0000000000000000001"
FIELDS = {"programme": "thing1", "points": "number2", "last_day": "date3", "note": "thing4"}


@pytest.fixture(scope="session")
def running_twin() -> Iterator[WeChatTwin]:
    with WeChatTwin().open() as twin:
        yield twin


@pytest.fixture
def twin(running_twin: WeChatTwin) -> WeChatTwin:
    running_twin.forget()
    return running_twin


@pytest.fixture
def world(moment, app) -> World:  # type: ignore[no-untyped-def]
    made = World(app)
    with made.house.transaction() as tx:
        member_messages.set_template(tx, "members", TEMPLATE, FIELDS, page="pages/points", now=clock.now())
    return made


__all__ = ["FIELDS", "TEMPLATE", "acted_at", "moment", "running_twin", "twin", "world"]
