"""Verifying a result: that it is what was signed, and that with its corrections it is what the books say today."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend.campaigns import reading
from backend.campaigns.closing.following import counted_today, standing
from backend.campaigns.closing.statement import final_of, scores_sha256, statement_of
from backend.campaigns.models import CampaignParticipant
from backend.signing_keys import SigningKey

_PAGE = 1_000
_NOTHING = dict.fromkeys(("grams", "points", "acts", "days"), 0)


def verify(tx: Session, key: SigningKey, code: str, *, now: datetime) -> Iterator[dict[str, object]]:
    """Every fault of a result: kept scores that are not those that were digested, and members whose acts come to
    something else than the final and its corrections say.

    Raises CampaignNotFound, NotFinal; ResultChanged where the statement is not the one that was signed.
    """
    final = final_of(tx, code)
    statement_of(tx, key, code, now=now).close()
    kept = scores_sha256(tx, code)
    if kept != final.scores_sha256:
        yield {"fault": "SCORES", "campaign": code, "signed": final.scores_sha256, "kept": kept}
    yield from _counted_otherwise(tx, code, now)


def _counted_otherwise(tx: Session, code: str, now: datetime) -> Iterator[dict[str, object]]:
    campaign = reading.campaign(tx, code, now=now)
    row = CampaignParticipant.__table__.c
    query = select(row.holder_id, row.id, row.left_at).where(row.campaign == code).order_by(row.holder_id)
    after: UUID | None = None
    while True:
        further = query.where(row.holder_id > after) if after is not None else query
        page = tx.execute(further.limit(_PAGE)).all()
        if not page:
            return
        stood = standing(tx, code, [found.holder_id for found in page])
        mine = {found.holder_id: found.id for found in page if found.left_at is None or found.holder_id in stood}
        for holder_id, counted in counted_today(tx, campaign, mine).items():
            stands = stood.get(holder_id, (0, _NOTHING))[1]
            if counted != stands:
                facts = {"participant_id": str(mine[holder_id]), "stands": stands, "counted": counted}
                yield {"fault": "COUNTED", "campaign": code, **facts}
        after = page[-1].holder_id
