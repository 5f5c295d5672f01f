"""What the documents say is true: every stable code is explained, links lead somewhere, examples run."""

import ast
import base64
import importlib.util
import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from backend import cli, link_tickets, points, problems, signing, steps, strict_json
from backend.activities import REASONS
from backend.jobs import ERRANDS, JOBS
from backend.partners import batches
from backend.partners.adapters import ADAPTERS
from backend.partners.contract import Event, read_event
from backend.sandbox.programme import PARTNERS
from methodologies import Request, library, quantify_batch
from tests.house_rules import ROOT
from tests.test_architecture import FOREIGN

DOCS = ROOT / "docs"
LIBRARY_CODE = [path for room in ("kernel", "review") for path in sorted((ROOT / "methodologies" / room).glob("*.py"))]
EXAMPLE = DOCS / "examples" / "partner.py"
EXAMPLE_JS = DOCS / "examples" / "partner.mjs"
EXPLAINED = re.compile(r'^\| <a id="([A-Z_]+)"></a>`\1` \| ([^|]+) \|', re.MULTILINE)
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def markdown_files() -> list[Path]:
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in FOREIGN and not name.startswith(".")]
        found += [Path(folder, name) for name in names if name.endswith(".md")]
    return sorted(found)


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a document in one language."""
    text = (DOCS / document).read_text(encoding="utf-8")
    return [content for name, content in FENCE.findall(text) if name == language]


# -- every stable code is explained ------------------------------------------------------------------------


def refusals() -> Iterator[tuple[str, int | None]]:
    """(code, HTTP status where the class fixes one) of every class in the program that fixes a `code`."""
    for path in sorted((*ROOT.glob("backend/**/*.py"), *ROOT.glob("miniprogram_api/**/*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                fixed = {
                    item.targets[0].id: item.value.value
                    for item in node.body
                    if isinstance(item, ast.Assign)
                    and isinstance(item.targets[0], ast.Name)
                    and isinstance(item.value, ast.Constant)
                }
                if isinstance(fixed.get("code"), str):
                    yield fixed["code"], fixed.get("status")


def library_codes() -> Iterator[str]:
    """The codes the methodologies refuse with, or that a check reports."""
    for path in LIBRARY_CODE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                named = {"MethodologyError": node.args[0], "Discrepancy": node.args[0]}.get(node.func.id)
                if isinstance(named, ast.Constant):
                    yield named.value
            if isinstance(node, ast.keyword) and node.arg == "code" and isinstance(node.value, ast.Constant):
                yield node.value.value
    for methodology in library():
        yield from (limit.code for limit in methodology.limits)
        yield from (rate.code for rate in methodology.definition.rates)
        choices = (field.name for field in methodology.monitored.values() if field.choices)
        yield from (f"UNKNOWN_{name.upper()}" for name in choices)


def outcome_codes() -> Iterator[str]:
    """Codes written into outcomes and findings: `Outcome("refused", "X")`, `ActRefused("X")`, `"code": "X"` …"""
    written = re.compile(r'(?:Outcome\("\w+", |ActRefused\(|"code": |"fault": )"([A-Z_]+)"')
    for path in sorted(ROOT.glob("backend/**/*.py")):
        yield from written.findall(path.read_text(encoding="utf-8"))


def test_every_stable_code_is_explained() -> None:
    explained = dict(EXPLAINED.findall((DOCS / "problems.md").read_text(encoding="utf-8")))
    codes = {code for code, _ in refusals()} | {code for code, _ in problems.HTTP_PROBLEMS.values()}
    codes |= {*REASONS, *steps.REASONS, *points.CUT_CODES, *library_codes(), *outcome_codes()}
    assert len(codes) > 90
    missing = sorted(codes - explained.keys())
    assert not missing, f"explain in docs/problems.md: {missing}"
    gone = sorted(code for code in explained.keys() - codes if not _checking_code(code))
    assert not gone, f"docs/problems.md explains codes that no longer exist: {gone}"


def _checking_code(code: str) -> bool:
    """Codes that `check` composes from words the syntax tree does not show."""
    sources = "".join(path.read_text(encoding="utf-8") for path in LIBRARY_CODE)
    return f'"{code}"' in sources or f'"{code.removeprefix("INVALID_")}"' in sources


def test_http_statuses_are_told_right() -> None:
    explained = dict(EXPLAINED.findall((DOCS / "problems.md").read_text(encoding="utf-8")))
    told = {(code, int(status)) for code, status in explained.items() if status.isdigit()}
    meant = {(code, status) for status, (code, _) in problems.HTTP_PROBLEMS.items()}
    meant |= {(code, status) for code, status in refusals() if status is not None}
    wrong = sorted((code, status) for code, status in meant if code in dict(told) and (code, status) not in told)
    assert not wrong


# -- links lead somewhere ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", markdown_files(), ids=lambda file: file.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(file: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", file.read_text(encoding="utf-8")))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        aim = (file.parent / path).resolve() if path else file
        if not aim.exists() or (anchor and aim.suffix == ".md" and anchor not in anchors(aim)):
            broken.append(target)
    assert not broken


def test_a_list_of_contents_names_every_chapter() -> None:
    with_contents = 0
    for file in markdown_files():
        before, *_ = file.read_text(encoding="utf-8").split("\n## ", 1)
        named = set(re.findall(r"^(?:\d+\. | {3}).*", before, re.MULTILINE))
        if not any(line.startswith("1. [") for line in named):
            continue
        with_contents += 1
        assert chapters(file) <= set(re.findall(r"\]\(#([^)]+)\)", "\n".join(named))), file.name
    assert with_contents >= 5


def chapters(file: Path) -> set[str]:
    """The anchors of the headings of the second level."""
    return _as_anchors(re.findall(r"^## +(.+)$", FENCE.sub("", file.read_text(encoding="utf-8")), re.MULTILINE))


def anchors(file: Path) -> set[str]:
    """What can be linked to: headings as a code host names them, and explicit ids."""
    text = FENCE.sub("", file.read_text(encoding="utf-8"))
    headings = re.findall(r"^#{1,6} +(.+)$", text, re.MULTILINE)
    return _as_anchors(headings) | set(re.findall(r'<a id="([^"]+)">', text))


def _as_anchors(headings: list[str]) -> set[str]:
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", heading).strip().lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


# -- signing -----------------------------------------------------------------------------------------------

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()
BODY = '{"type": "trip.completed", "data": {"user_ref": "用户 1"}}'.encode()
SIGNED_AT = 1_780_650_000
NONCE = "0123456789abcdefghij"


def example_module() -> Any:
    spec = importlib.util.spec_from_file_location("partner_example", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def node(*arguments: str, body: bytes = b"") -> str:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: the JavaScript of docs/partners.md was NOT run")
    done = subprocess.run(["node", EXAMPLE_JS, *arguments], input=body, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def by_the_public_package() -> dict[str, str]:
    moment = datetime.fromtimestamp(SIGNED_AT, UTC)
    return {
        "webhook-id": "evt_1001",
        "webhook-timestamp": str(SIGNED_AT),
        "webhook-signature": Webhook(SECRET).sign("evt_1001", moment, BODY.decode()),
    }


def test_python_example_signs_like_the_public_package() -> None:
    assert example_module().sign(SECRET, "evt_1001", SIGNED_AT, BODY) == by_the_public_package()


def test_javascript_example_signs_like_the_public_package() -> None:
    assert json.loads(node("headers", SECRET, "evt_1001", str(SIGNED_AT), body=BODY)) == by_the_public_package()


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_examples_sign_with_ed25519(language: str) -> None:
    private, public = signing.new_ed25519_pair()
    if language == "python":
        headers = example_module().sign(private, "evt_1001", SIGNED_AT, BODY)
    else:
        headers = json.loads(node("headers", private, "evt_1001", str(SIGNED_AT), body=BODY))
    now = datetime.fromtimestamp(SIGNED_AT, UTC)
    assert signing.verify(headers, BODY, [signing.parse_key(public)], now=now).message_id == "evt_1001"


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_examples_make_link_tickets(language: str) -> None:
    if language == "python":
        ticket = example_module().link_ticket(SECRET, "transit", "用户-1", NONCE, SIGNED_AT + 300)
    else:
        ticket = node("ticket", SECRET, "transit", "用户-1", NONCE, str(SIGNED_AT + 300))
    now = datetime.fromtimestamp(SIGNED_AT, UTC)
    read = link_tickets.read_link_ticket(ticket, lambda _: [signing.parse_key(SECRET)], now)
    assert (read.partner, read.user_ref, read.nonce) == ("transit", "用户-1", NONCE)


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_examples_sign_batches(language: str) -> None:
    body = '{"id": "evt_1", "data": {"user_ref": "用户 1"}}\r\n\n{"id": "evt_2"}\n'.encode()
    if language == "python":
        headers = example_module().sign(SECRET, "batch_1", SIGNED_AT, example_module().batch_text(body))
    else:
        headers = json.loads(node("batch-headers", SECRET, "batch_1", str(SIGNED_AT), body=body))
    signed = batches.signed_text(batches.digests(batches.split(body)))
    now = datetime.fromtimestamp(SIGNED_AT, UTC)
    assert signing.verify(headers, signed, [signing.parse_key(SECRET)], now=now).message_id == "batch_1"


@pytest.mark.parametrize("language", ["python", "javascript"])
def test_examples_ask_for_links_as_the_description_says(language: str) -> None:
    """A request of each kind reaches a server whole, signed over what it asks."""
    with asked_for() as (url, requests):
        for command, said in (("link", ["7KQ2MX9TBD", "用户-1"]), ("unlink", ["用户-1"])):
            arguments = [url, "transit", SECRET, *said]
            if language == "python":
                answer = "{0.status} {0.text}".format(getattr(example_module(), command)(*arguments))
            else:
                answer = node(command, *arguments)
            assert answer == '200 {"status": "seen"}'
    now = datetime.now(UTC)
    wanted = {
        "/partners/v1/links": {"code": "7KQ2MX9TBD", "user_ref": "用户-1"},
        "/partners/v1/links:end": {"user_ref": "用户-1"},
    }
    for (path, headers, body), (target, asked) in zip(requests, wanted.items(), strict=True):
        assert (path, strict_json.loads_object(body)) == (target, asked)
        assert (headers["webhook-partner"], headers["content-type"]) == ("transit", "application/json")
        signing.verify(headers, signing.request_text("POST", path, body), [signing.parse_key(SECRET)], now=now)


@contextmanager
def asked_for() -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A server on a port of its own that notes (path, headers, body) of what it is asked."""
    requests: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append((self.path, headers, self.rfile.read(int(headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "seen"}')

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", requests
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_shown_examples_are_the_ones_that_run() -> None:
    shown = {EXAMPLE: blocks("partners.md", "python"), EXAMPLE_JS: blocks("partners.md", "javascript")}
    for file, pieces in shown.items():
        assert pieces
        for piece in pieces:
            assert piece in file.read_text(encoding="utf-8"), f"{file.name} and docs/partners.md differ"


def test_shown_signature_is_right() -> None:
    shown = next(block for block in blocks("partners.md", "text") if block.startswith("key "))
    said = dict(line.split(maxsplit=1) for line in shown.splitlines())
    headers = example_module().sign(said["key"], said["id"], int(said["timestamp"]), said["body"].encode())
    assert headers["webhook-signature"] == said["signature"]


# -- events of the contract --------------------------------------------------------------------------------

PARTNER_OF = {"ZZ": "zhuanzhuan", "DD": "dangdang", "TR": "transit", "SHOP": "shop", "OA": "office"}


def shown_events() -> list[Event]:
    found = [strict_json.loads_object(block.encode()) for block in blocks("partners.md", "json")]
    return [read_event(value) for value in found if "type" in value]


def test_shown_events_follow_the_contract_and_count() -> None:
    events = shown_events()
    assert {event.type for event in events} == {
        *("device.traded_in", "device.recycled", "donation.received", "product.purchased", "trip.completed"),
        *("document.signed", "meeting.held"),
        *("order.corrected", "order.cancelled"),
    }
    types = {event.order_no: event.order_type for event in events if event.order_type}
    for event in events:
        partner = PARTNER_OF[event.order_no.split("-")[0]]
        assert ADAPTERS[partner].sends(event)
        order_type = event.order_type or types[event.order_no]
        assert order_type is not None
        for line in event.lines if event.type != "order.cancelled" else ():
            draft = ADAPTERS[partner].translate(partner, event, line, order_type, 7)
            day = draft.occurred_at.date()
            [done] = quantify_batch([Request(draft.methodology, draft.data, day, "CN-DEFAULT", draft.grade)])
            assert not isinstance(done, Exception), done
            assert sum(done.credits.values()) > 0
            assert library().get(draft.methodology).claim_keys(draft.identity, draft.data)


def test_sandbox_keys_are_told_right() -> None:
    partners_page = (DOCS / "partners.md").read_text(encoding="utf-8")
    for partner in PARTNERS.values():
        row = rf"^\| `{partner.code}` \| `{re.escape(partner.secret)}` \| {partner.return_days or 'none'}\b"
        assert re.search(row, partners_page, re.MULTILINE), partner.code
        assert f"`{partner.user_prefix}-" in partners_page
        assert partner.signing_key is None or f"`{partner.signing_key}`" in partners_page


def tour(document: str) -> list[str]:
    """The shell blocks of the tour."""
    text = (ROOT / document).read_text(encoding="utf-8")
    start, end = text.index("```sh\nURL="), text.index("export DATABASE_URL")
    return [content for _, content in FENCE.findall(text[start:end])]


def test_both_readmes_walk_the_same_tour() -> None:
    assert tour("README.md") == tour("README.zh-CN.md")
    assert f"KEY={PARTNERS['transit'].secret}" in "".join(tour("README.md"))


# -- operations --------------------------------------------------------------------------------------------


def test_every_setting_is_documented() -> None:
    source = (ROOT / "backend" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'env\.\w+\("([A-Z_]+)"', source))
    assert {"ENV", "DATABASE_URL", "VAULT_KEY"} <= names
    operations = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert not [name for name in sorted(names) if f"`{name}`" not in operations]


def test_every_job_is_documented() -> None:
    operations = (DOCS / "operations.md").read_text(encoding="utf-8")
    assert not [job.name for job in (*JOBS, *ERRANDS) if f"| `{job.name}` | {job.every_seconds} s |" not in operations]


def test_every_command_is_documented() -> None:
    documents = "".join(file.read_text(encoding="utf-8") for file in markdown_files())
    groups = (cli.ledger_group, cli.audit_group, cli.methodology_group, cli.database_group, *cli.OPERATORS)
    commands = [f"flask {group.name} {name}" for group in groups for name in group.commands]
    assert len(commands) > 7
    assert not [command for command in commands if command not in documents]
