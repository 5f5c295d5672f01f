"""What a kind of destination is: something that hands one notice over and says what came of it.

A kind that mirrors balances can also be asked what it holds.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backend.signing import SecretKey, SigningKey


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: `id` stays over every attempt and redrive, and so does `body` to the byte."""

    id: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Target:
    """Where notices go and the keys valid now, newest first. `allowed_hosts` is what `safe_http.call` means by it."""

    url: str
    keys: tuple[SecretKey | SigningKey, ...]
    allowed_hosts: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one attempt.

    `status` is the HTTP status where there was one, `error` a word for the operator where it failed. `gone`: the
    receiver wants nothing any more. `slow_down`: nothing else goes there for a while; `retry_after_s` is what it asked.
    """

    delivered: bool
    status: int | None = None
    error: str | None = None
    gone: bool = False
    slow_down: bool = False
    retry_after_s: int | None = None


class Destination(Protocol):
    """A kind of destination; it keeps nothing between calls and is called from several threads at once."""

    kind: str

    def check_url(self, url: str, allowed_hosts: Collection[str]) -> None:
        """Refuse (AddressRefused) an address that can never be delivered to."""

    def deliver(self, target: Target, notice: Notice, *, now: datetime) -> Answered:
        """Hand the notice over, in bounded time. Whatever the receiver does is an answer, never an exception."""


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What a platform holds of one account, having counted every notice up to `sequence` but those that are missing.

    `holder` is its name for the member; balances of nought are left out.
    """

    holder: str
    programme: str
    sequence: int
    missing: frozenset[int]
    balances: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Page:
    """Accounts in the order of holder and programme; no holder's are torn apart. `complete`: there are no more."""

    accounts: tuple[Mirrored, ...]
    complete: bool


class Mirror(Destination, Protocol):
    """A kind of destination that mirrors balances; it needs every topic."""

    def accounts_after(self, target: Target, holder: str | None, *, limit: int, now: datetime) -> Page:
        """The accounts of the next holders, at most `limit` of them, in bounded time.

        Raises OutsideUnavailable, AddressRefused.
        """
