"""Staff login: employees log in with what their employer runs, WeCom 企业微信 or OpenID Connect.

`interfaces.StaffLoginClient` is what both are to the rest; `wecom` and `oidc` speak their protocols, `providers` is
what operators set up, `desk` calls them, and `entering` says whose login it was.
"""

from backend.identity.staff_login.attempts import Begun
from backend.identity.staff_login.desk import StaffLoginDesk
from backend.identity.staff_login.entering import Entered, enter
from backend.identity.staff_login.errors import (
    InvalidStaffProvider,
    NothingToBegin,
    NotStaff,
    RedirectNotAllowed,
    StaffLoginInvalid,
    StaffLoginTaken,
    StaffLoginUnavailable,
    UnknownStaffProvider,
)
from backend.identity.staff_login.interfaces import StaffIdentity
from backend.identity.staff_login.providers import (
    KINDS,
    ProviderView,
    add_provider,
    providers,
    replace_secret,
    retire_provider,
)

__all__ = [
    "KINDS",
    "Begun",
    "Entered",
    "InvalidStaffProvider",
    "NotStaff",
    "NothingToBegin",
    "ProviderView",
    "RedirectNotAllowed",
    "StaffIdentity",
    "StaffLoginDesk",
    "StaffLoginInvalid",
    "StaffLoginTaken",
    "StaffLoginUnavailable",
    "UnknownStaffProvider",
    "add_provider",
    "enter",
    "providers",
    "replace_secret",
    "retire_provider",
]
