"""Office systems of an employer: documents signed electronically, and meetings held online instead of on site.

They are set up under a programme's agreement: `user_ref` is the staff number of whoever began the document, or of
whoever would have travelled.
"""

from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

_PAPER = ("pages", "originals", "emails")
_TRAVEL = ("air_km", "rail_km", "hotel_nights")
_MEETING = ("attendees", "duration_h", *_TRAVEL, "claimants")


def _document(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    named = {"partner": partner, "order_no": _naming(line, "document_id")}
    return translation.draft(event, "paperless_office", translation.numbers(line, *_PAPER), named)


def _meeting(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    """What names the act is the application for the journey that was cancelled, not the meeting.

    The methodology counts only who would have travelled, and a journey to several meetings once.
    """
    translation.require_completed(event)
    application = _naming(line, "cancelled_application")
    if not any(line.get(name) is not None for name in _TRAVEL):
        raise ActRefused("MISSING_DATA", field=", ".join(_TRAVEL))
    named = {"partner": partner, "order_no": application, "line": "journey"}
    return translation.draft(event, "online_meeting", translation.numbers(line, *_MEETING), named)


def _naming(line: Mapping[str, Any], name: str) -> str:
    """The number that names the physical act; without one it could count any number of times."""
    value = translation.text(line, name)
    if value is None or not value.strip():
        raise ActRefused("MISSING_EVIDENCE", field=name)
    return value.strip()


ADAPTER = Adapter(
    "office", {"document.signed": _document, "meeting.held": _meeting}, ("paperless_office", "online_meeting")
)
