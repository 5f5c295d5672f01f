"""What whoever carries messages to members has to do, and what it can answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol


class Outcome(Enum):
    """What became of a message.

    SENT: taken, and a permission used. NOT_PERMITTED: the member has none left, so it must not be tried again.
    TEMPLATE_FAULT: no message of this template will be taken as things are. QUOTA: none at all today. BUSY: none at all
    now. LATER: not this one now. NOBODY: not to this member, ever. UNKNOWN: it may have arrived or not. Only SENT and
    UNKNOWN may have reached them.
    """

    SENT = "sent"
    NOT_PERMITTED = "not permitted"
    TEMPLATE_FAULT = "template fault"
    QUOTA = "quota"
    BUSY = "busy"
    LATER = "later"
    NOBODY = "nobody"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """`message_id`: the carrier's own number of a message it took. `reason` is for operators, and names nobody."""

    outcome: Outcome
    message_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it is handed over. `data`: the template's keyword → the text it holds."""

    openid: str = field(repr=False)
    template_id: str
    page: str
    data: Mapping[str, str]


class Channel(Protocol):
    """Whoever carries messages to the members of one mini-program. Called outside any transaction."""

    @property
    def appid(self) -> str: ...

    def send(self, message: Message) -> Answer:
        """Never raises for what the other side does."""
        ...
