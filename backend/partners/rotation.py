"""Rotation by the partner itself: a request signed with a present key names, or asks for, its successor.

A request does what it asks for once: the same again changes nothing and shows no secret, so whoever captured one has
nothing. A key in the time of its overlap may sign events, but not this: a stolen key that was rotated away cannot come
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NoReturn

from sqlalchemy.orm import Session

from backend import clock, signing, strict_json
from backend.partners import keys
from backend.partners.errors import EventIdReused, InvalidRotation, KeyEnding
from backend.partners.keys import KeyView, SignedRequest
from backend.partners.registry import hold_partner
from backend.signing import InvalidSignature, PublicKey, Verified, request_text
from backend.vault import Vault

TARGET = "/partners/v1/secrets:rotate"
#: The longest a partner may let its old keys go on; an operator may allow more.
MOST_OVERLAP_HOURS = 24


@dataclass(frozen=True, slots=True)
class Rotation:
    """What came of a request. `secret` is shown once; None for a public key, and when it was asked for before."""

    repeated: bool
    key: KeyView
    others_end_at: datetime | None
    secret: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "status": "duplicate" if self.repeated else "rotated",
            "key": self.key.as_json(),
            "others_end_at": clock.iso(self.others_end_at) if self.others_end_at else None,
            **({"secret": self.secret} if self.secret else {}),
        }


def rotate(
    tx: Session,
    vault: Vault,
    partner: str,
    headers: Mapping[str, str],
    verified: Verified,
    body: bytes,
    *,
    now: datetime,
) -> Rotation:
    """Do what a verified request asks for. `{}` asks for a new secret, `{"public_key": "whpk_…"}` registers that key.

    Raises InvalidJson and its kin, InvalidRotation, InvalidKey, KeyEnding, KeyExists, TooManyKeys, and EventIdReused
    for the id of an earlier request that asked for something else.
    """
    public_key, overlap = _read(body)
    hold_partner(tx, partner)
    known = keys.change_asked_for(tx, vault, partner, verified.message_id)
    if known is not None:
        change, key = known
        if change.body != body:
            raise EventIdReused(event_id=verified.message_id)
        return Rotation(True, key, change.others_end_at, None)
    proof = _Proof(headers, request_text("POST", TARGET, body), verified.signed_at)
    present = keys.present_keys(tx, vault, partner)
    if public_key is not None:
        _require_both(proof, present, public_key)
    elif not proof.made_by(*present):
        raise KeyEnding
    given = public_key or signing.new_secret()
    key = keys.add_key(tx, vault, partner, given, now=now, overlap=overlap, asked=SignedRequest(verified, body))
    return Rotation(False, key, now + overlap, None if public_key else given)


@dataclass(frozen=True, slots=True)
class _Proof:
    """A signed request whose time was checked already."""

    headers: Mapping[str, str]
    signed: bytes
    signed_at: datetime

    def made_by(self, *candidates: signing.Key) -> bool:
        try:
            signing.verify(self.headers, self.signed, candidates, now=self.signed_at)
        except InvalidSignature:
            return False
        return True


def _require_both(proof: _Proof, present: list[signing.Key], public_key: str) -> None:
    """A public key is named by the public key before it, so that we could not have named it; and it signs as well, so
    that nobody registers a key they do not hold, or mistyped."""
    if not proof.made_by(*(key for key in present if isinstance(key, PublicKey))):
        raise KeyEnding("a public key is named by a v1a signature of a public key that is not about to end")
    if not proof.made_by(signing.parse_key(public_key)):
        _refuse("public_key", "the new key has to sign the request as well, beside the present one")


def _read(body: bytes) -> tuple[str | None, timedelta]:
    asked = strict_json.loads_object(body)
    if unknown := sorted(asked.keys() - {"public_key", "overlap_hours"}):
        _refuse(unknown[0][:64], "unknown field")
    hours = asked.get("overlap_hours", MOST_OVERLAP_HOURS)
    if isinstance(hours, bool) or not isinstance(hours, int) or not 0 <= hours <= MOST_OVERLAP_HOURS:
        _refuse("overlap_hours", f"a whole number from 0 to {MOST_OVERLAP_HOURS} is needed")
    if "public_key" not in asked:
        return None, timedelta(hours=hours)
    public_key = asked["public_key"]
    if not isinstance(public_key, str) or not public_key.startswith("whpk_"):
        _refuse("public_key", "a text that begins with whpk_ is needed")
    return public_key, timedelta(hours=hours)


def _refuse(field: str, problem: str) -> NoReturn:
    raise InvalidRotation(f"{field}: {problem}", field=field, problem=problem)
