"""`flask operator`: the first administrator, those they appoint, tokens that end, and the log of it all."""

import csv
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backend import clock
from tests.backend.operating import run


@pytest.fixture
def boss(app: Any) -> str:
    """The token of the first administrator."""
    done = run(app, "operator", "add", "wang", "--role", "administrator")
    assert done.exit_code == 0, done.output
    return str(done.stdout.strip())


def add(app: Any, name: str, role: str, token: str, by: str = "wang") -> tuple[Any, str]:
    """What the command says, and the token that the operator made for themselves."""
    made, digest = run(app, "operator", "new-token").stdout.split()
    how = ("--role", role, "--digest", digest, "--operator", by, "--reason", "hired")
    return run(app, "operator", "add", name, *how, token=token), made


def decide(app: Any, asked: Any, by: str, token: str, verdict: str = "--grant") -> Any:
    how = (verdict, "--operator", by, "--reason", "know them")
    return run(app, "approval", "decide", asked.stdout.strip(), *how, token=token)


@pytest.fixture
def second(app: Any, boss: str) -> str:
    """The token of the second administrator."""
    done, token = add(app, "zhao", "administrator", boss)
    assert "appointed" in done.stdout, done.output
    return token


def test_an_administrator_comes_first(app: Any) -> None:
    assert run(app, "operator", "add", "li", "--role", "viewer").exit_code == 2
    assert run(app, "operator", "list").stdout.split() == ["name", "role", "active"]


def test_only_an_administrator_appoints(app: Any, boss: str) -> None:
    li, li_token = add(app, "li", "viewer", boss)
    assert (li.exit_code, "appointed" in li.stdout) == (0, True), li.output
    for name, token, code in (
        ("li", li_token, "OPERATOR_NOT_ALLOWED"),
        ("wang", "op_guessed", "UNKNOWN_OPERATOR"),
        ("li", boss, "UNKNOWN_OPERATOR"),
        ("nobody", boss, "UNKNOWN_OPERATOR"),
    ):
        refused, _ = add(app, "zhao", "administrator", token, by=name)
        assert (refused.exit_code, refused.stdout) == (1, "") and refused.stderr.startswith(code)
    unsaid = run(app, "operator", "add", "zhao", "--role", "administrator", token=boss)
    assert (unsaid.exit_code, "--operator" in unsaid.stderr) == (2, True)


@pytest.mark.parametrize(("name", "code"), [("wang", "OPERATOR_EXISTS"), ("a b", "INVALID_OPERATOR_NAME")])
def test_names(app: Any, boss: str, name: str, code: str) -> None:
    assert add(app, name, "viewer", boss)[0].stderr.startswith(code)


def test_nobody_makes_a_second_half_of_every_decision_for_themselves(app: Any, boss: str, second: str) -> None:
    """One administrator alone appoints nobody who could decide, and gets hold of nobody's token."""
    asked, sun = add(app, "sun", "finance", boss)
    assert "sun" not in run(app, "operator", "list").stdout
    assert decide(app, asked, "wang", boss).stderr.startswith("SECOND_OPERATOR_NEEDED")
    assert "granted and done" in decide(app, asked, "zhao", second).stdout
    assert run(app, "operator", "rotate-token", "--operator", "sun", "--reason", "x", token=sun).exit_code == 0

    puppet, _ = add(app, "puppet", "administrator", boss)
    assert "refused" in decide(app, puppet, "zhao", second, "--refuse").stdout
    assert run(app, "operator", "deactivate", "zhao", "--operator", "wang", "--reason", "x", token=boss).exit_code == 0
    again, _ = add(app, "puppet", "administrator", boss)
    assert decide(app, again, "wang", boss).stderr.startswith("SECOND_OPERATOR_NEEDED")
    assert "puppet" not in run(app, "operator", "list").stdout


def test_a_lost_token_is_replaced_by_two_and_seen_by_its_owner(app: Any, boss: str, second: str) -> None:
    made, digest = run(app, "operator", "new-token").stdout.split()
    replace = ("operator", "replace-token", "zhao", "--operator", "wang", "--reason", "lost laptop", "--digest")
    assert run(app, *replace, digest[:-1], token=boss).stderr.startswith("INVALID_TOKEN_DIGEST")
    assert run(app, *replace[:2], "nobody", *replace[3:], digest, token=boss).stderr.startswith("UNKNOWN_OPERATOR")
    asked = run(app, *replace, digest, token=boss)
    assert decide(app, asked, "zhao", made).stderr.startswith("UNKNOWN_OPERATOR"), "not before it is decided"
    assert decide(app, asked, "zhao", second).exit_code == 0
    assert add(app, "li", "viewer", second, by="zhao")[0].stderr.startswith("UNKNOWN_OPERATOR")
    assert add(app, "li", "viewer", made, by="zhao")[0].exit_code == 0
    (row,) = [row for row in told(app) if row["action"] == "operator.replace_token_granted"]
    assert (row["operator"], row["before"]["status"], row["after"]["token_digest"]) == ("zhao", "pending", digest)


