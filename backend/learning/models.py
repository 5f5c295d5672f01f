"""What there is to learn, and what members did with it."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Integer, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Amount, Base, Instant

_OUTCOMES = "outcome IN ('issued', 'outdone', 'kept', 'refused')"


class Lesson(Base):
    """An article or a quiz of a programme, under a code that stays."""

    __tablename__ = "lessons"
    __table_args__ = (CheckConstraint("kind IN ('article', 'quiz')", name="kind"),)

    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class LessonVersion(Base):
    """What a lesson says, as canonical JSON with its SHA-256. A row is never changed; a draft until it is published."""

    __tablename__ = "lesson_versions"
    __table_args__ = (
        ForeignKeyConstraint(["programme", "code"], ["lessons.programme", "lessons.code"]),
        CheckConstraint("version >= 1", name="version"),
    )

    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    added_at: Mapped[datetime] = mapped_column(Instant)


class LessonPublication(Base):
    """From which day members see a version. A row is never changed: another version takes its place."""

    __tablename__ = "lesson_publications"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
        ),
    )

    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    publishes_on: Mapped[date] = mapped_column(Date)


class ArticleReading(Base):
    """That a member opened a version of an article, and when they had read it; then what settlement said of it."""

    __tablename__ = "article_readings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
        ),
        CheckConstraint("finished_at IS NULL OR finished_at >= opened_at", name="times"),
        CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name="settled"),
        CheckConstraint(_OUTCOMES, name="outcome"),
        CheckConstraint("points >= 0", name="points"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Amount)


class QuizAttempt(Base):
    """The one scored attempt of a member at a quiz on a Shanghai day. `answers`: canonical JSON, letters per question.

    `outcome`: what settlement said of it; NULL where nothing was to be credited (not passed, or credited before).
    """

    __tablename__ = "quiz_attempts"
    __table_args__ = (
        ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
        ),
        CheckConstraint("0 <= correct AND correct <= questions", name="correct"),
        CheckConstraint("outcome IS NULL OR passed", name="passed"),
        CheckConstraint(_OUTCOMES, name="outcome"),
        CheckConstraint("points >= 0", name="points"),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(Text, primary_key=True)
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    answers: Mapped[str] = mapped_column(Text)
    correct: Mapped[int] = mapped_column(Integer)
    questions: Mapped[int] = mapped_column(Integer)
    passed: Mapped[bool]
    outcome: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    points: Mapped[int] = mapped_column(Amount)
    attempted_at: Mapped[datetime] = mapped_column(Instant)
