"""Names that others see: the house's rules, WeChat's check, and what is kept while nobody can say."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
import time_machine
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.errors import NotFound
from backend.identity import public_names
from backend.identity.public_names import (
    Chosen,
    NameDesk,
    NameNotAllowed,
    NameRefused,
    Said,
    WeChatNameChecks,
    as_shown,
)
from tests.backend.member_messages.conftest import running_twin, twin
from tests.backend.world import World

__all__ = ["running_twin", "twin"]
NOW = datetime(2026, 6, 8, 12, 0, tzinfo=clock.SHANGHAI)


@pytest.mark.parametrize("name", ["小林", "Lin", "林 · 小队", " 绿色  出行 ", "O'Neill", "三班2026"])
def test_names_as_they_are_shown(name: str) -> None:
    assert as_shown(name) == " ".join(name.split())


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "13800138000", "微信 abc12345", "<script>", "a@b.cn", "www.x", "x" * 21, "小\u202e林", "_", "🌳"),
        *("平台客服", "Admin", "环境周官方", "加微信号聊"),
    ],
)
def test_names_that_the_house_refuses(name: str) -> None:
    with pytest.raises(NameRefused):
        as_shown(name)


class Bottles:
    """A room whose things have names."""

    use = "bottle"

    def __init__(self) -> None:
        self.names: dict[str, str | None] = {}

    def decide(self, tx: Session, chosen: Chosen, passed: bool) -> None:
        self.names[chosen.subject] = chosen.name if passed else None


class Shelf:
    """People who name bottles, WeChat's twin behind a desk, and the time."""

    def __init__(self, database_url: str, twin) -> None:
        self.house, self.twin, self.bottles = World(database_url).house, twin, Bottles()
        self.checks = WeChatNameChecks(twin.api(self.house.sessions, self.house.vault))
        self.desk = NameDesk(self.house.sessions, self.house.vault, self.checks, [self.bottles])
        self.ann, self.bob = self.person("o-ann"), self.person(None)
        twin.seen = {"o-ann"}

    def person(self, openid: str | None) -> UUID:
        known_by = ("wechat_openid", f"sandbox|{openid}") if openid else ("staff_login", "acme|bob")
        with self.house.transaction() as tx:
            return identity.recognise_person(tx, self.house.vault, [known_by], now=clock.now())

    def choose(self, person: UUID, subject: str, typed: str) -> bool:
        checked = self.desk.check(person, typed)
        self.bottles.names.pop(subject, None)
        with self.house.transaction() as tx:
            public_names.keep(tx, person, Bottles.use, subject, checked, now=clock.now())
        return checked.passed

    def waiting(self, for_operator: bool = False) -> list[Chosen]:
        with self.house.transaction() as tx:
            return public_names.waiting(tx, for_operator=for_operator)


@pytest.fixture
def moment():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_a_name_is_asked_about_as_wechat_wants_it(moment, database_url, twin):
    shelf = Shelf(database_url, twin)
    assert shelf.choose(shelf.ann, "1", " 小林 ") and not shelf.waiting()
    assert twin.texts == [{"version": 2, "scene": 1, "openid": "o-ann", "content": "小林"}]
    for suggested in ("risky", 87014):
        twin.suggested = {"小赌": suggested}
        with pytest.raises(NameNotAllowed):
            shelf.choose(shelf.ann, "1", "小赌")
    with pytest.raises(NameRefused):
        shelf.choose(shelf.ann, "1", "13800138000")
    assert len(twin.texts) == 3  # what the house refuses itself, WeChat is not asked about
    odd = ({"errcode": 0}, {"errcode": 0, "result": "pass"}, {"errcode": 0, "result": {"suggest": ["pass"]}})
    for answer in (*odd, {"errcode": -1}, {"errcode": 47001}, "5xx", "lost"):
        twin.suggested = {"小林": answer}
        assert shelf.checks.check("o-ann", "小林") is Said.LATER


def test_what_could_not_be_checked_is_kept_and_asked_about_again(moment, database_url, twin):
    shelf = Shelf(database_url, twin)
    twin.suggested = {name: {"errcode": -1} for name in ("林", "王", "赌")}
    for subject, name in (("1", "林"), ("2", "王"), ("3", "赌")):
        assert not shelf.choose(shelf.ann, subject, name)
    assert (len(shelf.waiting()), shelf.desk.check_waiting(), len(twin.texts)) == (3, 0, 3)
    moment.shift(timedelta(minutes=1))
    shelf.desk.check_waiting()
    assert len(twin.texts) == 4  # an outage costs one call a round
    twin.suggested = {"赌": "risky"}
    assert shelf.choose(shelf.ann, "1", "松")  # takes the place of the one that waited
    assert shelf.desk.check_waiting() == 2
    assert shelf.bottles.names == {"2": "王", "3": None} and not shelf.waiting()
    twin.seen = set()  # not in the mini-program within two hours
    assert not shelf.choose(shelf.ann, "4", "海")
    moment.shift(timedelta(minutes=1))
    shelf.desk.check_waiting()
    calls, twin.seen = len(twin.texts), {"o-ann"}
    moment.shift(timedelta(minutes=59))
    assert (shelf.desk.check_waiting(), len(twin.texts)) == (0, calls)
    moment.shift(timedelta(minutes=1))
    assert (shelf.desk.check_waiting(), shelf.bottles.names["4"]) == (1, "海")


def test_an_operator_looks_at_what_wechat_cannot_say(moment, database_url, twin):
    shelf = Shelf(database_url, twin)
    twin.suggested = {"云": "review"}
    assert not shelf.choose(shelf.ann, "1", "云") and not shelf.choose(shelf.bob, "2", "山")
    twin.suggested = {"雨": {"errcode": -1}}
    shelf.choose(shelf.ann, "3", "雨")
    assert [one.name for one in shelf.waiting(for_operator=True)] == ["云", "山"]
    first, second = shelf.waiting(for_operator=True)
    with shelf.house.transaction() as tx:
        shelf.desk.decide(tx, first.id, passed=True)
        shelf.desk.decide(tx, second.id, passed=False)
    assert shelf.bottles.names == {"1": "云", "2": None}
    with pytest.raises(NotFound), shelf.house.transaction() as tx:
        shelf.desk.decide(tx, first.id, passed=True)
    moment.shift(timedelta(days=7))
    shelf.desk.check_waiting()
    assert [one.name for one in shelf.waiting(for_operator=True)] == ["雨"]
    with shelf.house.transaction() as tx:
        identity.forget_person(tx, shelf.ann, source="member", now=clock.now())
    assert shelf.waiting() == []
