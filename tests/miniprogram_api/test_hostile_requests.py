"""Requests nobody well-meaning sends. Each is answered with a problem document and a stable code, never with a 5xx."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.miniprogram_api.world import API

ID = "01234567-89ab-7def-8123-456789abcdef"
JSON = "application/json"
CONSENT = {"partner": "transit", "scene": "commute", "granted": True, "text_version": "2026-01"}
LINK = {"ticket": "a.b", "programme": "members"}
LOGIN = {"code": "sandbox:x"}

WECHAT, REFRESH, CONSENTS, LINKS = "/auth/wechat", "/auth/refresh", "/me/consents", "/me/partner-links"
SANDBOX = "/partners/v1/sandbox/link-tickets"


@dataclass(frozen=True)
class Attempt:
    """One hostile request of a logged-in member, and how it is answered."""

    method: str
    path: str
    status: int
    code: str
    body: Any = None
    content_type: str | None = JSON
    headers: dict[str, str] = field(default_factory=dict)
    names: tuple[str, ...] = ()  # the fields named in `errors`


def raw(path: str, status: int, code: str, body: Any, **options: Any) -> Attempt:
    return Attempt("PUT" if path == CONSENTS else "POST", path, status, code, body, **options)


def invalid(path: str, body: dict[str, Any], *names: str) -> Attempt:
    return raw(path, 422, "INVALID_REQUEST", body, names=names)


def token(value: str, code: str) -> Attempt:
    return Attempt("GET", "/me", 401, code, headers={"Authorization": value})


DEEP = b'{"code":' + b"[" * 40 + b"]" * 40 + b"}"
VERY_DEEP = b"[" * 60_000
BODIES = [
    # not JSON, or JSON that programs read differently
    (b"", 400, "INVALID_JSON"),
    (b"{", 400, "INVALID_JSON"),
    (b"\xff\xfe{\x00}\x00", 400, "INVALID_JSON"),
    (b"\xef\xbb\xbf{}", 400, "INVALID_JSON"),
    (b'{"code": NaN}', 400, "INVALID_JSON"),
    (b'{"code": -Infinity}', 400, "INVALID_JSON"),
    (b'{"code": "\\ud800"}', 400, "INVALID_JSON"),
    (b'{"code": "a\\u0000"}', 400, "INVALID_JSON"),
    (b'{"code": "a\x00"}', 400, "INVALID_JSON"),
    (b"{'code': 'a'}", 400, "INVALID_JSON"),
    (b'{"code": "a"} trailing', 400, "INVALID_JSON"),
    (b'{"code": "a", "code": "b"}', 400, "DUPLICATE_KEY"),
    (DEEP, 400, "JSON_TOO_DEEP"),
    (VERY_DEEP, 400, "JSON_TOO_DEEP"),
    (b'{"code": 1e999}', 400, "JSON_NUMBER_OUT_OF_RANGE"),
    (b'{"code": ' + b"9" * 5000 + b"}", 400, "JSON_NUMBER_OUT_OF_RANGE"),
    (b"[]", 400, "JSON_NOT_AN_OBJECT"),
    (b"null", 400, "JSON_NOT_AN_OBJECT"),
    (b'"code"', 400, "JSON_NOT_AN_OBJECT"),
    (b'{"code": "' + b"a" * 65_536 + b'"}', 413, "BODY_TOO_LARGE"),
]

ATTEMPTS = [
    *(raw(path, status, code, body) for path in (WECHAT, CONSENTS) for body, status, code in BODIES),
    *(raw(path, 400, "INVALID_JSON", b"{]") for path in (REFRESH, LINKS)),
    raw(SANDBOX, 400, "INVALID_JSON", b"{]"),
    raw(SANDBOX, 400, "JSON_NOT_AN_OBJECT", b"[]"),
    raw(SANDBOX, 413, "BODY_TOO_LARGE", b"[" + b" " * 70_000 + b"]"),
    raw(SANDBOX, 415, "WRONG_CONTENT_TYPE", b"{}", content_type="text/plain"),
    # content types
    *(
        raw(path, 415, "WRONG_CONTENT_TYPE", b'{"code": "sandbox:x"}', content_type=content_type)
        for path in (WECHAT, LINKS)
        for content_type in (
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/json; charset=gbk",
            "application/problem+json",
            "application/jsonx",
        )
    ),
    # fields
    invalid(WECHAT, {}, "code"),
    invalid(WECHAT, {"code": ""}, "code"),
    invalid(WECHAT, {"code": None}, "code"),
    invalid(WECHAT, {"code": 7}, "code"),
    invalid(WECHAT, {"code": ["sandbox:x"]}, "code"),
    invalid(WECHAT, {"code": {"$ne": ""}}, "code"),
    invalid(WECHAT, {"code": "a" * 129}, "code"),
    invalid(WECHAT, {"code": "a\nb"}, "code"),
    invalid(WECHAT, {"code": "a\n"}, "code"),
    invalid(WECHAT, LOGIN | {"role": "admin"}, "role"),
    invalid(WECHAT, LOGIN | {"__proto__": {}}, "__proto__"),
    invalid(WECHAT, LOGIN | {"Code": "x"}, "Code"),
    raw(WECHAT, 401, "LOGIN_CODE_INVALID", {"code": "' OR 1=1 --"}),
    raw(WECHAT, 401, "LOGIN_CODE_INVALID", {"code": "sandbox:../../x"}),
    raw(WECHAT, 401, "LOGIN_CODE_INVALID", {"code": "sandbox:ｘ"}),
    invalid(REFRESH, {}, "refresh_token"),
    invalid(REFRESH, {"refresh_token": "r" * 200}, "refresh_token"),
    raw(REFRESH, 401, "INVALID_REFRESH_TOKEN", {"refresh_token": "rt_nobody"}),
    raw(REFRESH, 401, "INVALID_REFRESH_TOKEN", {"refresh_token": "中文"}),
    *(
        invalid(CONSENTS, CONSENT | {"granted": value}, "granted")
        for value in ("true", "yes", 1, 0, 1.0, None, [], "", "on")
    ),
    *(invalid(CONSENTS, CONSENT | {"partner": value}, "partner") for value in ("", "a b", "../x", "a" * 33, 1, None)),
    *(invalid(CONSENTS, CONSENT | {"scene": value}, "scene") for value in ("", "通勤", ["commute"], "a;b")),
    *(invalid(CONSENTS, CONSENT | {"text_version": value}, "text_version") for value in ("", 2026, "\x7f", "v" * 33)),
    invalid(CONSENTS, {}, "granted", "partner", "scene"),
    invalid(CONSENTS, CONSENT | {"holder_id": ID}, "holder_id"),
    raw(CONSENTS, 422, "UNKNOWN_SCENE", CONSENT | {"scene": "device"}),
    raw(CONSENTS, 404, "UNKNOWN_PARTNER", CONSENT | {"partner": "nobody"}),
    raw(CONSENTS, 422, "UNKNOWN_CONSENT_TEXT", CONSENT | {"text_version": "9999-99"}),
    *(invalid(LINKS, LINK | {"ticket": value}, "ticket") for value in ("", "a b", "中.文", 1, None, "a" * 2101)),
    *(invalid(LINKS, LINK | {"programme": value}, "programme") for value in ("", " ", "a" * 65, {}, True)),
    invalid(LINKS, LINK | {"user_ref": "u"}, "user_ref"),
    *(
        raw(LINKS, 422, "INVALID_LINK_TICKET", LINK | {"ticket": value})
        for value in ("a", "a.b", "..", "e30." + "A" * 43, "A" * 2048 + "." + "A" * 43)
    ),
    # query parameters
    *(
        Attempt("GET", f"{path}?limit={value}", 422, "INVALID_REQUEST", names=("limit",))
        for path in ("/me/entries", "/activities")
        for value in ("0", "101", "-1", "1.0", "1e1", "1_0", "%D9%A3", "", "+5", "0x5", "9" * 40, "abc", "%00", "10%20")
    ),
    *(
        Attempt("GET", f"{path}?programme={value}", 422, "INVALID_REQUEST", names=("programme",))
        for path in ("/me/entries", "/activities")
        for value in ("", "%00", "a%20b", "x" * 65, "%E4%B8%AD", "a%0A", "'")
    ),
    Attempt("GET", "/me/entries?programme=nowhere", 422, "UNKNOWN_PROGRAMME"),
    Attempt("GET", "/activities?status=ISSUED", 422, "INVALID_REQUEST", names=("status",)),
    Attempt("GET", "/activities?status=", 422, "INVALID_REQUEST", names=("status",)),
    *(
        Attempt("GET", f"{path}?cursor={value}", 400, "INVALID_CURSOR")
        for path in ("/me/entries", "/activities")
        for value in ("", "x", "A" * 43, "A" * 44, "%00" * 43, "..%2F..", "-" * 43, "%F0%9F%98%80", "A" * 9000)
    ),
    # deleting the account takes a confirmation
    *(
        Attempt("DELETE", f"/me{query}", 422, "INVALID_REQUEST", names=("confirmation",))
        for query in ("", "?confirmation=", "?confirmation=%00", "?confirmation=" + "1" * 65, "?Confirmation=yes")
    ),
    *(
        Attempt("DELETE", f"/me?confirmation={value}", 409, "INVALID_CONFIRMATION")
        for value in ("yes", "true", "1780891200." + "A" * 43, "9999999999." + "A" * 43, "%D9%A1.x", "1780891200.")
    ),
    # things that are not there
    *(
        Attempt("GET", path, 404, "NOT_FOUND")
        for path in (
            f"/me/entries/{ID}/receipt",
            "/me/entries/1/receipt",
            "/me/entries/%00/receipt",
            f"/me/entries/{{{ID}}}/receipt",
            f"/me/entries/{ID}%0A/receipt",
            f"/activities/{ID}",
            "/activities/null",
            "/me/consents/transit/device/receipt",
            "/me/consents/transit/%00/receipt",
            "/me/consents/%00/commute/receipt",
            "/me/consents/nobody/commute/receipt",
            "/me/consents/" + "x" * 4000 + "/commute/receipt",
            "/activities/urn:uuid:" + ID,
            "/methodologies/nothing",
            "/methodologies/..%2F..%2Fetc%2Fpasswd",
            "/methodologies/%00",
            "/points-rules/%00",
            "/programmes/%00/cover",
            "/methodologies/METRO_RIDE",
            "/methodologies/" + "x" * 4000,
            "/users",
            "/",
            "",
            "/me/",
            "/me/accounts/1",
        )
    ),
    Attempt("DELETE", f"{LINKS}/{ID}", 404, "NOT_FOUND"),
    Attempt("DELETE", f"{LINKS}/x", 404, "NOT_FOUND"),
    Attempt("POST", "/nowhere", 404, "NOT_FOUND", b"{}"),
    # methods
    *(
        Attempt(method, path, 405, "METHOD_NOT_ALLOWED", b"{}")
        for method, path in (
            ("GET", WECHAT),
            ("PUT", REFRESH),
            ("GET", "/auth/logout"),
            ("POST", "/me"),
            ("GET", "/me/deletion-requests"),
            ("PATCH", "/me"),
            ("PATCH", "/me/accounts"),
            ("POST", "/me/entries"),
            ("DELETE", CONSENTS),
            ("PATCH", LINKS),
            ("GET", f"{LINKS}/{ID}"),
            ("PUT", "/activities"),
            ("DELETE", f"/activities/{ID}"),
            ("POST", "/methodologies"),
            ("BREW", "/methodologies"),
            ("TRACE", "/me"),
        )
    ),
    # tokens
    token("", "UNAUTHENTICATED"),
    token("Bearer", "INVALID_TOKEN"),
    token("Bearer ", "INVALID_TOKEN"),
    token("Bearer x", "INVALID_TOKEN"),
    token("Bearer a.b.c", "INVALID_TOKEN"),
    token("Bearer " + "a" * 9000, "INVALID_TOKEN"),
    token("Bearer é", "INVALID_TOKEN"),
    token("Basic dXNlcjpwYXNz", "UNAUTHENTICATED"),
    token("Token x", "UNAUTHENTICATED"),
    token("Bearer eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.e30.", "INVALID_TOKEN"),
    token("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.e30.c2ln", "INVALID_TOKEN"),
]


def answer_to(member: Any, attempt: Attempt) -> Any:
    path = attempt.path if attempt.path.startswith("/partners/") else API + attempt.path
    body = json.dumps(attempt.body) if isinstance(attempt.body, dict) else attempt.body
    headers = {"Authorization": f"Bearer {member.tokens['access_token']}"} | attempt.headers
    content_type = attempt.content_type if attempt.body is not None else None
    return member.world.client.open(
        path, method=attempt.method, data=body, content_type=content_type, headers=headers
    )


def complaint(attempt: Attempt, answer: Any) -> str | None:
    """What is wrong with an answer, None when it is as it should be."""
    said = f"{attempt.method} {attempt.path[:80]} {str(attempt.body)[:80]} {attempt.content_type} {attempt.headers}"
    if answer.content_type != "application/problem+json":
        return f"{said}: {answer.status_code} {answer.content_type} {answer.text[:200]}"
    problem = answer.json
    if (answer.status_code, problem["code"], problem["status"]) != (attempt.status, attempt.code, attempt.status):
        return f"{said}: {problem}"
    if not attempt.names and not problem.keys() >= {"type", "title"}:
        return f"{said}: incomplete {problem}"
    if attempt.names and sorted(problem["errors"]) != sorted(attempt.names):
        return f"{said}: {problem['errors']}"
    if attempt.status == 401 and not answer.headers["WWW-Authenticate"].startswith("Bearer"):
        return f"{said}: no challenge"
    if attempt.status == 405 and not answer.headers.get("Allow"):
        return f"{said}: no Allow"
    return None


def test_hostile_requests_are_told_what_is_wrong(world):
    member = world.login("mallory")
    before = (member.get("/me/consents").json, member.get(LINKS).json, member.account())
    assert len(ATTEMPTS) >= 80
    complaints = [found for attempt in ATTEMPTS if (found := complaint(attempt, answer_to(member, attempt)))]
    assert not complaints, "\n".join(["", *complaints])
    assert (member.get("/me/consents").json, member.get(LINKS).json, member.account()) == before


def test_a_body_without_a_length_is_read_no_further_than_the_limit(client):
    """Chunked uploads announce nothing; the reader counts for itself."""
    import io

    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            type(self).taken += len(buffer)
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    environ = {"wsgi.input": io.BufferedReader(Endless()), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    answer = client.post(f"{API}{WECHAT}", content_type=JSON, environ_overrides=environ)
    assert (answer.status_code, answer.json["code"]) == (413, "BODY_TOO_LARGE")
    assert Endless.taken < 200_000


def test_many_wrong_fields_are_not_all_repeated(world):
    answer = world.client.post(f"{API}{WECHAT}", json={f"{n:04}" + "x" * 200: n for n in range(200)})
    assert answer.json["code"] == "INVALID_REQUEST"
    assert len(answer.json["errors"]) == 20
    assert max(map(len, answer.json["errors"])) == 64


@pytest.mark.parametrize(
    "path", ["/nowhere", "/static/vendor/../../../wsgi.py", "/static/%2e%2e/openapi.py", "/docs/x"]
)
def test_outside_the_api_problems_look_the_same(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")
    assert answer.json["code"] == "NOT_FOUND"


def test_strangers_are_told_to_log_in_before_anything_else(client):
    answer = client.put(f"{API}{CONSENTS}", data=b"{", content_type="text/plain")
    assert (answer.status_code, answer.json["code"]) == (401, "UNAUTHENTICATED")
