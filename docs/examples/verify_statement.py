"""Verify a signed statement offline: a member's export, the statement of a reconciled day, or a file with a signature
beside it.

    python verify_statement.py export.json jwks.json
    python verify_statement.py differences.csv jwks.json differences.csv.sig

`jwks.json` is `/.well-known/jwks.json` of the platform that made the statement, fetched from the address you know it
by. Needs the package `cryptography`.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verify(document: dict, key_set: dict) -> dict:
    """The statement, once its signature is proven. Raises KeyError, ValueError or InvalidSignature otherwise."""
    signature, statement = document["signature"], document["statement"]
    text = json.dumps(statement, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    if signature["algorithm"] != "Ed25519" or signature["sha256"] != digest:
        raise ValueError("this is not the statement that was signed")
    prove(b"carbon-inclusion:statement:v1:", signature, key_set)
    return statement


def verify_file(raw: bytes, document: dict, key_set: dict) -> None:
    """Prove the signature beside a file. Raises KeyError, ValueError or InvalidSignature when it does not fit."""
    signature = document["signature"]
    if signature["algorithm"] != "Ed25519" or signature["sha256"] != hashlib.sha256(raw).hexdigest():
        raise ValueError("this is not the file that was signed")
    prove(b"carbon-inclusion:file:v1:", signature, key_set)


def prove(domain: bytes, signature: dict, key_set: dict) -> None:
    (key,) = [key for key in key_set["keys"] if key["kid"] == signature["key_id"]]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    signed = domain + signature["sha256"].encode()
    public.verify(base64.b64decode(signature["value"], validate=True), signed)


def read(name: str) -> dict:
    return json.loads(Path(name).read_text(encoding="utf-8"))


if __name__ == "__main__":
    file, key_set, *beside = sys.argv[1:]
    if beside:
        verify_file(Path(file).read_bytes(), read(beside[0]), read(key_set))
        sys.stdout.write(f"{file} is the file that was signed\n")
    else:
        found = verify(read(file), read(key_set))
        rows = {name: len(section) for name, section in found["sections"].items()}
        sys.stdout.write(f"{found['schema']} of {found['made_at']}: {rows}\n")
