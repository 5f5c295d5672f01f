"""Names that members choose and others see: pen names, teams' names, names on certificates.

`rules` are the house's own, `wechat` asks WeChat's check, `desk` does both and keeps what nobody could check yet.
"""

from backend.identity.public_names.desk import (
    Checked,
    Chosen,
    Named,
    NameDesk,
    NameNotAllowed,
    drop,
    forget_names,
    keep,
    waiting,
)
from backend.identity.public_names.rules import LONGEST, NameRefused, as_shown
from backend.identity.public_names.wechat import NameChecks, Said, SandboxNameChecks, WeChatNameChecks

__all__ = [
    "LONGEST",
    "Checked",
    "Chosen",
    "NameChecks",
    "NameDesk",
    "NameNotAllowed",
    "NameRefused",
    "Named",
    "Said",
    "SandboxNameChecks",
    "WeChatNameChecks",
    "as_shown",
    "drop",
    "forget_names",
    "keep",
    "waiting",
]
