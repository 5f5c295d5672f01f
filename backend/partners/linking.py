"""Links from the partner's side: its user typed in a member's code, or its link is to end."""

from datetime import datetime

from sqlalchemy.orm import Session

from backend import identity, strict_json
from backend.errors import Refusal
from backend.partners import inbox
from backend.partners.contract import is_text
from backend.partners.errors import InvalidLinkRequest
from backend.vault import Vault

_LONGEST_CODE = 64


def read_code_and_user(body: bytes) -> tuple[str, str]:
    """`{code, user_ref}`. Raises InvalidJson and its kin, InvalidLinkRequest."""
    asked = _asked(body, "code", "user_ref")
    code = asked["code"]
    if not isinstance(code, str) or not 1 <= len(code) <= _LONGEST_CODE:
        raise InvalidLinkRequest(f"code: a text of 1 to {_LONGEST_CODE} characters is needed")
    return code, _user_ref(asked)


def read_user(body: bytes) -> str:
    """`{user_ref}`. Raises InvalidJson and its kin, InvalidLinkRequest."""
    return _user_ref(_asked(body, "user_ref"))


def link_by_code(
    tx: Session, vault: Vault, partner: str, code: str, user_ref: str, *, request_id: str, now: datetime
) -> datetime | Refusal:
    """Link a user by the code they typed in, let their events that waited be settled, and say since when it is linked.

    A refusal is returned, to be raised once what it counted is committed.
    """
    asked = {"partner": partner, "code": code, "user_ref": user_ref, "request_id": request_id}
    linked_at = identity.redeem_link_code(tx, vault, **asked, now=now)
    if not isinstance(linked_at, Refusal):
        inbox.wake_users(tx, {(partner, identity.user_ref_index(vault, partner, user_ref))}, now=now)
    return linked_at


def _asked(body: bytes, *names: str) -> dict[str, strict_json.JsonValue]:
    asked = strict_json.loads_object(body)
    if sorted(asked) != sorted(names):
        raise InvalidLinkRequest(f"needed, and nothing else: {', '.join(names)}")
    return asked


def _user_ref(asked: dict[str, strict_json.JsonValue]) -> str:
    user_ref = asked["user_ref"]
    if not isinstance(user_ref, str) or not is_text(user_ref):
        raise InvalidLinkRequest("user_ref: the text that events carry is needed")
    return user_ref
