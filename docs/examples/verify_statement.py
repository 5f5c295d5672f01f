"""Verify a signed statement of `GET /api/v1/me/export` offline.

    python verify_statement.py export.json jwks.json

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
    (key,) = [key for key in key_set["keys"] if key["kid"] == signature["key_id"]]
    public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key["x"] + "="))
    signed = b"carbon-inclusion:statement:v1:" + digest.encode()
    public.verify(base64.b64decode(signature["value"], validate=True), signed)
    return statement


if __name__ == "__main__":
    document, key_set = (json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3])
    found = verify(document, key_set)
    rows = {name: len(section) for name, section in found["sections"].items()}
    sys.stdout.write(f"{found['schema']} of {found['made_at']}: {rows}\n")
