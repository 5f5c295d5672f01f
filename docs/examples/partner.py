# ruff: noqa: S310, T201  (it opens the address it is given, and prints)
"""A partner's side of the contract in Python: sign events and requests, make link tickets, send.

    python partner.py send URL PARTNER KEY EVENT_ID < event.json
    python partner.py deliver URL PARTNER KEY EVENT_ID [PAUSES] < event.json
    python partner.py batch URL PARTNER KEY BATCH_ID < events.ndjson
    python partner.py deliveries URL PARTNER KEY [EVENT_ID]
    python partner.py ticket PARTNER SECRET USER_REF
    python partner.py link URL PARTNER KEY CODE USER_REF
    python partner.py unlink URL PARTNER KEY USER_REF
    python partner.py rotate URL PARTNER KEY
    python partner.py conformance URL PARTNER KEY [RUN]

KEY is one key, or several separated by commas during a rotation; PAUSES are seconds separated by commas.
Standard library only; a `whsk_` key (ed25519, `v1a`) needs the package `cryptography`.
"""

import base64
import hashlib
import hmac
import http.client
import json
import random
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import NamedTuple


def sign(keys: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt. `body` is exactly what is sent; `timestamp` is whole Unix seconds.

    `keys` is one key, or several separated by commas, as during a rotation.
    """
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    signatures = " ".join(signature(key, signed) for key in keys.split(","))
    return {"webhook-id": message_id, "webhook-timestamp": str(timestamp), "webhook-signature": signatures}


def signature(key: str, signed: bytes) -> str:
    if key.startswith("whsec_"):
        secret = base64.b64decode(key.removeprefix("whsec_"))
        return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    seed = base64.b64decode(key.removeprefix("whsk_"))
    return "v1a," + base64.b64encode(Ed25519PrivateKey.from_private_bytes(seed).sign(signed)).decode()


def link_ticket(secret: str, partner: str, user_ref: str, nonce: str, expires_at: int) -> str:
    """A link ticket: payload "." mac. `expires_at` is whole Unix seconds, at most ten minutes ahead."""
    fields = {"partner": partner, "user_ref": user_ref, "nonce": nonce, "expires_at": expires_at}
    payload = _base64url(json.dumps(fields, ensure_ascii=False).encode())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return payload + "." + _base64url(hmac.digest(key, f"link-ticket:v1:{payload}".encode(), hashlib.sha256))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


class Answer(NamedTuple):
    """`status` is 0 where no answer came."""

    status: int
    text: str
    retry_after_s: float = 0


def send(url: str, partner: str, key: str, event_id: str, body: bytes) -> Answer:
    """Send one event, once. Sign again, with a new timestamp, at every attempt."""
    headers = {"content-type": "application/json", **sign(key, event_id, int(time.time()), body)}
    return _call(urllib.request.Request(f"{url}/webhooks/{partner}", body, headers))


#: Seconds between two attempts.
PAUSES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)


def deliver(
    url: str, partner: str, key: str, event_id: str, body: bytes, pauses_s: Sequence[float] = PAUSES_S
) -> Answer:
    """Send one event until it is taken in, or refused in a way that sending it again will not mend."""
    for pause_s in pauses_s:
        answer = send(url, partner, key, event_id, body)
        again = answer.status in (0, 408, 429) or answer.status >= 500 or '"CONFLICT"' in answer.text
        if not again:
            return answer
        time.sleep(max(answer.retry_after_s, pause_s * random.uniform(1.0, 1.2)))
    return send(url, partner, key, event_id, body)


def batch_text(body: bytes) -> bytes:
    """What is signed of a batch, in place of a body: the request, and the digest of every line on a line of its own."""
    lines = body.removesuffix(b"\n").split(b"\n")
    digests = "".join(hashlib.sha256(line).hexdigest() + "\n" for line in lines)
    return b"POST /partners/v1/events:batch\n" + digests.encode()


def send_batch(url: str, partner: str, key: str, batch_id: str, body: bytes) -> Answer:
    """Send many events, one per line, each with its `id`; the answer has a line for each."""
    signed = sign(key, batch_id, int(time.time()), batch_text(body))
    headers = {"content-type": "application/x-ndjson", "webhook-partner": partner, **signed}
    return _call(urllib.request.Request(f"{url}/partners/v1/events:batch", body, headers))


def deliveries(url: str, partner: str, key: str, event_id: str | None = None) -> Answer:
    """Ask what became of events: signed like an event, over the path with its query."""
    path = "/partners/v1/deliveries" + (f"?event_id={urllib.parse.quote(event_id)}" if event_id else "")
    headers = sign(key, f"ask_{secrets.token_hex(8)}", int(time.time()), path.encode())
    return _call(urllib.request.Request(url + path, headers={**headers, "webhook-partner": partner}))


def conformance(url: str, partner: str, key: str, run: str | None = None) -> Answer:
    """Open a run of the conformance check, or read what became of one."""
    path = "/partners/v1/sandbox/conformance" + (f"/{run}" if run else "")
    body = None if run else b"{}"
    signed = path.encode() if body is None else b"POST %s\n%s" % (path.encode(), body)
    headers = sign(key, f"ask_{secrets.token_hex(8)}", int(time.time()), signed)
    headers |= {"webhook-partner": partner, "content-type": "application/json"}
    return _call(urllib.request.Request(url + path, body, headers))


def ask(url: str, partner: str, key: str, path: str, asked: dict[str, str]) -> Answer:
    """A signed request that changes something. An attempt to send it again has the same id and a new timestamp."""
    body = json.dumps(asked, ensure_ascii=False).encode()
    signed = b"POST %s\n%s" % (path.encode(), body)
    headers = sign(key, f"ask_{secrets.token_hex(8)}", int(time.time()), signed)
    headers |= {"content-type": "application/json", "webhook-partner": partner}
    return _call(urllib.request.Request(url + path, body, headers))


def link(url: str, partner: str, key: str, code: str, user_ref: str) -> Answer:
    """Say that this user of yours typed in this link code."""
    return ask(url, partner, key, "/partners/v1/links", {"code": code, "user_ref": user_ref})


def unlink(url: str, partner: str, key: str, user_ref: str) -> Answer:
    """End the link of this user."""
    return ask(url, partner, key, "/partners/v1/links:end", {"user_ref": user_ref})


def rotate(url: str, partner: str, key: str) -> Answer:
    """Ask for another secret, shown this once; `key` must not be about to end. Write the answer down at once."""
    return ask(url, partner, key, "/partners/v1/secrets:rotate", {})


def _call(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return Answer(answer.status, answer.read().decode())
    except urllib.error.HTTPError as problem:
        seconds = problem.headers.get("Retry-After", "")
        return Answer(problem.code, problem.read().decode(), float(seconds) if seconds.isdecimal() else 0)
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, repr(error))


def main(arguments: list[str]) -> int:
    match arguments:
        case ["send", url, partner, key, event_id]:
            answer = send(url, partner, key, event_id, sys.stdin.buffer.read())
        case ["deliver", url, partner, key, event_id, *pauses]:
            pauses_s = [float(text) for text in pauses[0].split(",")] if pauses else PAUSES_S
            answer = deliver(url, partner, key, event_id, sys.stdin.buffer.read(), pauses_s)
        case ["batch", url, partner, key, batch_id]:
            answer = send_batch(url, partner, key, batch_id, sys.stdin.buffer.read())
        case ["deliveries", url, partner, key, *event_id]:
            answer = deliveries(url, partner, key, *event_id)
        case ["conformance", url, partner, key, *run]:
            answer = conformance(url, partner, key, *run)
        case ["link", url, partner, key, code, user_ref]:
            answer = link(url, partner, key, code, user_ref)
        case ["unlink", url, partner, key, user_ref]:
            answer = unlink(url, partner, key, user_ref)
        case ["rotate", url, partner, key]:
            answer = rotate(url, partner, key)
        case ["ticket", partner, secret, user_ref]:
            print(link_ticket(secret, partner, user_ref, secrets.token_urlsafe(18), int(time.time()) + 300))
            return 0
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    print(answer.status or "no answer:", answer.text.strip())
    return 0 if 200 <= answer.status < 300 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
