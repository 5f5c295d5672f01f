"""What a provider says, and what we make of it: only a whole answer about our number says anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from backend import clock, signing
from backend.rewards.errors import SandboxOnly
from backend.rewards.interfaces import (
    Address,
    Answer,
    Cancelled,
    Done,
    NotKnown,
    Order,
    Outside,
    Reference,
    Refused,
    Target,
    Unknown,
    Withdrawn,
)
from backend.rewards.orders.preparing import request_no
from backend.rewards.orders.recipients import recipient_of
from backend.rewards.providers import LISTS, OUTSIDE
from backend.rewards.providers.sandbox import SCHEME
from backend.safe_http import AddressRefused, OutsideUnavailable
from backend.sandbox.reward_platform import SECRET
from tests.backend.rewards.platform import Platform, platform
from tests.backend.sync.receiver import Received, Receiver

DOCUMENTED = Path(__file__).parents[3] / "docs" / "rewards.md"
ADDRESS = Address("王小明", "13800138000", "上海市 黄浦区", "人民大道 200 号")
KEYS = (signing.parse_signing_key(SECRET),)
NUMBERS = (request_no(UUID(int=number)) for number in range(1, 10_000))


def order(item: str = "mug", quantity: int = 1, recipient: Address | Reference | None = None) -> Order:
    return Order(next(NUMBERS), item, quantity, recipient)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with platform(tmp_path_factory.mktemp("platform")) as found:
        yield found


@pytest.fixture(params=["http_order", "points_platform", "sandbox"])
def reached(request: pytest.FixtureRequest, twin: Platform, tmp_path: Path) -> tuple[Outside, Target]:
    """Every kind, each with the platform it speaks to."""
    url = f"{SCHEME}{tmp_path}/own.sqlite" if request.param == "sandbox" else twin.url
    return OUTSIDE[request.param], Target(url, KEYS, [twin.host], sandbox=True, deadline_s=5.0)


def test_every_kind_speaks_the_same_way(reached: tuple[Outside, Target]) -> None:
    outside, target = reached
    now, member = clock.now(), Reference("m-1")

    def asked(thing: Order) -> Answer:
        return outside.query(thing, target, now=now)

    plain = order(quantity=500, recipient=member)
    assert asked(plain) == NotKnown()
    placed = outside.place(plain, target, now=now)
    assert isinstance(placed, Done) and placed.status == "done" and placed.reference.startswith("SBX-")
    assert outside.place(plain, target, now=now) == asked(plain) == outside.withdraw(plain, target, now=now) == placed

    withdrawn = order(recipient=member)
    assert outside.withdraw(withdrawn, target, now=now) == Withdrawn()
    assert outside.place(withdrawn, target, now=now) == asked(withdrawn) == Withdrawn()

    refused = order("mug#refuse:OUT_OF_STOCK", recipient=member)
    assert outside.place(refused, target, now=now) == asked(refused) == Refused("OUT_OF_STOCK")
    failing = order("mug#fail", recipient=member)
    assert outside.place(failing, target, now=now) == Unknown("answered 500")
    assert asked(failing) == NotKnown()

    posted, cancelled = order("mug#post", recipient=member), order("mug#cancel", recipient=member)
    steps = [outside.place(posted, target, now=now), asked(posted), asked(posted), asked(posted)]
    assert [step.status for step in steps if isinstance(step, Done)] == [
        "accepted",
        "shipped",
        "delivered",
        "delivered",
    ]
    assert isinstance(outside.place(cancelled, target, now=now), Done)
    assert asked(cancelled) == Cancelled("OUT_OF_STOCK")

    silent = order("mug#timeout_after_success:0", recipient=member)
    assert isinstance(outside.place(silent, target, now=now), Unknown)
    assert isinstance(asked(silent), Done)
    late = order("mug#late:0", recipient=member)
    assert isinstance(outside.place(late, target, now=now), Unknown)
    assert asked(late) == NotKnown() and isinstance(asked(late), Done)
    twice = order("mug#twice", recipient=member)
    assert outside.place(twice, target, now=now) == asked(twice)

    if outside.kind in LISTS:
        pages = [LISTS[outside.kind].listed_after(target, clock.today(), None, limit=100, now=now)]
        listed = {item.request_no: item.quantity for item in pages[0].listed}
        assert pages[0].complete and listed[plain.request_no] == 500
        assert not {refused.request_no, withdrawn.request_no, cancelled.request_no} & listed.keys()


@pytest.mark.parametrize("manner", ["huge", "redirect", "not_json", "other_number"])
def test_nonsense_says_nothing(twin: Platform, manner: str) -> None:
    """The order stands all the same: what became of it is found out by asking."""
    target = Target(twin.url, KEYS, [twin.host], deadline_s=5.0)
    for kind in ("http_order", "points_platform"):
        odd = order(f"mug#{manner}", recipient=Reference("m-1"))
        assert isinstance(OUTSIDE[kind].place(odd, target, now=clock.now()), Unknown)
        assert isinstance(OUTSIDE[kind].query(odd, target, now=clock.now()), Done)


def test_what_is_sent_is_signed_and_holds_no_more_than_it_must() -> None:
    with Receiver().open() as receiver:
        target = Target(f"http://{receiver.host}/orders", KEYS, [receiver.host])
        for kind, recipient in (("http_order", ADDRESS), ("points_platform", Reference("m-1"))):
            asked = order("mug", 3, recipient)
            for step in (OUTSIDE[kind].place, OUTSIDE[kind].query, OUTSIDE[kind].withdraw):
                step(asked, target, now=clock.now())
        for got in receiver.received:
            got.verify(SECRET)
    types = [got.message["type"] for got in receiver.received]
    assert types == [f"{what}.{verb}" for what in ("order", "exchange") for verb in ("placed", "asked", "withdrawn")]
    posted, exchanged = receiver.received[0], receiver.received[3]
    assert posted.id == posted.data["request_no"]
    assert posted.data.keys() == {"request_no", "item", "quantity", "recipient"}
    assert posted.data["recipient"]["street"] == ADDRESS.street
    assert exchanged.data.keys() == {"request_no", "item", "units", "member"}
    assert all(got.data.keys() == {"request_no"} for got in receiver.received if ".placed" not in got.message["type"])
    assert ADDRESS.phone not in repr(asked) + repr(target) + repr(Order("n", "i", 1, ADDRESS))


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ({"status": "done", "reference": "A-1", "units": 5}, Done("A-1")),
        ({"status": "done", "reference": "A-1", "units": 4}, Unknown),  # another number of units
        ({"status": "done", "reference": "A-1", "units": "5"}, Unknown),
        ({"status": "done", "reference": "A-1"}, Unknown),
        ({"status": "done", "reference": "", "units": 5}, Unknown),
        ({"status": "done", "reference": "一", "units": 5}, Unknown),
        ({"status": "ok", "reference": "A-1", "units": 5}, Unknown),
        ({"status": "refused"}, Unknown),
        ({"status": "refused", "code": "no\nway"}, Unknown),
        ({"status": "refused", "code": "NO_STOCK"}, Refused("NO_STOCK")),
        ({"status": None}, Unknown),
        ([], Unknown),
    ],
)
def test_an_answer_is_read_strictly(said: object, meant: object) -> None:
    exchanged = order(quantity=5, recipient=Reference("m-1"))

    def answer(got: Received) -> bytes:
        return json.dumps({"request_no": got.data["request_no"], **said} if isinstance(said, dict) else said).encode()

    with Receiver().open() as receiver:
        receiver.answer = answer
        target = Target(f"http://{receiver.host}/", KEYS, [receiver.host])
        found = OUTSIDE["points_platform"].query(exchanged, target, now=clock.now())
    assert found == meant if not isinstance(meant, type) else isinstance(found, meant)


def test_a_status_alone_refuses_nothing() -> None:
    """Something in between may have said it; and a question that is refused says nothing about the order."""
    statuses: Iterator[int] = iter(())

    def answer(got: Received) -> int:
        return next(statuses)

    with Receiver().open() as receiver:
        receiver.answer = answer
        target = Target(f"http://{receiver.host}/", KEYS, [receiver.host])
        http_order = OUTSIDE["http_order"]
        said = (204, 301, 400, 404, 409, 422, 429, 500, 503)
        for step in (http_order.place, http_order.query, http_order.withdraw):
            statuses = iter(said)
            assert all(isinstance(step(order(), target, now=clock.now()), Unknown) for _ in said)
    gone = Target(f"http://{receiver.host}/", KEYS, [receiver.host])
    assert isinstance(http_order.place(order(), gone, now=clock.now()), Unknown)
    private = Target(f"http://{receiver.host}/", KEYS)
    assert http_order.place(order(), private, now=clock.now()) == Unknown("ADDRESS_REFUSED")


def test_a_list_is_read_strictly() -> None:
    number = next(NUMBERS)
    row = {"request_no": number, "quantity": 5, "status": "done"}
    wrong: list[object] = [
        {"requests": [row, row], "complete": True},
        {"requests": [], "complete": False},
        {"requests": [row | {"quantity": -1}], "complete": True},
        {"requests": [row | {"request_no": "x"}], "complete": True},
        {"requests": [row]},
        [],
    ]
    with Receiver().open() as receiver:
        target = Target(f"http://{receiver.host}/", KEYS, [receiver.host])
        for page in wrong:
            receiver.answer = lambda _, page=page: json.dumps(page).encode()  # type: ignore[misc]
            with pytest.raises(OutsideUnavailable):
                LISTS["points_platform"].listed_after(target, clock.today(), None, limit=9, now=clock.now())


def test_twins_are_for_sandboxes(twin: Platform, tmp_path: Path) -> None:
    url = f"{SCHEME}{tmp_path}/own.sqlite"
    sandbox = OUTSIDE["sandbox"]
    with pytest.raises(SandboxOnly):
        sandbox.check_url(url, allowed_hosts=(), sandbox=False)
    with pytest.raises(AddressRefused):
        OUTSIDE["http_order"].check_url(twin.url, allowed_hosts=(), sandbox=False)
    thing = order()
    assert isinstance(sandbox.place(thing, Target(url, KEYS), now=clock.now()), Unknown)
    assert sandbox.query(thing, Target(url, KEYS, sandbox=True), now=clock.now()) == NotKnown()


def test_the_examples_of_the_documentation_mean_what_they_say() -> None:
    blocks = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENTED.read_text("utf-8"), re.S)]
    asked = {message["type"]: message["data"] for message in blocks if "type" in message}
    answers = [block for block in blocks if "reference" in block]
    assert asked.keys() == {"order.placed", "exchange.placed", "exchange.listed"} and len(answers) == 2
    placed, exchanged = asked["order.placed"], asked["exchange.placed"]
    recipient = recipient_of(placed["recipient"])
    things = [
        Order(placed["request_no"], placed["item"], placed["quantity"], recipient),
        Order(
            exchanged["request_no"],
            exchanged["item"],
            exchanged["units"],
            recipient_of({"member": exchanged["member"]}),
        ),
    ]
    with Receiver().open() as receiver:
        target = Target(f"http://{receiver.host}/", KEYS, [receiver.host])
        for kind, thing, answer in zip(("http_order", "points_platform"), things, answers, strict=True):
            receiver.answer = lambda _, answer=answer: json.dumps(answer).encode()  # type: ignore[misc]
            said = OUTSIDE[kind].place(thing, target, now=clock.now())
            assert said == Done(answer["reference"], answer["status"])
    sent = [got.data for got in receiver.received]
    assert sent == [placed, exchanged]
