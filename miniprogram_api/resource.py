"""What a resource is: a blueprint whose views declare what they read, answer and refuse."""

from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from backend import problems
from backend.bodies import UnreadableBody, WrongContentType
from backend.errors import Refusal
from backend.identity import InvalidToken, SessionEnded
from backend.strict_json import BodyTooLarge, DuplicateKey, InvalidJson, NotAnObject, NumberOutOfRange, TooDeep
from miniprogram_api.caller import LoginRequired, authenticate
from miniprogram_api.openapi import BEARER, ProblemSchema
from miniprogram_api.parsing import InvalidRequest, StrictParser

View = Callable[..., Any]
Refusals = tuple[type[Refusal], ...]

#: What can be wrong with a JSON body.
BODY_REFUSALS: Refusals = (
    *(InvalidJson, DuplicateKey, TooDeep, NumberOutOfRange, NotAnObject),
    *(BodyTooLarge, UnreadableBody, WrongContentType, InvalidRequest),
)
MEMBER_REFUSALS: Refusals = (LoginRequired, InvalidToken, SessionEnded)


class Unavailable(Refusal):
    """The database cannot be reached; `backend.problems` says so."""

    code = "UNAVAILABLE"
    status = 503
    title = "服务暂时不可用，请稍后重试 / Temporarily unavailable"


class Resource(Blueprint):
    """A resource of the API. Its operations are for members unless they say otherwise."""

    ARGUMENTS_PARSER = StrictParser()

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
        """One documented answer per status, naming its codes."""
        by_status: dict[int, dict[str, str]] = defaultdict(dict)
        for refusal in refuses:
            by_status[refusal.status][refusal.code] = refusal.title

        def decorator(view: View) -> View:
            for status, codes in sorted(by_status.items()):
                told = "\n".join(f"- `{code}` {title}" for code, title in codes.items())
                view = self.alt_response(
                    status, schema=ProblemSchema, content_type=problems.CONTENT_TYPE, description=told
                )(view)
            return view

        return decorator


def _for_members(view: View, live_login: bool) -> View:
    @wraps(view)
    def wrapper(*args: Any, **named: Any) -> Any:
        authenticate(live_login=live_login)
        return view(*args, **named)

    return wrapper


def nothing() -> Response:
    """204: done, and there is nothing to say."""
    return Response(status=204)
