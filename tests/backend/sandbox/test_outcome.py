"""Counting what came of the day, and showing it."""

from collections import Counter

from backend.columns import aligned, width
from backend.sandbox.outcome import Outcome, Scenario, Standing, summarise
from backend.sandbox.platform import Reply
from backend.sandbox.replay import Received
from backend.sandbox.table import table


def delivery(*lines: dict[str, object], state: str = "done") -> dict[str, object]:
    return {"state": state, "lines": [{"status": "issued", "code": None} | line for line in lines]}


def standing(status: str = "issued", reason: str | None = None, **amounts: int) -> Standing:
    return Standing("metro_ride", "乘坐地铁", status, reason, **({"reduction_g": 0, "offset_g": 0} | amounts))


def test_what_stands_now_is_counted_not_what_was_told_at_first() -> None:
    deliveries = [
        delivery({"activity_id": "a"}),
        delivery({"activity_id": "b"}),
        delivery({"activity_id": "c", "status": "outdone", "code": "ALREADY_CLAIMED"}),
    ]
    acts = {
        "a": standing(reduction_g=500, points=500),
        "b": standing("taken_back", "CANCELLED"),
        "c": standing(reduction_g=30, points=30),
    }
    outcome = summarise(deliveries, acts)
    assert outcome.scenarios == {"metro_ride": Scenario("乘坐地铁", 2, 530, points=530)}
    assert outcome.not_counted == {"CANCELLED": 1}


def test_lines_without_an_act_are_counted_as_the_delivery_tells() -> None:
    deliveries = [
        delivery({"status": "refused", "code": "UNKNOWN_CATEGORY"}, {"status": "superseded", "code": "CORRECTED"}),
        delivery({"status": "cancelled"}),
        delivery({"status": "parked", "code": "NO_LINK"}, {"status": "parked", "code": "NO_LINK"}, state="parked"),
        delivery(state="waiting"),
        delivery(state="dead"),
    ]
    outcome = summarise(deliveries, {})
    assert outcome.events == 5
    assert outcome.not_counted == {"UNKNOWN_CATEGORY": 1, "CORRECTED": 1}
    assert (outcome.withdrawing, outcome.parked) == (1, {"NO_LINK": 1})
    assert outcome.unfinished == {"waiting": 1, "dead": 1}
    assert not outcome.scenarios


def test_answers_are_counted_by_kind() -> None:
    received = Received()
    for reply in (
        Reply(202, {"status": "accepted"}),
        Reply(200, {"status": "duplicate"}),
        Reply(409, {"code": "EVENT_ID_REUSED"}),
    ):
        received.count(reply)
    assert (received.sent, received.accepted, received.duplicates) == (3, 1, 1)
    assert received.refused == {(409, "EVENT_ID_REUSED"): 1}


def test_columns_are_flush_although_a_chinese_character_is_two_wide() -> None:
    assert width("减排 g") == 6
    rows = [("骑行", "9"), ("metro", "1,234")]
    assert list(aligned(rows, right=(1,))) == ["  骑行       9", "  metro  1,234"]


def test_the_table_shows_every_count_with_its_reason() -> None:
    outcome = Outcome(
        events=3,
        scenarios={"metro_ride": Scenario("乘坐地铁", 1, 12_345, 0, 12_345)},
        parked=Counter(NO_LINK=2),
        not_counted=Counter(UNKNOWN_CATEGORY=1, SOMETHING_NEW=1),
        unfinished=Counter(waiting=4),
    )
    text = table(Received(9, 7, 1, Counter({(401, "INVALID_SIGNATURE"): 1})), outcome)
    for part in ("401 INVALID_SIGNATURE", "12,345", "NO_LINK", "该品类没有可用的方法学。", "SOMETHING_NEW", "waiting"):
        assert part in text
    assert "accepted before" not in text
    assert "accepted before" in table(None, outcome)
