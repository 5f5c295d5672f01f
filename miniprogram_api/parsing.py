"""Reading requests: strict JSON, strict types, and one way to say what is wrong with them."""

from typing import Any, NoReturn

from flask import Request
from marshmallow import ValidationError
from webargs.flaskparser import FlaskParser

from backend import strict_json
from backend.bodies import read_json_body
from backend.errors import Refusal

#: How much of a long list of complaints is told.
_MOST_ERRORS, _LONGEST_NAME = 20, 64


class InvalidRequest(Refusal):
    """The request does not follow the schema; `errors` says what is wrong with which field."""

    code = "INVALID_REQUEST"
    status = 422
    title = "请求内容不符合要求 / The request does not follow the schema"


class StrictParser(FlaskParser):
    """webargs with the house's JSON reader and the house's refusals."""

    def load_json(self, req: Request, schema: Any) -> Any:
        """The body as an object. Refuses another content type, an oversize body, and what is not I-JSON."""
        return strict_json.loads_object(read_json_body(req))

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Say which fields are wrong."""
        complaints: dict[Any, Any] = {}
        for location in error.normalized_messages().values():
            complaints |= location if isinstance(location, dict) else {"_schema": location}
        told = {str(name)[:_LONGEST_NAME]: complaints[name] for name in list(complaints)[:_MOST_ERRORS]}
        raise InvalidRequest(errors=told)
