"""What every kind of staff login does: say who a code stands for."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StaffIdentity:
    """Who the employer says is logging in: an identity that is one person's for good, and their staff number.

    `value` names the employer's directory as well, because a user id means nothing outside of it.
    """

    kind: str
    value: str = field(repr=False)
    staff_no: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that was begun: what only we and the employer's login service know of it."""

    redirect_uri: str
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)


class StaffLoginClient(Protocol):
    """The login service of one employer. `begins`: whether a browser is sent there first."""

    @property
    def begins(self) -> bool: ...

    def authorization_url(self, attempt: Attempt, state: str) -> str:
        """Where the browser is sent. Raises StaffLoginUnavailable."""
        ...

    def identify(self, code: str, attempt: Attempt | None) -> StaffIdentity:
        """Who this code stands for; it is good once. Raises StaffLoginInvalid, NotStaff, StaffLoginUnavailable."""
        ...
