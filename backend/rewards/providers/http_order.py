"""A platform that takes orders over HTTP and speaks the house protocol: goods by post, vouchers of its own, donations.

Every message goes to the same address: `order.placed` with what is ordered and for whom, `order.asked` and
`order.withdrawn` with the number alone. See docs/rewards.md.
"""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from backend import safe_http
from backend.rewards.interfaces import Answer, Order, Target
from backend.rewards.orders import speaking
from backend.rewards.orders.speaking import Asked
from backend.strict_json import JsonValue

PLACED, ASKED, WITHDRAWN = "order.placed", "order.asked", "order.withdrawn"


class HttpOrder:
    kind = "http_order"

    def check_url(self, url: str, *, allowed_hosts: Collection[str], sandbox: bool) -> None:
        """https and a public host by its form; the address itself is looked up at every call."""
        safe_http.check_url(url, allowed_hosts=allowed_hosts)

    def place(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`order.placed`. The number is also the id of the message, so that a repeat is known by either."""
        data: dict[str, JsonValue] = {"item": order.item, "quantity": order.quantity}
        data["recipient"] = None if order.recipient is None else asdict(order.recipient)
        return speaking.ask(target, order.request_no, Asked(PLACED, order.request_no, data, {}), now=now)

    def query(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`order.asked`."""
        return speaking.ask(target, speaking.question_id(), Asked(ASKED, order.request_no, {}, {}), now=now)

    def withdraw(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """`order.withdrawn`."""
        return speaking.ask(target, speaking.question_id(), Asked(WITHDRAWN, order.request_no, {}, {}), now=now)


PROVIDER = HttpOrder()
