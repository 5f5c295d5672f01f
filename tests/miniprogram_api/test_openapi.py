"""The document tells the truth: its pages need nobody else, and the API answers as it says, whatever it is sent."""

import contextlib
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.miniprogram_api.world import World, cancellation, order, trip

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def load(app: Any) -> Any:
    config = SchemathesisConfig.from_dict({"seed": 20260605})
    return schemathesis.openapi.from_wsgi("/openapi.json", app, config=config)


# -- the document ------------------------------------------------------------------------------------------


@pytest.fixture
def document(client):
    answer = client.get("/openapi.json")
    assert answer.content_type == "application/json"
    return answer.json


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "put", "delete"):
                yield f"{method.upper()} {path}", operation


def test_the_document_is_valid_openapi(app):
    schema = load(app)
    schema.validate()
    assert schema.raw_schema["openapi"] == "3.1.0"


def test_every_operation_is_described_and_documents_its_errors_as_problems(document):
    found = dict(operations(document))
    assert len(found) >= 39
    for name, operation in found.items():
        assert operation["summary"], name
        for status, response in operation["responses"].items():
            assert response["description"], name
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                assert re.search(r"`[A-Z_]+`", response["description"]), (name, status)


def test_only_login_and_open_knowledge_need_no_token(document):
    open_to_all = {name for name, operation in operations(document) if "security" not in operation}
    assert open_to_all == {
        "GET /api/v1/auth/staff",
        "POST /api/v1/auth/staff",
        "POST /api/v1/auth/staff/{provider}/begin",
        "POST /api/v1/auth/wechat",
        "POST /api/v1/auth/refresh",
        "GET /api/v1/methodologies",
        "GET /api/v1/methodologies/{code}",
        "GET /api/v1/points-rules/{programme}",
        "GET /api/v1/products",
        "GET /api/v1/products/{label}",
        "GET /api/v1/programmes/{code}/cover",
    }


