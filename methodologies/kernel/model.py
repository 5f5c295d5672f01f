"""Words every part of the library shares: claim types, grades, labels, titles, sources, profiles."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

REDUCTION = "REDUCTION"
OFFSET_BACKED = "OFFSET_BACKED"
EAC_BACKED = "EAC_BACKED"
ENGAGEMENT = "ENGAGEMENT"
CLAIM_TYPES = (REDUCTION, OFFSET_BACKED, EAC_BACKED, ENGAGEMENT)
SCENES = ("device", "donation", "commute", "purchase", "travel", "office", "school", "engagement", "energy")
GRADES = ("E1", "E2", "E3")
CONFIDENCES = ("VERIFIED", "DERIVED", "RECALLED", "ASSUMED")
HOUSE = "HOUSE"  # the tag and reliability of what has no published text
ANY_PROFILE = "any"


def digest(content: object) -> str:
    """sha256 (hex) of canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is written, for findings."""

    file: Path
    line: int


@dataclass(frozen=True, slots=True)
class Title:
    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Source:
    """A text in the source register. `reliability` A: the primary text; B: a reputable secondary one; C: a mirror;
    HOUSE: a choice of this library without a published text."""

    tag: str
    title: str
    reliability: str
    url: str

    def as_json(self) -> dict[str, str]:
        return {"tag": self.tag, "title": self.title, "reliability": self.reliability, "url": self.url}


@dataclass(frozen=True, slots=True)
class Profile:
    """A named baseline profile: which baseline a programme chose, for which region, after which text."""

    code: str
    title: Title
    baseline_type: Title
    region: str
    sources: tuple[Source, ...]
    note: str

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "title": self.title.as_json(),
            "baseline_type": self.baseline_type.as_json(),
            "region": self.region,
            "sources": [source.as_json() for source in self.sources],
            "note": self.note,
        }
