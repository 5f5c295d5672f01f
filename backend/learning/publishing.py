"""Lessons from draft to publication: every change is a new version, and the day decides which one members see."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import identity
from backend.errors import NotFound
from backend.learning.describing import Described
from backend.learning.errors import InvalidLesson, LessonPublished
from backend.learning.models import Lesson, LessonPublication, LessonVersion


@dataclass(frozen=True, slots=True)
class Edition:
    """The version of a lesson that members see on a day. `content_hash` is SHA-256 in hexadecimal."""

    programme: str
    code: str
    kind: str
    version: int
    published_on: date
    content: Mapping[str, Any]
    content_hash: str


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version as operators read it; `publishes_on` is None for a draft."""

    programme: str
    code: str
    kind: str
    version: int
    title: str
    content_sha256: str
    publishes_on: date | None
    retired: bool


def add_version(tx: Session, programme: str, described: Described, *, now: datetime) -> int:
    """Add a version as a draft; returns its number. The same content as the newest version has is that version.

    Raises UnknownProgramme, InvalidLesson where the code is one of the other kind or retired.
    """
    identity.require_programme(tx, programme)
    lesson = tx.get(Lesson, (programme, described.code), with_for_update=True, populate_existing=True)
    if lesson is None:
        lesson = Lesson(programme=programme, code=described.code, kind=described.kind, retired_at=None)
        tx.add(lesson)
        tx.flush()
    if lesson.kind != described.kind or lesson.retired_at is not None:
        raise InvalidLesson(field="code", problem=f"{described.code} is another {lesson.kind}, or retired")
    digest = hashlib.sha256(described.content.encode()).digest()
    newest = _newest(tx, programme, described.code)
    if newest is not None and newest.content_hash == digest:
        return newest.version
    version = newest.version + 1 if newest else 1
    key = {"programme": programme, "code": described.code, "version": version}
    tx.add(LessonVersion(**key, content=described.content, content_hash=digest, added_at=now))
    tx.flush()
    return version


def publish(tx: Session, programme: str, code: str, *, on: date, today: date) -> int:
    """Let members see the newest version from a day on, today at the earliest; returns its number.

    Raises NotFound, LessonPublished, InvalidLesson for a day that is over.
    """
    lesson = tx.get(Lesson, (programme, code), with_for_update=True, populate_existing=True)
    newest = _newest(tx, programme, code)
    if lesson is None or newest is None or lesson.retired_at is not None:
        raise NotFound
    if on < today:
        raise InvalidLesson(field="day", problem="a version is published today or later")
    if tx.get(LessonPublication, (programme, code, newest.version)) is not None:
        raise LessonPublished(version=newest.version)
    tx.add(LessonPublication(programme=programme, code=code, version=newest.version, publishes_on=on))
    tx.flush()
    return newest.version


def retire(tx: Session, programme: str, code: str, *, now: datetime) -> None:
    """Take a lesson away for good; what members did with it stays. Raises NotFound."""
    lesson = tx.get(Lesson, (programme, code), with_for_update=True, populate_existing=True)
    if lesson is None or lesson.retired_at is not None:
        raise NotFound
    lesson.retired_at = now
    tx.flush()


def versions(tx: Session, programme: str | None = None) -> list[VersionView]:
    """Every version of every lesson."""
    published = LessonPublication
    same = (
        (published.programme == LessonVersion.programme)
        & (published.code == LessonVersion.code)
        & (published.version == LessonVersion.version)
    )
    of = (Lesson.programme == LessonVersion.programme) & (Lesson.code == LessonVersion.code)
    query = select(LessonVersion, Lesson.kind, Lesson.retired_at, published.publishes_on)
    query = query.join(Lesson, of).outerjoin(published, same)
    if programme is not None:
        query = query.where(LessonVersion.programme == programme)
    rows = tx.execute(query.order_by(LessonVersion.programme, LessonVersion.code, LessonVersion.version))
    return [
        VersionView(
            *(row.programme, row.code, kind, row.version, json.loads(row.content)["title"]["zh"]),
            *(row.content_hash.hex(), publishes_on, retired_at is not None),
        )
        for row, kind, retired_at, publishes_on in rows
    ]


def in_force(
    tx: Session, programme: str, kind: str, day: date, *, after: str | None = None, limit: int = 1
) -> list[Edition]:
    """What members see on this day, in the order of the codes, behind `after`."""
    query = _editions(programme, kind, day)
    if after is not None:
        query = query.where(LessonVersion.code > after)
    return _read(tx, query.order_by(LessonVersion.code).limit(limit))


def edition(tx: Session, programme: str, kind: str, code: str, day: date) -> Edition:
    """The version of a lesson in force on this day. Raises NotFound."""
    found = _read(tx, _editions(programme, kind, day).where(LessonVersion.code == code))
    if not found:
        raise NotFound
    return found[0]


def _editions(programme: str, kind: str, day: date) -> Any:
    published = LessonPublication
    newest = (
        select(published.code, func.max(published.version).label("version"))
        .where(published.programme == programme, published.publishes_on <= day)
        .group_by(published.code)
        .subquery()
    )
    same = (published.programme == LessonVersion.programme) & (published.code == LessonVersion.code)
    return (
        select(LessonVersion, Lesson.kind, published.publishes_on)
        .join(newest, (newest.c.code == LessonVersion.code) & (newest.c.version == LessonVersion.version))
        .join(Lesson, (Lesson.programme == LessonVersion.programme) & (Lesson.code == LessonVersion.code))
        .join(published, same & (published.version == LessonVersion.version))
        .where(LessonVersion.programme == programme, Lesson.kind == kind, Lesson.retired_at.is_(None))
    )


def _read(tx: Session, query: Any) -> list[Edition]:
    rows: Sequence[Any] = tx.execute(query).all()
    return [
        Edition(
            *(row.programme, row.code, kind, row.version, publishes_on),
            *(json.loads(row.content), row.content_hash.hex()),
        )
        for row, kind, publishes_on in rows
    ]


def _newest(tx: Session, programme: str, code: str) -> LessonVersion | None:
    mine = (LessonVersion.programme == programme, LessonVersion.code == code)
    return tx.scalar(select(LessonVersion).where(*mine).order_by(LessonVersion.version.desc()).limit(1))
