"""Encryption at rest, and keyed indexes.

Every person has a data key of their own, kept wrapped under the house's vault key. Destroying the wrapped key forgets
the person: what was encrypted under it can never be read again, while books and claims stay whole. Indexes and
fingerprints are HMACs: equal things can be found and compared, nothing can be read back from them.
"""

import hashlib
import hmac
import os
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.signing_keys import SigningKey

_NONCE_BYTES = 12


class Unreadable(Exception):
    """The ciphertext does not open under this key: the key was destroyed, or the bytes were changed."""


class Sealer:
    """AES-256-GCM under one key. A sealed value is nonce ‖ ciphertext ‖ tag, bound to its `context`."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise Unreadable("this value cannot be read any more") from error


class Vault:
    """The house's keys at work: wraps person keys, seals what belongs to nobody yet, makes keyed indexes."""

    def __init__(self, vault_key: bytes, fingerprint_key: bytes) -> None:
        self.house = Sealer(_subkey(vault_key, b"house"))
        self._wrapper = Sealer(_subkey(vault_key, b"wrap person keys"))
        self._index_key = _subkey(fingerprint_key, b"look-up index")
        self._claim_key = _subkey(fingerprint_key, b"claim fingerprint")
        #: Signs what other platforms verify (ed25519); the public half may be shown to anybody.
        self.statement_key = SigningKey(_subkey(vault_key, b"sign statements"))

    def new_person_key(self, holder: bytes) -> bytes:
        """A fresh data key, wrapped for storage; `holder` binds it to its owner."""
        return self._wrapper.seal(os.urandom(32), holder)

    def person(self, wrapped_key: bytes, holder: bytes) -> Sealer:
        """The person's own sealer. Raises Unreadable when the wrapped key is not this holder's."""
        return Sealer(self._wrapper.open(wrapped_key, holder))

    def index(self, *parts: str) -> bytes:
        """32 bytes that are equal exactly when the parts are: look-ups without readable references."""
        return _keyed(self._index_key, parts)

    def fingerprint(self, claim: str) -> bytes:
        """32 bytes standing for one physical act, for life (see `methodologies`: claim keys)."""
        return _keyed(self._claim_key, (claim,))


def _keyed(key: bytes, parts: tuple[str, ...]) -> bytes:
    message = b"".join(
        len(part).to_bytes(4, "big") + part for part in (unicodedata.normalize("NFC", p).encode() for p in parts)
    )
    return hmac.digest(key, message, "sha256")


def _subkey(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"carbon-inclusion:" + purpose, hashlib.sha256)
