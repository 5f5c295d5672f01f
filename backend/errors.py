"""What the house says no with.

A `Refusal` is an answer, not an accident: its `code` is stable and meant for programs, its `title` is meant for people
(Chinese first), its `facts` hold what a program needs to act on it. Components subclass it in their own `errors.py`;
`backend.problems` turns every one of them into `application/problem+json` in one place.
"""


class Refusal(Exception):
    """A request or an act the house refuses. Subclasses fix `code`, `status` (HTTP) and `title`.

    `retry_after_s`: when the same request may be answered otherwise, where that is known.
    """

    code = "REFUSED"
    status = 422
    title = "请求被拒绝 / Refused"
    retry_after_s: int | None = None

    def __init__(self, detail: str = "", **facts: object) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.facts = facts


class NotFound(Refusal):
    """Nothing there that the asker may see: someone else's thing and no thing look the same."""

    code = "NOT_FOUND"
    status = 404
    title = "未找到 / Not found"


class Misconfigured(Exception):
    """The operator's settings cannot be used; the program does not start."""
