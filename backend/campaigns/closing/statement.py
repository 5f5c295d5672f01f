"""The result of a campaign as a document that anybody may verify, and the digest of what it keeps to itself.

The statement lists whom boards list, by the ids that others know them by. The scores of everybody else are in one
digest (`scores_sha256`): whoever has the books can prove that not one of them was changed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.campaigns import reading
from backend.campaigns.closing.models import CampaignFinal, CampaignFinalScore
from backend.campaigns.errors import NotFinal, ResultChanged
from backend.campaigns.reading import CampaignView
from backend.signed_statements import SignedStatement
from backend.signing_keys import SigningKey
from backend.strict_json import JsonValue, canonical

SCHEMA = "carbon-inclusion/campaign-final/v1"
_PLACE = ("grams", "points", "acts", "days", "grams_at", "points_at", "rank_grams", "rank_points")
_STATED = ("participants", "scored", "listed", "grams", "points", "scores_sha256")
_PAGE = 2_000


def final_of(tx: Session, code: str) -> CampaignFinal:
    """The result of a campaign. Raises NotFinal."""
    found = tx.get(CampaignFinal, code)
    if found is None:
        raise NotFinal(campaign=code)
    return found


def statement_of(tx: Session, key: SigningKey, code: str, *, now: datetime) -> SignedStatement:
    """The signed statement of a final campaign, byte by byte as it was signed when it was frozen.

    Raises CampaignNotFound, NotFinal; ResultChanged where the rows do not make the statement that was signed.
    """
    campaign = reading.campaign(tx, code, now=now)
    final = final_of(tx, code)
    again = made(tx, key, campaign, {name: getattr(final, name) for name in ("frozen_at", *_STATED)})
    if again.sha256 != final.statement_sha256:
        again.close()
        raise ResultChanged(campaign=code, signed=final.statement_sha256, now=again.sha256)
    return again


def made(tx: Session, key: SigningKey, campaign: CampaignView, final: Mapping[str, Any]) -> SignedStatement:
    """The statement of these facts (see `CampaignFinal`) and the places that are kept."""
    facts: dict[str, JsonValue] = {
        "schema": SCHEMA,
        "campaign": campaign.code,
        "programme": campaign.programme,
        "kind": campaign.kind,
        "title": campaign.title,
        "terms": json.loads(campaign.terms.text()),
        **{name: clock.iso(getattr(campaign, name)) for name in ("starts_at", "ends_at", "closes_at")},
        "frozen_at": clock.iso(final["frozen_at"]),
        **{name: final[name] for name in _STATED},
    }
    places = (_told(row) for row in _rows(tx, campaign.code) if row.listed)
    return SignedStatement(key, facts, {"places": places})


def scores_sha256(tx: Session, code: str) -> str:
    """SHA-256, hexadecimal, of a line per participant in the order of their ids; each line ends with a line feed."""
    digest = hashlib.sha256()
    for row in _rows(tx, code):
        digest.update(line_of(row).encode() + b"\n")
    return digest.hexdigest()


def line_of(row: Any) -> str:
    """A score as canonical JSON: what the statement says of a place, and whether it is listed."""
    return canonical({**_told(row), "listed": bool(row.listed)})


def _told(row: Any) -> dict[str, JsonValue]:
    return {"participant_id": str(row.participant_id), **{name: getattr(row, name) for name in _PLACE}}


def _rows(tx: Session, code: str) -> Iterator[Any]:
    """Every score of the result, by participant, page by page."""
    row = CampaignFinalScore.__table__.c
    query = select(CampaignFinalScore.__table__).where(row.campaign == code)
    after: UUID | None = None
    while True:
        further = query.where(row.participant_id > after) if after is not None else query
        page = tx.execute(further.order_by(row.participant_id).limit(_PAGE)).all()
        if not page:
            return
        yield from page
        after = page[-1].participant_id
