"""The recorded day: what four platforms sent on 2026-06-05, World Environment Day, in the order they sent it.

One JSON object per line: `partner`, `id` (the event's), `body` (or `text`, where what was sent is no JSON), `signed`
(see `Recorded`; `v1` when left out) and, for everything out of the ordinary, a `note` that says what is odd about it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DAY = date(2026, 6, 5)
DAY_TITLE = "世界环境日"
RECORDING = Path(__file__).parent / "recordings" / f"{DAY.isoformat()}.jsonl"


@dataclass(frozen=True, slots=True)
class Recorded:
    """One event as it was sent, to the byte.

    `signed`: `v1`, `v1a`, `wrong_key` (with a secret that is not the platform's) or `stale` (ten minutes before it was
    sent).
    """

    partner: str
    id: str
    body: bytes
    signed: str = "v1"
    note: str = ""


def recorded_day(path: Path = RECORDING) -> list[Recorded]:
    """Every event of the day, oldest first."""
    return [_recorded(json.loads(line)) for line in path.read_text("utf-8").splitlines()]


def _recorded(line: dict[str, object]) -> Recorded:
    text = line.get("text")
    if not isinstance(text, str):
        text = json.dumps(line["body"], ensure_ascii=False, separators=(",", ":"))
    return Recorded(
        partner=str(line["partner"]),
        id=str(line["id"]),
        body=text.encode(),
        signed=str(line.get("signed", "v1")),
        note=str(line.get("note", "")),
    )


def by_partner(day: Sequence[Recorded]) -> dict[str, list[Recorded]]:
    """What each platform sent, in its order."""
    found: dict[str, list[Recorded]] = {}
    for event in day:
        found.setdefault(event.partner, []).append(event)
    return found
