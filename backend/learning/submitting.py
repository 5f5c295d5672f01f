"""Submitting what was learned: one transaction each, one after the other for an account, begun again when contended."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, idempotency, identity, points
from backend.database import retried
from backend.idempotency import Answer, RequestUnderWay
from backend.identity import Acting
from backend.learning import articles, quizzes
from backend.learning.articles import Read
from backend.learning.quizzes import Attempt
from backend.vault import Vault

OPERATION = "POST /quizzes/attempts"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Learner:
    """Who learns: the login, and the account in which it counts."""

    person_id: UUID
    session_id: UUID
    account_id: UUID
    programme: str


def finish_article(sessions: sessionmaker[Session], vault: Vault, learner: Learner, code: str, version: int) -> Read:
    """The member has read this version to the end.

    Raises SessionEnded, GuardianNeeded, NotEnrolled, NotFound, LessonChanged, ReadTooFast.
    """

    def finish(tx: Session, acting: Acting, now: datetime) -> Read:
        return articles.finish_article(tx, vault, acting, code, version, now=now)

    return _in_one_transaction(sessions, learner, finish)


def answer_quiz(
    sessions: sessionmaker[Session],
    vault: Vault,
    learner: Learner,
    code: str,
    version: int,
    answers: Sequence[Sequence[str]],
    *,
    key: str,
    tell: Callable[[Attempt], str],
) -> Answer:
    """Score the member's attempt of today, or repeat what was answered under this key; `tell` writes the answer.

    Raises SessionEnded, GuardianNeeded, NotEnrolled, NotFound, LessonChanged, AttemptedToday, InvalidAnswers,
    IdempotencyKeyReused.
    """
    said = {"learner": {**asdict(learner), "session_id": None}, "code": code, "version": version, "answers": answers}
    asked = idempotency.ask(vault, learner.person_id, key, OPERATION, said)

    def score(tx: Session, acting: Acting, now: datetime) -> Answer:
        earlier = idempotency.earlier(tx, asked)
        if earlier is None:
            made = quizzes.attempt(tx, vault, acting, code, version, answers, now=now)
            answer = Answer(201, tell(made))
            earlier = idempotency.take(tx, asked, acting.holder_id, now=now, answer=answer)
            if earlier is None:
                return answer
        if earlier.answer is None:
            raise RequestUnderWay
        return earlier.answer

    return _in_one_transaction(sessions, learner, score)


def _in_one_transaction(
    sessions: sessionmaker[Session], learner: Learner, work: Callable[[Session, Acting, datetime], T]
) -> T:
    """What one account submits is decided one after the other: its key and that of the person are held."""

    def attempt(tx: Session) -> T:
        now = clock.now()
        return work(tx, identity.act_for(tx, **asdict(learner), now=now), now)

    return retried(sessions, attempt, also_after=(activities.Contended, points.Overtaken))
