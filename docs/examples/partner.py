# ruff: noqa: S310, T201  (it opens the address it is given, and prints)
"""A partner's side of the contract in Python: sign events and requests, make link tickets, send.

    python partner.py send URL PARTNER KEY EVENT_ID < event.json
    python partner.py batch URL PARTNER KEY BATCH_ID < events.ndjson
    python partner.py deliveries URL PARTNER KEY [EVENT_ID]
    python partner.py ticket PARTNER SECRET USER_REF

Standard library only; a `whsk_` key (ed25519, `v1a`) needs the package `cryptography`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


def sign(key: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. `body` is exactly what is sent; `timestamp` is whole Unix seconds."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    if key.startswith("whsec_"):
        secret = base64.b64decode(key.removeprefix("whsec_"))
        signature = "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    else:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        seed = base64.b64decode(key.removeprefix("whsk_"))
        signature = "v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(signed)).decode()
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signature}


def link_ticket(secret: str, partner: str, user_ref: str, nonce: str, expires_at: int) -> str:
    """A link ticket: payload "." mac. `expires_at` is whole Unix seconds, at most ten minutes ahead."""
    fields = {"partner": partner, "user_ref": user_ref, "nonce": nonce, "expires_at": expires_at}
    payload = _base64url(json.dumps(fields, ensure_ascii=False).encode())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return payload + "." + _base64url(hmac.digest(key, f"link-ticket:v1:{payload}".encode(), hashlib.sha256))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def send(url: str, partner: str, key: str, event_id: str, body: bytes) -> tuple[int, str]:
    """Send one event; returns status and answer. Sign again, with a new timestamp, at every attempt."""
    headers = {"content-type": "application/json", **sign(key, event_id, int(time.time()), body)}
    return _call(urllib.request.Request(f"{url}/webhooks/{partner}", body, headers))


def batch_text(body: bytes) -> bytes:
    """What is signed of a batch, in place of a body: the request, and the digest of every line on a line of its own."""
    lines = body.removesuffix(b"\n").split(b"\n")
    digests = "".join(hashlib.sha256(line).hexdigest() + "\n" for line in lines)
    return b"POST /partners/v1/events:batch\n" + digests.encode()


def send_batch(url: str, partner: str, key: str, batch_id: str, body: bytes) -> tuple[int, str]:
    """Send many events, one per line, each with its `id`; returns status and answer, a line for each."""
    signed = sign(key, batch_id, int(time.time()), batch_text(body))
    headers = {"content-type": "application/x-ndjson", "webhook-partner": partner, **signed}
    return _call(urllib.request.Request(f"{url}/partners/v1/events:batch", body, headers))


def deliveries(url: str, partner: str, key: str, event_id: str | None = None) -> tuple[int, str]:
    """Ask what became of events: signed like an event, over the path with its query."""
    path = "/partners/v1/deliveries" + (f"?event_id={urllib.parse.quote(event_id)}" if event_id else "")
    headers = sign(key, f"ask_{secrets.token_hex(8)}", int(time.time()), path.encode())
    return _call(urllib.request.Request(url + path, headers={**headers, "webhook-partner": partner}))


def _call(request: urllib.request.Request) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as problem:
        return problem.code, problem.read().decode()


def main(arguments: list[str]) -> int:
    match arguments:
        case ["send", url, partner, key, event_id]:
            status, answer = send(url, partner, key, event_id, sys.stdin.buffer.read())
        case ["batch", url, partner, key, batch_id]:
            status, answer = send_batch(url, partner, key, batch_id, sys.stdin.buffer.read())
        case ["deliveries", url, partner, key, *event_id]:
            status, answer = deliveries(url, partner, key, *event_id)
        case ["ticket", partner, secret, user_ref]:
            print(link_ticket(secret, partner, user_ref, secrets.token_urlsafe(18), int(time.time()) + 300))
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    print(status, answer.strip())
    return 0 if status < 300 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
