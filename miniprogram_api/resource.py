"""What a resource is: a blueprint whose views declare what they read, answer and refuse."""

from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema

from backend import idempotency, problems
from backend.bodies import UnreadableBody, WrongContentType
from backend.errors import Refusal
from backend.idempotency import IdempotencyKeyNeeded, IdempotencyKeyReused, RequestUnderWay
from backend.identity import InvalidToken, SessionEnded
from backend.strict_json import BodyTooLarge, DuplicateKey, InvalidJson, NotAnObject, NumberOutOfRange, TooDeep
from miniprogram_api.caller import LoginRequired, authenticate
from miniprogram_api.openapi import BEARER, PROBLEM
from miniprogram_api.parsing import InvalidRequest, StrictParser

View = Callable[..., Any]
Refusals = tuple[type[Refusal], ...]

#: What can be wrong with a JSON body.
BODY_REFUSALS: Refusals = (
    *(InvalidJson, DuplicateKey, TooDeep, NumberOutOfRange, NotAnObject),
    *(BodyTooLarge, UnreadableBody, WrongContentType, InvalidRequest),
)
KEY_REFUSALS: Refusals = (IdempotencyKeyNeeded, IdempotencyKeyReused, RequestUnderWay)
MEMBER_REFUSALS: Refusals = (LoginRequired, InvalidToken, SessionEnded)


#: How the header is described; what it may hold beyond that, `backend.idempotency` says.
KEY_PARAMETER = {
    "in": "header",
    "name": idempotency.HEADER,
    "required": True,
    "description": (
        "每个意愿一个新值，重试时不变，保留 72 小时；重复请求得到同样的回答，并带 `Idempotency-Replayed: true` / "
        "Fresh for every wish, the same for its repeats, kept for 72 hours; a repeat is answered alike, "
        "with `Idempotency-Replayed: true`"
    ),
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.LONGEST_KEY,
        "pattern": "^[0-9A-Za-z_-]+$",
        "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    },
}


class Unavailable(Refusal):
    """The database cannot be reached; `backend.problems` says so."""

    code = "UNAVAILABLE"
    status = 503
    title = "服务暂时不可用，请稍后重试 / Temporarily unavailable"


class Resource(Blueprint):
    """A resource of the API. Its operations are for members unless they say otherwise."""

    ARGUMENTS_PARSER = StrictParser()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._prepare_doc_cbks.append(_document_key)

    def operation(
        self,
        method: str,
        rule: str,
        *,
        answers: type[Schema] | None,
        status: int = 200,
        refuses: Refusals = (),
        members_only: bool = True,
        live_login: bool = True,
    ) -> Callable[[View], View]:
        """Register a view: what it answers, and the refusals it may raise beside the usual ones.

        With `members_only`, nobody gets past the door without a live login; what they sent is not even looked at.
        Without `live_login` a valid access token is enough: the view itself looks at the login it belongs to.
        """

        def decorator(view: View) -> View:
            told: Refusals = (*getattr(view, "refuses", ()), *refuses, Unavailable)
            if members_only:
                told = (*MEMBER_REFUSALS, *told)
                view = self.doc(security=[{BEARER: []}])(_for_members(view, live_login))
            documented = self._document_refusals(told)(self.response(status, answers)(view))
            registered: View = self.route(rule, methods=[method])(documented)
            return registered

        return decorator

    def idempotent(self, view: View) -> View:
        """The view's `key` is the request's Idempotency-Key; it is looked at before the body."""

        @wraps(view)
        def keyed(*args: Any, **named: Any) -> Any:
            return view(*args, key=idempotency.read_key(request.headers.get(idempotency.HEADER)), **named)

        documented: Any = keyed
        documented._apidoc = {**getattr(view, "_apidoc", {}), "idempotent": True}
        documented.refuses = (*KEY_REFUSALS, *getattr(view, "refuses", ()))
        found: View = documented
        return found

    def body(self, schema: type[Schema]) -> Callable[[View], View]:
        """The view's next argument is the JSON body, read strictly by this schema."""
        return self._read(schema, "json", BODY_REFUSALS)

    def query(self, schema: type[Schema], *refuses: type[Refusal]) -> Callable[[View], View]:
        """The view's next argument are the query parameters; unknown ones are ignored."""
        return self._read(schema, "query", (InvalidRequest, *refuses))

    def _read(self, schema: type[Schema], location: str, refuses: Refusals) -> Callable[[View], View]:
        def decorator(view: View) -> View:
            reading: Any = self.arguments(schema, location=location)(view)
            reading._apidoc["arguments"].pop("responses")  # flask-smorest's own words about 422
            reading.refuses = (*getattr(view, "refuses", ()), *refuses)
            found: View = reading
            return found

        return decorator

    def _document_refusals(self, refuses: Refusals) -> Callable[[View], View]:
        """One documented answer per status, naming its codes; for a view that has its `response`."""
        by_status: dict[int, dict[str, str]] = defaultdict(dict)
        for refusal in refuses:
            by_status[refusal.status][refusal.code] = refusal.title

        def decorator(view: View) -> View:
            # Written down at once: `alt_response` would wrap the view and copy all its documentation for each status.
            answers = view._apidoc["response"]["responses"]  # type: ignore[attr-defined]
            for status, codes in sorted(by_status.items()):
                told = "\n".join(f"- `{code}` {title}" for code, title in codes.items())
                answer = {"schema": PROBLEM, "description": told, "content_type": problems.CONTENT_TYPE}
                answers.setdefault(status, []).append(answer)
            return view

        return decorator


def _document_key(doc: dict[str, Any], info: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of an idempotent operation that it needs a key."""
    if info.get("idempotent"):
        doc.setdefault("parameters", []).append(KEY_PARAMETER)
    return doc


def _for_members(view: View, live_login: bool) -> View:
    @wraps(view)
    def wrapper(*args: Any, **named: Any) -> Any:
        authenticate(live_login=live_login)
        return view(*args, **named)

    return wrapper


def nothing() -> Response:
    """204: done, and there is nothing to say."""
    return Response(status=204)
