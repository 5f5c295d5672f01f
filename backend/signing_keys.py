"""The keys deliveries are signed and verified with, as Standard Webhooks 1.0.0 writes them.

`whsec_…` is a shared secret (HMAC-SHA256, signatures `v1`); `whsk_…` and `whpk_…` are the halves of an
ed25519 pair (signatures `v1a`): the first signs and stays with the sender, the second verifies and may be
shown to anybody.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from backend.errors import Refusal

# The ed25519 points of order 1, 2, 4 and 8 by their y coordinate, sign bit cleared, with the encodings not
# reduced mod p. Under such a "key" anybody can sign any message (RFC 8032 leaves the check to us).
_WEAK_POINTS = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)


class InvalidKey(Refusal):
    """The text of a key cannot be used as one. Never repeats the text."""

    code = "INVALID_KEY"
    title = "密钥格式不正确 / This is not a usable key"


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A shared secret of 24–64 bytes; signs and verifies `v1`."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 24 <= len(self.secret) <= 64:
            raise InvalidKey("a shared secret has 24 to 64 bytes")

    def text(self) -> str:
        """`whsec_…`."""
        return "whsec_" + to_base64(self.secret)

    def mac(self, text: bytes) -> bytes:
        """HMAC-SHA256 of the text: 32 bytes."""
        return hmac.digest(self.secret, text, hashlib.sha256)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An ed25519 public key of 32 bytes; verifies `v1a`."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise InvalidKey("an ed25519 public key has 32 bytes")
        if self.raw[:31] + bytes([self.raw[31] & 0x7F]) in _WEAK_POINTS:
            raise InvalidKey("anybody can sign for this ed25519 point")

    def text(self) -> str:
        """`whpk_…`."""
        return "whpk_" + to_base64(self.raw)

    def verifies(self, signature: bytes, text: bytes) -> bool:
        """Whether the private half signed exactly this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An ed25519 private key (its 32-byte seed); signs `v1a`."""

    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.seed) != 32:
            raise InvalidKey("an ed25519 private key has 32 bytes")

    @property
    def public(self) -> PublicKey:
        """The half that verifies."""
        return PublicKey(self._private().public_key().public_bytes_raw())

    def sign(self, text: bytes) -> bytes:
        """The ed25519 signature: 64 bytes."""
        return self._private().sign(text)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)


Key = SecretKey | PublicKey


def parse_key(text: str) -> Key:
    """The key a sender is verified with, from `whsec_…` or `whpk_…` (strict base64). Raises InvalidKey."""
    if text.startswith("whsec_"):
        return SecretKey(_bytes(text, "whsec_"))
    if text.startswith("whpk_"):
        return PublicKey(_bytes(text, "whpk_"))
    raise InvalidKey("a verification key starts with whsec_ or whpk_")


def parse_signing_key(text: str) -> SecretKey | SigningKey:
    """The key we sign with, from `whsec_…` or `whsk_…` (strict base64 of the seed). Raises InvalidKey."""
    if text.startswith("whsec_"):
        return SecretKey(_bytes(text, "whsec_"))
    if text.startswith("whsk_"):
        return SigningKey(_bytes(text, "whsk_"))
    raise InvalidKey("a signing key starts with whsec_ or whsk_")


def new_secret() -> str:
    """A fresh shared secret, 32 random bytes, as `whsec_…`."""
    return "whsec_" + to_base64(secrets.token_bytes(32))


def new_ed25519_pair() -> tuple[str, str]:
    """A fresh key pair as (`whsk_…`, `whpk_…`): the first stays secret, the second may be shown."""
    key = SigningKey(Ed25519PrivateKey.generate().private_bytes_raw())
    return "whsk_" + to_base64(key.seed), key.public.text()


def to_base64(raw: bytes) -> str:
    """Base64 (RFC 4648 §4) with padding."""
    return base64.b64encode(raw).decode("ascii")


def from_base64(text: str) -> bytes:
    """The bytes of padded base64 in its one canonical spelling; ValueError for every other."""
    raw = binascii.a2b_base64(text, strict_mode=True)
    # Comparing the text again shuts out spellings with stray bits after the last byte: one text for the same
    # bytes.
    if to_base64(raw) != text:
        raise ValueError("not canonical base64")
    return raw


def _bytes(text: str, prefix: str) -> bytes:
    try:
        return from_base64(text.removeprefix(prefix))
    except ValueError:
        raise InvalidKey(f"what follows {prefix} is not base64") from None
