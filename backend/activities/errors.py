"""What activities say no with; once an act is recorded, its refusal is a status with a reason."""

from backend.errors import Refusal


class ActRefused(Refusal):
    """An act cannot be counted; `reason` is the stable code the member and the partner see."""

    code = "ACT_REFUSED"
    title = "该行为不能计入 / This act cannot be counted"

    def __init__(self, reason: str, detail: str = "", **facts: object) -> None:
        super().__init__(detail or reason, **facts)
        self.reason = reason


class Contended(Exception):
    """Another batch changed who contends while this one was deciding: begin again."""


class UnknownVersion(Refusal):
    """The methodology has no version of this name."""

    code = "UNKNOWN_VERSION"
    status = 404
    title = "该方法学没有此版本 / The methodology has no such version"
