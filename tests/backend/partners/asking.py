"""A partner's signed requests, from the description in docs/partners.md alone."""

from datetime import datetime
from typing import Any

from flask import Flask
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from backend import clock
from tests.backend.world import SECRET


def request_text(method: str, target: str, body: str = "") -> str:
    return target if method == "GET" else f"{method} {target}\n{body}"


def signed_headers(
    signed: str, *, message_id: str = "ask_1", at: datetime | None = None, secrets: tuple[str, ...] = (SECRET,)
) -> dict[str, str]:
    at = at or clock.now()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(secret).sign(message_id, at, signed) for secret in secrets),
    }


def ask(
    app: Flask, method: str, target: str, body: str = "", *, partner: str = "transit", **signing: Any
) -> TestResponse:
    """One request, signed now; `headers` stand for the signature where they are given."""
    headers = signing.pop("headers", None) or signed_headers(request_text(method, target, body), **signing)
    sent: dict[str, Any] = {"data": body, "content_type": "application/json"} if method != "GET" else {}
    return app.test_client().open(target, method=method, headers=headers | {"webhook-partner": partner}, **sent)


def send(app: Flask, event: str, event_id: str, *, partner: str = "transit", **signing: Any) -> TestResponse:
    """One webhook, signed now."""
    headers = signed_headers(event, message_id=event_id, **signing)
    return app.test_client().post(f"/webhooks/{partner}", data=event, headers=headers, content_type="application/json")
