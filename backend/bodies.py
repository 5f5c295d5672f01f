"""Reading a request's body: the same for partners, members and the sandbox."""

from collections.abc import Mapping, Sequence
from typing import IO, Protocol

from backend.errors import Refusal
from backend.strict_json import MAX_BYTES, BodyTooLarge


class WrongContentType(Refusal):
    """The body is not declared as what is read here; `accepted` lists what would be."""

    code = "WRONG_CONTENT_TYPE"
    status = 415
    title = "请求体类型不符 / The body has another content type than this place accepts"


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
    require_type(request, ("application/json",))
    return read_body(request)


def require_type(request: Incoming, accepted: Sequence[str]) -> None:
    """Refuse a body that is not declared as one of these types, in UTF-8. Raises WrongContentType."""
    if request.mimetype not in accepted or request.mimetype_params.get("charset", "utf-8").lower() != "utf-8":
        raise WrongContentType(accepted=list(accepted))


def read_body(request: Incoming, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The raw bytes of a body of any kind, never more than `max_bytes`. Raises BodyTooLarge, UnreadableBody."""
    if (request.content_length or 0) > max_bytes:
        raise BodyTooLarge(f"at most {max_bytes} bytes", max_bytes=max_bytes)
    try:
        body = request.stream.read(max_bytes + 1)
    except Exception as error:  # every server has exceptions of its own for a broken chunk or a broken connection
        raise UnreadableBody from error
    if len(body) > max_bytes:
        raise BodyTooLarge(f"at most {max_bytes} bytes", max_bytes=max_bytes)
    return body
