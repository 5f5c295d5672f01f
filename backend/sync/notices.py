"""What a third-party platform reads: a list of fields per topic, under names only that platform knows people by.

A field is sent because it stands here, not because an announcement holds it. Holders and activities go out as keyed
pseudonyms that differ from destination to destination, so two platforms cannot put their notices together.
"""

import json
import re
from datetime import datetime
from uuid import UUID

from backend import clock, ledger, strict_json
from backend.strict_json import JsonValue
from backend.sync.interfaces import Notice
from backend.vault import Vault

_CHANGE = ("programme", "changes")
_ACT = (*_CHANGE, "methodology", "day", "reduction_g", "offset_g", "eac_wh")
#: All balances of an account, made for one destination where its picture of them has a beginning or a hole.
STATED = "balance.stated"
#: A member agreed that one destination is told about them; that destination itself is not told so.
GRANTED = "consent.granted"
#: Nothing more comes about an account. Every destination that was told about it is told this, whatever it asked for.
WITHDRAWN, FORGOTTEN = "consent.withdrawn", "account.forgotten"
ENDINGS = {WITHDRAWN: ("programme",), FORGOTTEN: ("programme",)}
#: What a destination can ask for: topic → the fields of its announcement that are passed on.
TOPICS = {
    "reduction.issued": (*_ACT, "points"),
    "reduction.reversed": (*_ACT, "reason"),
    "reduction.restated": (*_ACT, "previous"),
    **dict.fromkeys(ledger.TOPICS, _CHANGE),
    STATED: ("programme", "balances"),
}


def notice_id(delivery_id: UUID) -> str:
    """The id a receiver sees: `ntc_` and 32 hexadecimal digits."""
    return f"ntc_{delivery_id.hex}"


def delivery_id(notice: str) -> UUID | None:
    """The delivery a notice id stands for; None for any other text."""
    digits = notice.removeprefix("ntc_")
    return UUID(digits) if re.fullmatch("[0-9a-f]{32}", digits) else None


def pseudonym(vault: Vault, destination: str, kind: str, id: UUID | str) -> str:
    """How one destination knows a holder or an activity: 32 hexadecimal digits, always the same there."""
    return vault.index("sync", destination, kind, str(id)).hex()[:32]


def holder_pseudonym(vault: Vault, destination: str, holder_id: UUID) -> str:
    """The name one destination knows a holder by."""
    return pseudonym(vault, destination, "holder", holder_id)


def notice(
    vault: Vault,
    destination: str,
    *,
    delivery_id: UUID,
    topic: str,
    holder_id: UUID,
    sequence: int,
    payload: str,
    announced_at: datetime,
) -> Notice:
    """The message of one delivery; the same arguments give the same bytes."""
    announced = json.loads(payload)
    data: dict[str, JsonValue] = {
        "holder": holder_pseudonym(vault, destination, holder_id),
        "sequence": sequence,
        **{name: announced[name] for name in (TOPICS | ENDINGS)[topic]},
    }
    if announced.get("activity_id"):
        data["activity"] = pseudonym(vault, destination, "activity", announced["activity_id"])
    message: dict[str, JsonValue] = {"type": topic, "timestamp": clock.iso(announced_at), "data": data}
    return Notice(notice_id(delivery_id), strict_json.canonical(message).encode())
