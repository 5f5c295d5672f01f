"""Learning: articles to read and quizzes to answer. What is right is told after an attempt, never before."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from flask import Response

from backend import activities, clock, idempotency, identity, learning
from backend.errors import NotFound
from backend.identity import GuardianNeeded, NotEnrolled
from backend.learning import (
    ARTICLE,
    QUIZ,
    Attempt,
    AttemptedToday,
    InvalidAnswers,
    Learner,
    LessonChanged,
    ReadTooFast,
)
from miniprogram_api.caller import house, member
from miniprogram_api.learning_schemas import (
    ArticleReadSchema,
    ArticleSchema,
    ArticlesSchema,
    AttemptsSchema,
    LessonQuery,
    LessonsQuery,
    MarkedAttemptSchema,
    QuizAnswersSchema,
    QuizSchema,
    QuizzesSchema,
    ReadingSchema,
)
from miniprogram_api.resource import Resource

resource = Resource("learning", __name__, description="低碳知识 / Learning")


@resource.operation("GET", "/articles", answers=ArticlesSchema, refuses=(NotFound, NotEnrolled))
@resource.query(LessonsQuery)
def articles(query: dict[str, Any]) -> dict[str, Any]:
    """Articles of a programme, and which of them I have read"""
    with house().transaction() as tx:
        account = _account(tx, query)
        items, more = _page(tx, query, ARTICLE)
        read = learning.read_versions(tx, account, query["programme"])
    told = [
        _lesson(item) | {"summary": item.content["summary"], "read": (item.code, item.version) in read}
        for item in items
    ]
    return {"items": told, "next_after": more}


@resource.operation("GET", "/articles/<code>", answers=ArticleSchema, refuses=(NotFound, NotEnrolled))
@resource.query(LessonQuery)
def article(query: dict[str, Any], code: str) -> dict[str, Any]:
    """One article in full

    When it was opened first is remembered, so that reading it can be believed.
    """
    with house().transaction() as tx:
        account = _account(tx, query)
        found = learning.open_article(tx, account, query["programme"], _known(code), now=clock.now())
        read = learning.read_versions(tx, account, query["programme"])
    told = {name: found.content[name] for name in ("summary", "paragraphs", "sources")}
    told |= {"read": (found.code, found.version) in read, "least_reading_s": learning.least_reading_s(found)}
    return _lesson(found) | told


@resource.operation(
    "POST",
    "/articles/<code>/read",
    answers=ArticleReadSchema,
    live_login=False,
    refuses=(NotFound, NotEnrolled, GuardianNeeded, LessonChanged, ReadTooFast),
)
@resource.body(ReadingSchema)
def finish(body: dict[str, Any], code: str) -> dict[str, Any]:
    """I have read this version to the end

    Counts once per version; the same again is answered alike. Sooner than anybody reads it is refused.
    """
    done = learning.finish_article(house().sessions, house().vault, _learner(body), _known(code), body["version"])
    return {"version": done.version, "finished_at": done.finished_at, **_credit(done.outcome, done.reason, done.points)}


@resource.operation("GET", "/quizzes", answers=QuizzesSchema, refuses=(NotFound, NotEnrolled))
@resource.query(LessonsQuery)
def quizzes(query: dict[str, Any]) -> dict[str, Any]:
    """Quizzes of a programme"""
    with house().transaction() as tx:
        _account(tx, query)
        items, more = _page(tx, query, QUIZ)
    return {"items": [_lesson(item) for item in items], "next_after": more}


@resource.operation("GET", "/quizzes/<code>", answers=QuizSchema, refuses=(NotFound, NotEnrolled))
@resource.query(LessonQuery)
def quiz(query: dict[str, Any], code: str) -> dict[str, Any]:
    """One quiz with its questions, without the answers"""
    with house().transaction() as tx:
        _account(tx, query)
        found = learning.edition(tx, query["programme"], QUIZ, _known(code), clock.today())
    told = {name: found.content[name] for name in ("article", "pass_mark", "earns")}
    return _lesson(found) | told | {"questions": learning.shown(found)}


@resource.operation(
    "POST",
    "/quizzes/<code>/attempts",
    answers=MarkedAttemptSchema,
    status=201,
    live_login=False,
    refuses=(NotFound, NotEnrolled, GuardianNeeded, LessonChanged, AttemptedToday, InvalidAnswers),
)
@resource.idempotent
@resource.body(QuizAnswersSchema)
def attempt(body: dict[str, Any], code: str, key: str) -> Response:
    """Answer a quiz, once a day in Asia/Shanghai

    The answer marks every question and tells what is right, and why.
    """
    answer = learning.answer_quiz(
        house().sessions,
        house().vault,
        _learner(body),
        _known(code),
        body["version"],
        body["answers"],
        key=key,
        tell=lambda made: MarkedAttemptSchema().dumps(_attempt(made) | {"marked": map(asdict, made.marked)}),
    )
    response = Response(answer.text, status=answer.status, content_type="application/json")
    if answer.replayed:
        response.headers[idempotency.REPLAYED_HEADER] = "true"
    return response


@resource.operation("GET", "/quizzes/<code>/attempts", answers=AttemptsSchema, refuses=(NotFound, NotEnrolled))
@resource.query(LessonQuery)
def attempts(query: dict[str, Any], code: str) -> dict[str, Any]:
    """My attempts at a quiz, newest first, a hundred at most"""
    with house().transaction() as tx:
        made = learning.attempts(tx, _account(tx, query), query["programme"], _known(code))
    return {"items": [_attempt(item) for item in made]}


def _known(code: str) -> str:
    """A code as the database takes it."""
    if "\0" in code or len(code) > 64:
        raise NotFound
    return code


def _learner(body: dict[str, Any]) -> Learner:
    account_id: UUID = body.get("account_id") or member().holder_id
    return Learner(member().holder_id, member().session_id, account_id, body["programme"])


def _account(tx: Any, query: dict[str, Any]) -> UUID:
    """Whose account it is, in this programme. Raises NotFound, NotEnrolled."""
    account_id: UUID = query.get("account_id") or member().holder_id
    identity.may_see(tx, member().holder_id, account_id, now=clock.now())
    if all(account.programme != query["programme"] for account in identity.enrolments(tx, account_id)):
        raise NotEnrolled(programme=query["programme"])
    return account_id


def _page(tx: Any, query: dict[str, Any], kind: str) -> tuple[list[learning.Edition], str | None]:
    limit = query["limit"]
    wanted = {"after": query.get("after"), "limit": limit + 1}
    found = learning.in_force(tx, query["programme"], kind, clock.today(), **wanted)
    return found[:limit], found[limit - 1].code if len(found) > limit else None


def _lesson(item: learning.Edition) -> dict[str, Any]:
    told = {"code": item.code, "version": item.version, "published_on": item.published_on}
    return told | {"title": item.content["title"]}


def _attempt(made: Attempt) -> dict[str, Any]:
    told = {name: getattr(made, name) for name in ("day", "version", "correct", "questions", "passed")}
    return told | _credit(made.outcome, made.reason, made.points)


def _credit(outcome: str | None, reason: str | None, points: int) -> dict[str, Any]:
    return {"credited": outcome == "issued", "points": points, "why": activities.sentence(reason)}
