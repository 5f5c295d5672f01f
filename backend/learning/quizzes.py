"""Answering a quiz: one attempt a Shanghai day is scored, and only then the answers are told."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.identity import Acting
from backend.learning import publishing
from backend.learning.crediting import Credit, credit
from backend.learning.describing import DAILY, LETTERS, QUIZ
from backend.learning.errors import AttemptedToday, InvalidAnswers, LessonChanged
from backend.learning.models import QuizAttempt
from backend.learning.publishing import Edition
from backend.lists import insert_rows
from backend.strict_json import canonical
from backend.vault import Vault

#: Attempts that a member is told of at once.
MOST_TOLD = 100
ISSUED = "issued"


@dataclass(frozen=True, slots=True)
class Marked:
    """One question after it was answered."""

    chosen: Sequence[str]
    answer: Sequence[str]
    correct: bool
    explanation: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt as its member is told of it; `marked` only right after it was scored."""

    code: str
    version: int
    day: date
    correct: int
    questions: int
    passed: bool
    outcome: str | None
    reason: str | None
    points: int
    marked: Sequence[Marked] = ()


def shown(edition: Edition) -> list[dict[str, Any]]:
    """The questions as members get them: options under letters in a fixed order, nothing about the answers."""
    return [
        {
            "question": item["question"],
            "options": [
                {"letter": letter, "text": option} for letter, option in zip(LETTERS, item["options"], strict=False)
            ],
            "several": len(item["answer"]) > 1,
        }
        for item in edition.content["questions"]
    ]


def mark(edition: Edition, answers: Sequence[Sequence[str]]) -> list[Marked]:
    """Compare answers with the questions. Raises InvalidAnswers."""
    questions = edition.content["questions"]
    if len(answers) != len(questions):
        raise InvalidAnswers(questions=len(questions))
    marked = []
    for number, (item, chosen) in enumerate(zip(questions, answers, strict=True), 1):
        known = LETTERS[: len(item["options"])]
        if len(set(chosen)) < len(chosen) or any(letter not in tuple(known) for letter in chosen):
            raise InvalidAnswers(questions=len(questions), question=number)
        given = sorted(chosen)
        marked.append(Marked(given, item["answer"], given == item["answer"], item["explanation"]))
    return marked


def attempt(
    tx: Session,
    vault: Vault,
    acting: Acting,
    code: str,
    version: int,
    answers: Sequence[Sequence[str]],
    *,
    now: datetime,
) -> Attempt:
    """Score today's attempt at a quiz, and settle what it earns. The account is held by `acting`.

    Raises NotFound, LessonChanged, AttemptedToday, InvalidAnswers, activities.Contended.
    """
    day = clock.day_of(now)
    edition = publishing.edition(tx, acting.programme, QUIZ, code, day)
    if edition.version != version:
        raise LessonChanged(version=edition.version)
    marked = mark(edition, answers)
    key = {"holder_id": acting.holder_id, "programme": acting.programme, "code": code, "day": day}
    if tx.get(QuizAttempt, tuple(key.values())) is not None:
        raise AttemptedToday(next_day=day + timedelta(days=1))
    correct = sum(item.correct for item in marked)
    passed = correct >= edition.content["pass_mark"]
    said = canonical([list(item.chosen) for item in marked])
    done: Credit | None = None
    if passed and not _earned(tx, acting, edition):
        what: dict[str, Any] = {"data": {"correct_answers": correct}, "proof": _proof(edition, said), "now": now}
        done = credit(tx, vault, acting, edition, day.isoformat(), **what)
    row = {
        **key,
        "version": version,
        "answers": said,
        "correct": correct,
        "questions": len(marked),
        "passed": passed,
        "outcome": done.outcome if done else None,
        "reason": done.reason if done else None,
        "points": done.points if done else 0,
        "attempted_at": now,
    }
    insert_rows(tx, QuizAttempt, [row])
    return _told(row, marked)


def _proof(edition: Edition, said: str) -> dict[str, str]:
    """What binds the version and the answers, and tells neither."""
    return {"attempt_sha256": hashlib.sha256(f"{edition.content_hash}{said}".encode()).hexdigest()}


def _earned(tx: Session, acting: Acting, edition: Edition) -> bool:
    """Whether this version was credited to the account before, where it is credited once."""
    if edition.content["earns"] == DAILY:
        return False
    mine = (QuizAttempt.holder_id == acting.holder_id, QuizAttempt.programme == edition.programme)
    same = (QuizAttempt.code == edition.code, QuizAttempt.version == edition.version, QuizAttempt.outcome == ISSUED)
    return tx.scalar(select(QuizAttempt.day).where(*mine, *same).limit(1)) is not None


def attempts(tx: Session, holder_id: UUID, programme: str, code: str) -> list[Attempt]:
    """A member's newest attempts at a quiz, newest first."""
    mine = (QuizAttempt.holder_id == holder_id, QuizAttempt.programme == programme, QuizAttempt.code == code)
    rows = tx.scalars(select(QuizAttempt).where(*mine).order_by(QuizAttempt.day.desc()).limit(MOST_TOLD))
    return [_told(vars(row)) for row in rows]


def _told(row: Mapping[str, Any], marked: Sequence[Marked] = ()) -> Attempt:
    named = [name for name in Attempt.__dataclass_fields__ if name != "marked"]
    return Attempt(**{name: row[name] for name in named}, marked=tuple(marked))
