"""A signed webhook: any platform that wants to know, and answers nothing but that it took a notice in."""

from collections.abc import Collection
from datetime import datetime

from backend import safe_http
from backend.sync import calling
from backend.sync.interfaces import Answered, Notice, Target


class Webhook:
    kind = "webhook"

    def check_url(self, url: str, allowed_hosts: Collection[str]) -> None:
        """https and a public host by its form; the address itself is looked up at every call."""
        safe_http.check_url(url, allowed_hosts=allowed_hosts)

    def deliver(self, target: Target, notice: Notice, *, now: datetime) -> Answered:
        """POST the notice."""
        return calling.deliver(target, notice, now=now)


DESTINATION = Webhook()