def test_a_token_ends_when_it_is_rotated_or_its_operator_leaves(app: Any, boss: str, second: str) -> None:
    why = ("--reason", "lost laptop")
    other = run(app, "operator", "rotate-token", "--operator", "zhao", *why, token=second).stdout.strip()
    assert add(app, "sun", "viewer", second, by="zhao")[0].exit_code == 1
    assert add(app, "sun", "viewer", other, by="zhao")[0].exit_code == 0
    assert run(app, "operator", "deactivate", "zhao", "--operator", "wang", *why, token=boss).exit_code == 0
    assert add(app, "qian", "viewer", other, by="zhao")[0].stderr.startswith("UNKNOWN_OPERATOR")
    rows = [line.split() for line in run(app, "operator", "list").stdout.splitlines()]
    assert ["zhao", "administrator", "no"] in rows and ["sun", "viewer", "yes"] in rows


def test_the_token_is_asked_for_and_not_shown(app: Any, boss: str) -> None:
    add(app, "li", "viewer", boss)
    arguments = ["operator", "deactivate", "li", "--operator", "wang", "--reason", "left"]
    done = app.test_cli_runner().invoke(args=arguments, input=f"{boss}\n")
    assert done.exit_code == 0, done.output
    assert boss not in done.output


def told(app: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(app, "operator", "log").stdout.splitlines()]


def test_the_log_tells_who_did_what_and_why(app: Any, boss: str) -> None:
    _, li = add(app, "li", "viewer", boss)
    run(app, "operator", "deactivate", "li", "--operator", "wang", "--reason", "离职", token=boss)
    rows = told(app)
    assert [(row["sequence"], row["operator"], row["action"], row["subject"]) for row in rows] == [
        (1, None, "operator.added", "wang"),
        (2, "wang", "operator.added", "li"),
        (3, "wang", "operator.deactivated", "li"),
    ]
    assert (rows[1]["after"], rows[2]["reason"]) == ({"active": True, "role": "viewer"}, "离职")
    assert (rows[2]["before"], rows[2]["after"]) == ({"active": True}, {"active": False})
    everything = json.dumps(rows)
    assert boss not in everything and li not in everything
    pasted = run(app, "operator", "rotate-token", "--operator", "wang", "--reason", f"was {boss}", token=boss)
    assert pasted.stderr.startswith("SECRET_IN_LOG") and len(told(app)) == 3


RISKY = '=HYPERLINK(1),"引号"\r\n+次行'


@pytest.mark.parametrize("style", ["jsonl", "csv"])
def test_a_stranger_verifies_an_export(app: Any, boss: str, tmp_path: Path, style: str) -> None:
    """Also one that begins in the middle, with formulas made harmless; and finds what was changed, left out or cut."""
    for name, reason in (("li", RISKY), ("sun", "'@x"), ("qian", "")):
        digest = run(app, "operator", "new-token").stdout.split()[1]
        how = ("--role", "viewer", "--digest", digest, "--operator", "wang", "--reason", reason or " ")
        assert run(app, "operator", "add", name, *how, token=boss).exit_code == 0
    file = tmp_path / "log"
    done = run(app, "operator", "export", "--format", style, "--output", str(file))
    assert (done.exit_code, "export 4/4" in done.stderr) == (0, True), done.output
    head = told(app)[-1]["hash"]
    assert check(app, file, head) == (0, 0)
    text = file.read_bytes().decode()
    printed = run(app, "operator", "export", "--format", style).stdout_bytes.decode()
    assert printed == text
    if style == "csv":
        cells = [row["reason"] for row in csv.DictReader(text.splitlines(keepends=True))]
        assert cells[1:] == ["'" + RISKY, "''@x", " "], "nothing begins a formula, and every cell can be read back"
    day = str(clock.today())
    part = ("--format", style, "--after", "2", "--since", day, "--until", day)
    assert len(run(app, "operator", "export", *part).stdout.splitlines()) == 2 + (style == "csv")
    file.write_text(run(app, "operator", "export", *part).stdout, encoding="utf-8", newline="")
    assert check(app, file, head) == (0, 0)
    tomorrow = str(clock.today() + timedelta(days=1))
    assert len(run(app, "operator", "export", "--format", style, "--since", tomorrow).stdout.splitlines()) == (
        style == "csv"
    )
    for spoilt in (
        text.replace("HYPERLINK", "hyperlink"),
        text.replace("viewer", "finance", 1),
        "".join(line for line in text.splitlines(keepends=True) if "@x" not in line),
        "".join(line for line in text.splitlines(keepends=True) if "qian" not in line),
    ):
        assert spoilt != text
        file.write_bytes(spoilt.encode())
        assert check(app, file, head) == (1, 1)
    file.write_text("{]")
    assert check(app, file, head)[0] == 1


def check(app: Any, file: Path, head: str) -> tuple[int, int]:
    """How `flask operator verify` and the script in the documents end."""
    ours = run(app, "operator", "verify", str(file), "--hash", head).exit_code
    script = [sys.executable, "docs/examples/verify_operator_log.py", str(file), head]
    return ours, subprocess.run(script, capture_output=True, check=False).returncode
