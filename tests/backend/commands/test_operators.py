"""`flask operator`: the first administrator, those they appoint, tokens that end, and the log of it all."""

import json
from typing import Any

import pytest

from tests.backend.operating import run


@pytest.fixture
def boss(app: Any) -> str:
    """The token of the first administrator."""
    done = run(app, "operator", "add", "wang", "--role", "administrator")
    assert done.exit_code == 0, done.output
    return str(done.stdout.strip())


def add(app: Any, name: str, role: str, token: str, by: str = "wang") -> Any:
    return run(app, "operator", "add", name, "--role", role, "--operator", by, token=token)


def test_an_administrator_comes_first(app: Any) -> None:
    assert run(app, "operator", "add", "li", "--role", "viewer").exit_code == 2
    assert run(app, "operator", "list").stdout.split() == ["name", "role", "active"]


def test_only_an_administrator_appoints(app: Any, boss: str) -> None:
    li = add(app, "li", "reviewer", boss)
    assert li.exit_code == 0 and li.stdout.startswith("op_")
    for name, token, code in (
        ("li", li.stdout.strip(), "OPERATOR_NOT_ALLOWED"),
        ("wang", "op_guessed", "UNKNOWN_OPERATOR"),
        ("li", boss, "UNKNOWN_OPERATOR"),
        ("nobody", boss, "UNKNOWN_OPERATOR"),
    ):
        refused = add(app, "zhao", "administrator", token, by=name)
        assert (refused.exit_code, refused.stdout) == (1, "") and refused.stderr.startswith(code)
    assert run(app, "operator", "add", "zhao", "--role", "administrator").stderr.startswith("UNKNOWN_OPERATOR")


@pytest.mark.parametrize(("name", "code"), [("wang", "OPERATOR_EXISTS"), ("a b", "INVALID_OPERATOR_NAME")])
def test_names(app: Any, boss: str, name: str, code: str) -> None:
    assert add(app, name, "viewer", boss).stderr.startswith(code)


def test_a_token_ends_when_it_is_rotated_or_its_operator_leaves(app: Any, boss: str) -> None:
    first = add(app, "li", "administrator", boss).stdout.strip()
    why = ("--reason", "lost laptop")
    second = run(app, "operator", "rotate-token", "li", "--operator", "li", *why, token=first).stdout.strip()
    assert add(app, "zhao", "viewer", first, by="li").exit_code == 1
    assert add(app, "zhao", "viewer", second, by="li").exit_code == 0
    assert run(app, "operator", "deactivate", "li", "--operator", "wang", *why, token=boss).exit_code == 0
    assert add(app, "sun", "viewer", second, by="li").stderr.startswith("UNKNOWN_OPERATOR")
    again = run(app, "operator", "rotate-token", "li", "--operator", "wang", *why, token=boss)
    assert again.stderr.startswith("UNKNOWN_OPERATOR")
    rows = [line.split() for line in run(app, "operator", "list").stdout.splitlines()]
    assert ["li", "administrator", "no"] in rows and ["zhao", "viewer", "yes"] in rows


def test_the_token_is_asked_for_and_not_shown(app: Any, boss: str) -> None:
    add(app, "li", "viewer", boss)
    arguments = ["operator", "deactivate", "li", "--operator", "wang", "--reason", "left"]
    done = app.test_cli_runner().invoke(args=arguments, input=f"{boss}\n")
    assert done.exit_code == 0, done.output
    assert boss not in done.output


def test_the_log_tells_who_did_what_and_why(app: Any, boss: str) -> None:
    add(app, "li", "viewer", boss)
    run(app, "operator", "deactivate", "li", "--operator", "wang", "--reason", "离职", token=boss)
    done = run(app, "operator", "log")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(row["sequence"], row["operator"], row["action"], row["subject"]) for row in told] == [
        (1, None, "operator.added", "wang administrator"),
        (2, "wang", "operator.added", "li viewer"),
        (3, "wang", "operator.deactivated", "li"),
    ]
    assert (done.exit_code, told[2]["reason"]) == (0, "离职")
    assert boss not in done.output
