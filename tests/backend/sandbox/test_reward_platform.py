"""The reward platform of the sandbox: its secret is public, so anybody may send it anything."""

import json
from pathlib import Path
from typing import Any

import pytest

from backend import clock, signing
from backend.sandbox.reward_platform import PATH, SECRET

PLACED = {"request_no": "rdm_1", "item": "mug", "quantity": 1}
SENSELESS = (
    ("order.placed", {"item": "mug"}),
    ("order.placed", PLACED | {"quantity": "many"}),
    ("order.placed", PLACED | {"item": "mug#slow:soon"}),
    ("order.placed", PLACED | {"item": "mug#slow:86400"}),
    ("order.placed", PLACED | {"item": "mug#timeout_after_success:-1"}),
    ("exchange.listed", {"day": "yesterday", "after": None, "limit": 1}),
    ("exchange.listed", {"day": "2026-06-05"}),
    ("exchange.listed", {"day": "2026-06-05", "after": [1], "limit": 1}),
)


def test_a_senseless_message_is_refused_and_keeps_no_thread(
    app: Any, client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(app.config, "REWARD_PLATFORM_LEDGER", f"{tmp_path}/platform.sqlite")

    def send(type: str, data: object) -> Any:
        body = json.dumps({"type": type, "data": data}).encode()
        headers = signing.sign("msg", clock.now(), body, (signing.parse_signing_key(SECRET),))
        return client.post(PATH, data=body, headers={"Content-Type": "application/json", **headers})

    for type, data in SENSELESS:
        assert (type, data, send(type, data).status_code) == (type, data, 422)
    assert send("order.asked", PLACED).json["status"] == "not_known", "nothing of it was booked"
    assert send("order.placed", PLACED).json["status"] == "done"
