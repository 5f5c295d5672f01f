# ruff: noqa: T201  (it prints)
"""An auditor's check: did the partner sign this line of a batch? Nobody else's line is needed.

    flask partner batch-proof BATCH_ID > proof.json
    python verify_batch_line.py proof.json LINE whpk_… < line.json

Give the public key (`whpk_…`) that the partner itself handed to you, not the one in the proof. Needs the package
`cryptography`. `line.json` is the line exactly as it was sent; a line feed at its end does not matter.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def verify(proof: dict[str, Any], number: int, line: bytes, public_key: str) -> bool:
    """Whether this was line `number` (from 1) of the batch, and the holder of the key signed the batch."""
    digests = proof["line_digests"]
    if not 1 <= number <= len(digests) or digests[number - 1] != hashlib.sha256(line).hexdigest():
        return False
    listed = "".join(digest + "\n" for digest in digests)
    text = f"{proof['webhook-id']}.{proof['webhook-timestamp']}.POST {proof['target']}\n{listed}"
    version, _, signature = proof["webhook-signature"].partition(",")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    try:
        key.verify(base64.b64decode(signature), text.encode())
    except InvalidSignature:
        return False
    return bool(version == "v1a")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    proven = verify(found, int(sys.argv[2]), sys.stdin.buffer.read().removesuffix(b"\n"), sys.argv[3])
    print("the partner signed this line" if proven else "NOT PROVEN")
    sys.exit(0 if proven else 1)
