"""Reading an article: it is opened, and some time later read; once per member and version it counts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.identity import Acting
from backend.learning import publishing
from backend.learning.crediting import credit
from backend.learning.describing import ARTICLE
from backend.learning.errors import LessonChanged, ReadTooFast
from backend.learning.models import ArticleReading
from backend.learning.publishing import Edition
from backend.lists import insert_rows
from backend.vault import Vault

#: Nobody reads faster than so many Chinese characters a second (a third of that are usual), nor any article at once.
CHARACTERS_PER_S = 15
LEAST_S = 10


@dataclass(frozen=True, slots=True)
class Read:
    """That an article was read, when, and what it earned."""

    version: int
    finished_at: datetime
    outcome: str
    reason: str | None
    points: int


def least_reading_s(edition: Edition) -> int:
    """How long reading this takes at the very least, in seconds."""
    characters = sum(len(paragraph["zh"]) for paragraph in edition.content["paragraphs"])
    return max(LEAST_S, -(-characters // CHARACTERS_PER_S))


def open_article(tx: Session, holder_id: UUID, programme: str, code: str, *, now: datetime) -> Edition:
    """The article as it stands today; that the member opened it is remembered the first time. Raises NotFound.

    Of who is under fourteen nothing is remembered: they earn nothing alone.
    """
    found = publishing.edition(tx, programme, ARTICLE, code, clock.day_of(now))
    if identity.minor_until(tx, holder_id, now=now) is None:
        row = {
            "holder_id": holder_id,
            "programme": programme,
            "code": code,
            "version": found.version,
            "opened_at": now,
            "points": 0,
        }
        insert_rows(tx, ArticleReading, [row], on_conflict=("holder_id", "programme", "code", "version"))
    return found


def finish_article(tx: Session, vault: Vault, acting: Acting, code: str, version: int, *, now: datetime) -> Read:
    """This version was read to the end; the same again is told what it was told first.

    Raises NotFound, LessonChanged, ReadTooFast, activities.Contended.
    """
    found = publishing.edition(tx, acting.programme, ARTICLE, code, clock.day_of(now))
    row = tx.get(ArticleReading, (acting.holder_id, acting.programme, code, version), populate_existing=True)
    if row is not None and row.finished_at is not None:
        return _read(row)
    if found.version != version:
        raise LessonChanged(version=found.version)
    least = least_reading_s(found)
    passed_s = int((now - row.opened_at).total_seconds()) if row is not None else 0
    if row is None or passed_s < least:
        raise ReadTooFast(seconds=least - passed_s)
    proof = {"opened_at": clock.iso(row.opened_at), "finished_at": clock.iso(now)}
    done = credit(tx, vault, acting, found, f"v{version}", data={}, proof=dict(proof), now=now)
    row.finished_at, row.outcome, row.reason, row.points = now, done.outcome, done.reason, done.points
    tx.flush()
    return _read(row)


def read_versions(tx: Session, holder_id: UUID, programme: str) -> set[tuple[str, int]]:
    """The (code, version) this member has read to the end."""
    mine = (ArticleReading.holder_id == holder_id, ArticleReading.programme == programme)
    query = select(ArticleReading.code, ArticleReading.version).where(*mine, ArticleReading.finished_at.is_not(None))
    return {(row.code, row.version) for row in tx.execute(query)}


def _read(row: ArticleReading) -> Read:
    assert row.finished_at is not None and row.outcome is not None
    return Read(row.version, row.finished_at, row.outcome, row.reason, row.points)
