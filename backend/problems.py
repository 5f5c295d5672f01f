"""Refusals and accidents as `application/problem+json` (RFC 9457), in one place."""

from typing import Any

from sqlalchemy.exc import IntegrityError, OperationalError

from backend.errors import Refusal

CONTENT_TYPE = "application/problem+json"

#: What HTTP itself refuses, by status: stable code and title.
HTTP_PROBLEMS = {
    400: ("BAD_REQUEST", "请求有误 / Bad request"),
    401: ("UNAUTHENTICATED", "请先登录 / Please log in"),
    403: ("FORBIDDEN", "无权访问 / Not allowed"),
    404: ("NOT_FOUND", "未找到 / Not found"),
    405: ("METHOD_NOT_ALLOWED", "不支持该方法 / Method not allowed"),
    406: ("NOT_ACCEPTABLE", "无法按所要求的格式回答 / Not acceptable"),
    409: ("CONFLICT", "请求与当前状态冲突，请重试 / Conflict, please try again"),
    411: ("LENGTH_REQUIRED", "缺少长度 / Length required"),
    413: ("BODY_TOO_LARGE", "请求体过大 / The body is too large"),
    414: ("URI_TOO_LONG", "地址过长 / The address is too long"),
    415: ("WRONG_CONTENT_TYPE", "请求体类型不符 / The body has another content type than this place accepts"),
    422: ("INVALID_REQUEST", "请求内容不符合要求 / The request does not follow the schema"),
    429: ("TOO_MANY_REQUESTS", "请求过于频繁 / Too many requests"),
    431: ("HEADERS_TOO_LARGE", "请求头过大 / Header fields too large"),
    500: ("INTERNAL", "服务内部错误 / Internal error"),
    503: ("UNAVAILABLE", "服务暂时不可用，请稍后重试 / Temporarily unavailable"),
}


def problem(status: int, code: str, title: str, detail: str = "", **facts: Any) -> dict[str, Any]:
    """A problem document. `code` is what programs rely on."""
    document: dict[str, Any] = {"type": f"/docs/problems#{code}", "title": title, "status": status, "code": code}
    if detail and detail != title:
        document["detail"] = detail
    return document | {name: value for name, value in facts.items() if name not in document}


def of_refusal(refusal: Refusal) -> dict[str, Any]:
    """What a refusal tells the outside."""
    return problem(refusal.status, refusal.code, refusal.title, refusal.detail, **refusal.facts)


def of_status(status: int, detail: str = "", **facts: Any) -> dict[str, Any]:
    """What HTTP itself refuses."""
    code, title = HTTP_PROBLEMS.get(status, (f"HTTP_{status}", f"HTTP {status}"))
    return problem(status, code, title, detail, **facts)


def of_accident(error: Exception) -> dict[str, Any]:
    """An exception nobody meant: a race the database decided is a conflict, a database in trouble is unavailability."""
    if isinstance(error, IntegrityError) and _decided_by_a_unique_key(error):
        return of_status(409)
    if isinstance(error, OperationalError):
        return of_status(503)
    return of_status(500)


def _decided_by_a_unique_key(error: IntegrityError) -> bool:
    """Somebody else was first, as opposed to a row that must not be."""
    return getattr(error.orig, "sqlstate", None) == "23505" or "UNIQUE constraint failed" in str(error.orig)
