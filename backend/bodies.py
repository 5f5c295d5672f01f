"""Reading a request's body: the same for partners, members and the sandbox."""

from collections.abc import Mapping
from typing import IO, Protocol

from backend.errors import Refusal
from backend.strict_json import MAX_BYTES, BodyTooLarge


class WrongContentType(Refusal):
    code = "WRONG_CONTENT_TYPE"
    status = 415
    title = "请求体须为 application/json / The body must be application/json"


class UnreadableBody(Refusal):
    """The body breaks off, or its transfer encoding is broken."""

    code = "UNREADABLE_BODY"
    status = 400
    title = "请求体无法读取 / The body cannot be read"


class Incoming(Protocol):
    """What is needed of a request."""

    @property
    def mimetype(self) -> str: ...
    @property
    def mimetype_params(self) -> Mapping[str, str]: ...
    @property
    def content_length(self) -> int | None: ...
    @property
    def stream(self) -> IO[bytes]: ...


def read_json_body(request: Incoming) -> bytes:
    """The raw bytes of a JSON body, never more than 64 KiB whatever the headers say.

    Raises WrongContentType (also for a charset other than UTF-8), BodyTooLarge, UnreadableBody.
    """
    if request.mimetype != "application/json" or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise WrongContentType
    return read_body(request)


def read_body(request: Incoming) -> bytes:
    """The raw bytes of a body of any kind, never more than 64 KiB. Raises BodyTooLarge, UnreadableBody."""
    if (request.content_length or 0) > MAX_BYTES:
        raise BodyTooLarge(f"at most {MAX_BYTES} bytes", max_bytes=MAX_BYTES)
    try:
        body = request.stream.read(MAX_BYTES + 1)
    except Exception as error:  # every server has exceptions of its own for a broken chunk or a broken connection
        raise UnreadableBody from error
    if len(body) > MAX_BYTES:
        raise BodyTooLarge(f"at most {MAX_BYTES} bytes", max_bytes=MAX_BYTES)
    return body
