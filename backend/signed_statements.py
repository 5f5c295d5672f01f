"""Signed statements: what another platform can verify offline, however long it is.

    document  = {"signature": {"algorithm", "key_id", "sha256", "value"}, "statement": {…}}
    statement = canonical JSON: keys sorted by code point, no spaces, UTF-8, whole numbers only
    value     = base64(ed25519("carbon-inclusion:statement:v1:" + sha256))   sha256: of the statement, hexadecimal

A statement is written to a file before its first byte goes out: what fails half-way is never mistaken for a whole one,
and memory holds a row at a time. A file of another form (CSV, say) is signed beside it:

    {"signature": {…}}   value = base64(ed25519("carbon-inclusion:file:v1:" + sha256))   sha256: of the file's bytes
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from tempfile import SpooledTemporaryFile

from backend.signing_keys import PublicKey, SigningKey, to_base64
from backend.strict_json import JsonValue, canonical

_STATEMENT, _FILE = b"carbon-inclusion:statement:v1:", b"carbon-inclusion:file:v1:"
_IN_MEMORY, _CHUNK = 1 << 20, 1 << 16


class SignedStatement:
    """A statement on its way out: some plain facts, and sections of rows that are read as they are written."""

    def __init__(
        self, key: SigningKey, facts: Mapping[str, JsonValue], sections: Mapping[str, Iterable[dict[str, JsonValue]]]
    ) -> None:
        """`facts` and the name `sections` are the keys of the statement. `signature`: of the whole, as JSON."""
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (`chunks` closes it)
        self._digest = hashlib.sha256()
        self._size = 0
        try:
            self._write_statement(facts, sections)
        except BaseException:
            self._file.close()
            raise
        self.signature = _signature(key, _STATEMENT, self.sha256)
        self._head = f'{{"signature":{self.signature},"statement":'.encode()

    @property
    def sha256(self) -> str:
        """The hash of the statement, hexadecimal."""
        return self._digest.hexdigest()

    @property
    def size_bytes(self) -> int:
        """How long the whole document is."""
        return len(self._head) + self._size + 1

    def chunks(self) -> Iterator[bytes]:
        """The document, once."""
        with self._file:
            yield self._head
            self._file.seek(0)
            while chunk := self._file.read(_CHUNK):
                yield chunk
            yield b"}"

    def _write_statement(
        self, facts: Mapping[str, JsonValue], sections: Mapping[str, Iterable[dict[str, JsonValue]]]
    ) -> None:
        for position, name in enumerate(sorted({*facts, "sections"})):
            self._put(f"{',' if position else '{'}{canonical(name)}:")
            if name == "sections":
                self._write_sections(sections)
            else:
                self._put(canonical(facts[name]))
        self._put("}")

    def _write_sections(self, sections: Mapping[str, Iterable[dict[str, JsonValue]]]) -> None:
        self._put("{")
        for position, name in enumerate(sorted(sections)):
            self._put(f"{',' if position else ''}{canonical(name)}:[")
            for number, row in enumerate(sections[name]):
                self._put("," * bool(number) + canonical(row))
            self._put("]")
        self._put("}")

    def _put(self, text: str) -> None:
        raw = text.encode()
        self._file.write(raw)
        self._digest.update(raw)
        self._size += len(raw)

    def close(self) -> None:
        """Let go of a statement that is not handed out."""
        self._file.close()


def file_signature(key: SigningKey, sha256: str) -> str:
    """The signature of a file beside it, as a JSON document; `sha256` is of its bytes, hexadecimal."""
    return f'{{"signature":{_signature(key, _FILE, sha256)}}}'


def _signature(key: SigningKey, domain: bytes, sha256: str) -> str:
    return canonical(
        {
            "algorithm": "Ed25519",
            "key_id": key_id(key.public),
            "sha256": sha256,
            "value": to_base64(key.sign(domain + sha256.encode())),
        }
    )


def key_id(key: PublicKey) -> str:
    """What a key is found by: the beginning of its SHA-256."""
    return hashlib.sha256(key.raw).hexdigest()[:16]


def key_set(key: PublicKey) -> dict[str, object]:
    """The key as a JSON Web Key Set (RFC 7517, RFC 8037)."""
    x = to_base64(key.raw).translate({ord("+"): "-", ord("/"): "_", ord("="): None})
    return {"keys": [{"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id(key), "x": x}]}
