"""What a provider is: somebody who carries a redemption out.

One inside the house (a pool of codes, an operator's list) fulfils within the database transaction that spends the
points. One outside is called between two transactions, under a request number that is ours and stays the same over
every attempt: it may be asked twice, and carries out once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from backend.signing import SecretKey, SigningKey
from backend.vault import Sealer, Vault


@dataclass(frozen=True, slots=True)
class Address:
    """Where physical goods go. Known to the member and to the provider of that reward, and to nobody else."""

    name: str
    phone: str
    region: str
    street: str


@dataclass(frozen=True, slots=True)
class Reference:
    """What a third-party platform calls the member, whose consent to name them there the redemption records."""

    member: str


#: For whom an order is, where the provider has to know.
Recipient = Address | Reference


@dataclass(frozen=True, slots=True)
class Order:
    """What an outside provider is asked for. `item` is the reward's name there, `quantity` how many of it.

    For a points platform `quantity` is the number of its units that the member gets.
    """

    request_no: str
    item: str
    quantity: int
    recipient: Recipient | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a provider is reached and the keys valid now, newest first. `deadline_s` covers a whole call.

    `allowed_hosts` is what `safe_http.call` means by it; `sandbox` says whether twins may be spoken to.
    """

    url: str
    keys: tuple[SecretKey | SigningKey, ...] = field(repr=False)
    allowed_hosts: Collection[str] = ()
    sandbox: bool = False
    deadline_s: float = 10.0


#: How far a provider is with what it took on. The last two are ends.
STATUSES = ("accepted", "shipped", "delivered", "done")
#: What it is while it has not been sent off.
NOT_SHIPPED = "accepted"
ENDS = ("delivered", "done")


@dataclass(frozen=True, slots=True)
class Done:
    """The provider took it on, once and for good: the points are spent. `reference` is its own number for it."""

    reference: str
    status: str = "done"


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider did not do it and never will under this number. `code` is its reason, for programs."""

    code: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The provider has withdrawn the number: it did nothing and refuses whatever still arrives under it."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The provider took it on, and then could not carry it out: the points go back. `code` is its reason."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Anything else, silence included: it may have happened or not. `reason` is a word for the operator."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Asked about the number, the provider says that it has never seen it. It may still arrive."""


#: What settles a redemption, and what leaves it open.
Settling = Done | Refused | Withdrawn | Cancelled
Answer = Settling | Unknown | NotKnown


class Outside(Protocol):
    """A kind of provider outside the house; it keeps nothing between calls and is called from several threads at once.

    Every call ends within the target's deadline, and whatever the provider does is an answer, never an exception.
    """

    kind: str

    def check_url(self, url: str, *, allowed_hosts: Collection[str], sandbox: bool) -> None:
        """Refuse an address that can never be called: AddressRefused, or SandboxOnly outside a sandbox."""

    def place(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Ask for it. A second time under the same number changes nothing and gives the same answer."""

    def query(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Ask what became of it. The order comes without its recipient."""

    def withdraw(self, order: Order, target: Target, *, now: datetime) -> Answer:
        """Take it back unless it is done: Withdrawn when it never will be, Done when it is."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One request in a provider's list of a day. `quantity` is what it says it delivered; `status` how it stands."""

    request_no: str
    quantity: int
    status: str


@dataclass(frozen=True, slots=True)
class Page:
    """Requests in the order of their numbers. `complete`: there are no more."""

    listed: tuple[Listed, ...]
    complete: bool


class Lists(Outside, Protocol):
    """A kind of provider that can be asked for everything it did on a day."""

    def listed_after(self, target: Target, day: date, request_no: str | None, *, limit: int, now: datetime) -> Page:
        """What it did under our numbers on a Shanghai day, behind this number. Raises OutsideUnavailable."""


@dataclass(frozen=True, slots=True)
class Fulfilment:
    """What an inside provider is asked for, within the transaction that spends the points.

    `sealer` is the holder's where this transaction holds their key and began the redemption.
    """

    holder_id: UUID
    redemption_id: UUID
    reward: str
    quantity: int
    settings: Mapping[str, object] = field(default_factory=dict)
    sealer: Sealer | None = field(default=None, repr=False)


class Inside(Protocol):
    """A kind of provider inside the house. What it cannot do it refuses by raising a Refusal: nothing is spent then."""

    kind: str

    def fulfil(self, tx: Session, vault: Vault, asked: Fulfilment, *, now: datetime) -> None:
        """Do it in this transaction. A second time for the same redemption changes nothing."""