def test_members_operations_refuse_strangers(client, document):
    for name, operation in operations(document):
        if "security" not in operation:
            continue
        method, path = name.split()
        path = re.sub(r"\{.*?\}", "01234567-89ab-7def-8123-456789abcdef", path)
        answer = client.open(path, method=method, json={"no": "schema"})
        assert (answer.status_code, answer.json["code"]) == (401, "UNAUTHENTICATED"), name
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_page_needs_nobody_else(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    addresses = re.findall(r"(?:src|href|url:)\s*=?\s*\"([^\"]+)\"", page.text)
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/"), address
        with client.get(address) as answer:
            assert answer.status_code == 200, address
    assert '"validatorUrl": null' in page.text


# -- what the API really answers ---------------------------------------------------------------------------


@pytest.fixture
def busy(world, acted_at):
    """A member with every kind of entry and activity."""
    member = world.active_member("alice")
    world.send("transit", trip("alice", 1, acted_at))
    world.send("transit", trip("alice", 2, acted_at))
    world.send("zhuanzhuan", order("device.traded_in", "alice", "Z1", acted_at, {"category": "phone", "serial": "S"}))
    computer = {"model": "YOGA Pro 16s IMH9", "serial": "PC1", "certificate_no": "C1", "retired_kg": 500}
    world.send("shop", order("product.purchased", "alice", "S1", acted_at, computer))
    world.send("shop", order("product.purchased", "alice", "S2", acted_at, {"model": "Pear 3", "serial": "PC2"}))
    world.settle()
    world.ripen()
    world.send("zhuanzhuan", cancellation("alice", "Z1", acted_at))
    world.settle()
    return member


def test_real_answers_follow_their_schemas(busy):
    schema = load(busy.world.app)
    headers = {"Authorization": f"Bearer {busy.tokens['access_token']}"}
    entries = busy.entries()
    assert {entry["kind"] for entry in entries} == {"issue", "issue.reversed", "ripen"}
    acts = busy.get("/activities?limit=100").json["items"]
    assert {act["status"] for act in acts} >= {"issued", "taken_back", "outdone"}
    codes = [m["code"] for m in busy.get("/methodologies").json["methodologies"]]
    assert len(codes) >= 7
    labels = [product["label"] for product in busy.get("/products").json["items"]]
    asked = [
        *(("/me", {}), ("/me/accounts", {}), ("/me/entries", {}), ("/me/consents", {}), ("/me/partner-links", {})),
        ("/me/export", {}),
        *(("/me/entries/{entry_id}/receipt", {"entry_id": entry["id"]}) for entry in entries),
        *(("/activities/{activity_id}", {"activity_id": act["id"]}) for act in acts),
        *(("/activities", {}), ("/methodologies", {})),
        *(("/methodologies/{code}", {"code": code}) for code in codes),
        ("/me/consents/{partner}/{scene}/receipt", {"partner": "transit", "scene": "commute"}),
        ("/products", {}),
        *(("/products/{label}", {"label": label}) for label in labels),
    ]
    for path, parameters in asked:
        case = schema["/api/v1" + path]["GET"].Case(path_parameters=parameters, headers=headers)
        response = case.call_and_validate(checks=CHECKS)
        assert response.status_code == 200


# -- whatever it is sent -----------------------------------------------------------------------------------

#: Each operation gets so many that fit its schema, and as many that do not.
EXAMPLES = 6
#: To who may not come in, every operation behind the door gives the same answer.
EXAMPLES_AT_THE_DOOR = 2
#: The same examples in every run.
EVERY_RUN_ALIKE = settings(
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def probe(app: Any, mode: GenerationMode, log_in: Callable[[], dict[str, str]] = dict) -> Counter[int]:
    """Send every operation what schemathesis thinks of, each under a login of its own (logging out ends one).

    Returns how often each status was answered.
    """
    statuses: Counter[int] = Counter()
    schema = load(app)
    for result in schema.get_all_operations():
        operation, headers = result.ok(), log_in()
        if mode is GenerationMode.NEGATIVE and takes_anything(schema.raw_schema["paths"][operation.path]):
            continue
        stopped = not headers and "security" in schema.raw_schema["paths"][operation.path][operation.method]

        @settings(EVERY_RUN_ALIKE, max_examples=EXAMPLES_AT_THE_DOOR if stopped else EXAMPLES)
        @given(case=operation.as_strategy(generation_mode=mode, headers=headers))
        def answers_as_documented(case: Any) -> None:
            statuses[case.call_and_validate(checks=CHECKS).status_code] += 1

        with contextlib.suppress(Unsatisfiable):  # some operations can be sent nothing wrong
            answers_as_documented()
    return statuses


def takes_anything(path: dict[str, Any]) -> bool:
    """Whether nothing wrong can be sent: all it takes are names in its path, and every text is a name.

    Schemathesis looks for a second each time until it gives up.
    """
    taken = list(path.get("parameters", [])) + [
        parameter
        for operation in path.values()
        for parameter in (operation.get("parameters", []) if isinstance(operation, dict) else ())
    ]
    bodies = any("requestBody" in operation for operation in path.values() if isinstance(operation, dict))
    free = all(one["in"] == "path" and one["schema"] == {"type": "string", "minLength": 1} for one in taken)
    return free and not bodies


MODES = pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda one: one.value)


@MODES
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # without a token few get as far as a database
def test_strangers_are_answered_as_documented(app, mode):
    World(app)
    assert probe(app, mode).keys() >= {401, 404}


@pytest.mark.parametrize(
    ("database_url", "mode"),
    [
        ("postgresql", GenerationMode.POSITIVE),
        ("postgresql", GenerationMode.NEGATIVE),  # what does not fit seldom gets as far as a database
    ],
    indirect=["database_url"],
)
def test_members_are_answered_as_documented(app, mode):
    world = World(app)
    world.active_member("alice")
    statuses = probe(app, mode, lambda: {"Authorization": f"Bearer {world.login('alice').tokens['access_token']}"})
    # The probe got past the door: most of what it sent was looked at.
    assert statuses.total() > 100
    assert statuses[401] < statuses.total() / 2, statuses
    assert statuses.keys() >= {200, 404, 422}
