"""The house rules hold for the tree, and every rule can fail: each is tried on a small bad source and on
good ones."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house_rules import LONGER, ROOT, RULES, Module, the_project_speaks_of_itself

PACKAGES = ("methodologies", "backend", "miniprogram_api", "migrations", "bench", "tools", "tests")
#: Folders that hold nothing of ours: what was built, other tools' files, other projects' (vendored, with licence).
FOREIGN = {".git", ".venv", ".hypothesis", "__pycache__", "build", "instance", "node_modules", "vendor"}


def walk() -> Iterator[Path]:
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in FOREIGN and not name.endswith("_cache")]
        yield from (Path(folder, name) for name in names)


def modules() -> list[Module]:
    found = []
    for path in sorted(walk()):
        relative = path.relative_to(ROOT)
        if path.suffix == ".py" and (relative.parts[0] in PACKAGES or len(relative.parts) == 1):
            found.append(Module(relative.as_posix(), path.read_text(encoding="utf-8")))
    return found


MODULES = modules()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule) -> None:
    complaints = [f"{module.path}:{line}: {what}" for module in MODULES for line, what in rule(module)]
    assert not complaints, explain(rule, complaints)


def test_the_project_speaks_of_itself() -> None:
    complaints = []
    for path in sorted(walk()):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        relative = path.relative_to(ROOT).as_posix()
        complaints += [f"{relative}:{line}: {what}" for line, what in the_project_speaks_of_itself(relative, text)]
    assert not complaints, explain(the_project_speaks_of_itself, complaints)


def explain(rule, complaints: list[str]) -> str:
    why = re.sub(r"\s+", " ", rule.__doc__)
    return "\n".join(["", why, "", *complaints])


def test_exceptions_are_few_and_still_needed() -> None:
    paths = {module.path for module in MODULES}
    assert len(LONGER) <= 5
    for place, reason in LONGER.items():
        assert place.split(":")[0] in paths, f"{place} is gone: remove its exception"
        assert len(reason.split()) >= 5, f"{place}: say why in a sentence"


LONG_MODULE = "x = 1\n" * 300
LONG_FUNCTION = "def act():\n" + "    pass\n" * 39
FORMULA = "methodologies/bicycle/formula.py"

BAD: dict[str, list[tuple[str, str]]] = {
    "floors": [
        ("backend/ledger/service.py", "from backend import settlement"),
        ("backend/ledger/service.py", "from backend import identity"),
        ("backend/ledger/service.py", "from ..settlement import settle"),
        ("backend/points/service.py", "import backend.activities"),
        ("backend/campaigns/service.py", "def join():\n    from backend.rewards import redeem"),
        ("backend/outbox.py", "from backend.ledger import post"),
        ("backend/settlement/pipeline.py", "from backend import create_app"),
        ("backend/console/views.py", "import miniprogram_api"),
        ("miniprogram_api/points.py", "from backend.console import views"),
        ("miniprogram_api/points.py", "from backend import cli"),
        ("backend/audit/service.py", "from backend.sandbox import twins"),
    ],
    "methodologies_only_through_activities": [
        ("backend/points/policy.py", "import methodologies"),
        ("backend/clock.py", "from methodologies.kernel import units"),
    ],
    "methodologies_are_pure": [
        ("methodologies/kernel/units.py", "import flask"),
        ("methodologies/kernel/units.py", "from backend import clock"),
        ("methodologies/kernel/units.py", "import os"),
        ("methodologies/kernel/units.py", "from urllib.request import urlopen"),
        ("methodologies/kernel/units.py", "print(1)"),
        ("methodologies/__main__.py", "import os"),
    ],
    "formulas_import_only_the_kernel": [
        (FORMULA, "from fractions import Fraction"),
        (FORMULA, "from methodologies.factors import grid"),
    ],
    "formulas_hold_no_numbers": [
        (FORMULA, "def reduction(d):\n    return d.distance_km * 3"),
        (FORMULA, "factor = Exact('0.15')"),
    ],
    "methodologies_know_only_the_shared_parts": [
        (FORMULA, "import methodologies.bus.formula"),
        ("methodologies/kernel/model.py", "from methodologies.bicycle.formula import er"),
        ("methodologies/kernel/library.py", "from methodologies.review import published"),
    ],
    "alternatives_never_meet": [
        ("backend/partners/adapters/zhuanzhuan.py", "from backend.partners.adapters import dangdang"),
        ("backend/rewards/providers/coupon.py", "from .stock import take"),
        ("backend/sync/destinations/a.py", "import backend.sync.destinations.b"),
    ],
    "components_are_imported_whole": [
        ("backend/points/service.py", "from backend.ledger.models import Balance"),
        ("backend/points/service.py", "import backend.ledger.service"),
        ("backend/points/service.py", "from backend.ledger import models"),
        ("backend/cli.py", "from backend.ledger.models import Balance"),
    ],
    "the_api_is_thin": [
        ("miniprogram_api/points.py", "from sqlalchemy import select"),
        ("miniprogram_api/points.py", "import methodologies"),
    ],
    "outgoing_http_has_one_door": [
        ("backend/identity/wechat.py", "import requests"),
        ("backend/identity/wechat.py", "from urllib.request import urlopen"),
        ("miniprogram_api/login.py", "import http.client"),
    ],
    "flask_stays_at_the_edge": [
        ("backend/points/service.py", "from flask import current_app"),
        ("backend/jobs.py", "from werkzeug.security import safe_join"),
        ("backend/partners/receiving.py", "import flask"),
    ],
    "nothing_imports_tests": [
        ("backend/sandbox/seed.py", "from tests.conftest import app"),
    ],
    "only_the_clock_reads_the_time": [
        ("backend/points/service.py", "from datetime import datetime, UTC\ndatetime.now(UTC)"),
        ("backend/points/service.py", "import datetime\ndatetime.datetime.utcnow()"),
        ("backend/points/service.py", "from datetime import date\nf = date.today"),
        ("backend/points/service.py", "import time\ntime.time()"),
        ("backend/points/service.py", "from time import time_ns"),
        ("backend/points/models.py", "from sqlalchemy import func\nfunc.now()"),
    ],
    "no_float_where_grams_or_points_flow": [
        ("backend/points/policy.py", "share = 0.5"),
        ("backend/ledger/service.py", "amount = float('1')"),
        ("methodologies/kernel/exact.py", "x = 1e3"),
    ],
    "only_the_ledger_writes_the_books": [
        ("backend/points/service.py", "insert(LedgerTransfer)"),
        ("backend/audit/service.py", "text('SELECT sum(amount) FROM ledger_transfers')"),
        ("backend/points/service.py", "text('UPDATE balances SET amount = 0')"),
    ],
    "modules_and_functions_stay_small": [
        ("backend/points/service.py", LONG_MODULE),
        ("backend/points/service.py", LONG_FUNCTION),
        ("wsgi.py", "x = 1\n" * 31),
    ],
    "names_say_what_they_hold": [
        ("backend/points/utils.py", ""),
        ("backend/common/service.py", ""),
        ("backend/points/lot_manager.py", ""),
    ],
}

GOOD: dict[str, list[tuple[str, str]]] = {
    "floors": [
        ("backend/settlement/pipeline.py", "from backend import activities, clock, ledger, points"),
        ("backend/ids.py", "from backend import clock"),
        ("backend/ledger/service.py", "from backend.ledger.models import Balance\nfrom . import chart"),
        ("backend/cli.py", "from backend import create_app, jobs, sandbox"),
        ("wsgi.py", "import miniprogram_api\nfrom backend import create_app"),
    ],
    "methodologies_only_through_activities": [
        ("backend/activities/records.py", "from methodologies import Basis"),
    ],
    "methodologies_are_pure": [
        ("methodologies/kernel/units.py", "import yaml\nfrom fractions import Fraction"),
        ("methodologies/__main__.py", "import sys\nprint(sys.argv)"),
    ],
    "formulas_import_only_the_kernel": [
        (FORMULA, "from methodologies.kernel import grams"),
    ],
    "formulas_hold_no_numbers": [
        (FORMULA, '"""Per 100 km."""\ndef f(a):\n    return a.bus - a["bicycle"]'),
    ],
    "methodologies_know_only_the_shared_parts": [
        (FORMULA, "from methodologies.kernel import er"),
    ],
    "alternatives_never_meet": [
        ("backend/partners/adapters/__init__.py", "from . import dangdang, zhuanzhuan"),
        ("backend/partners/adapters/a.py", "from backend.partners.interfaces import Adapter"),
    ],
    "components_are_imported_whole": [
        ("backend/points/service.py", "from backend.ledger import Transfer, post"),
        ("backend/__init__.py", "from backend.partners import views"),
    ],
    "outgoing_http_has_one_door": [
        ("backend/safe_http.py", "import requests"),
        ("backend/identity/wechat.py", "from urllib.parse import urlencode"),
    ],
    "flask_stays_at_the_edge": [
        ("backend/operations/views.py", "from flask import request"),
        ("backend/partners/views/webhooks.py", "from flask import request"),
    ],
    "only_the_clock_reads_the_time": [
        ("backend/jobs.py", "import time\ntime.sleep(1)\ntime.monotonic()"),
        ("backend/points/service.py", "from backend import clock\nclock.now()\nclock.today()"),
    ],
    "no_float_where_grams_or_points_flow": [
        ("backend/sync/service.py", "delay_seconds = 0.5"),
    ],
    "only_the_ledger_writes_the_books": [
        (
            "backend/points/service.py",
            "from backend import ledger\nledger.post(tx, [ledger.Transfer(a, b, 1)])",
        ),
    ],
    "modules_and_functions_stay_small": [
        ("backend/points/service.py", "def act():\n    '''Why\n" + "\n" * 60 + "'''\n"),
    ],
    "names_say_what_they_hold": [
        ("backend/points/policy.py", ""),
    ],
}


def cases(table: dict[str, list[tuple[str, str]]]) -> list[tuple[str, str, str]]:
    return [(name, path, source) for name, sources in table.items() for path, source in sources]


@pytest.mark.parametrize(("name", "path", "source"), cases(BAD))
def test_a_broken_rule_is_noticed(name: str, path: str, source: str) -> None:
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert list(rule(Module(path, source))), f"{name} says nothing about {path}:\n{source}"


@pytest.mark.parametrize(("name", "path", "source"), cases(GOOD))
def test_a_rule_asks_for_nothing_more(name: str, path: str, source: str) -> None:
    rule = next(rule for rule in RULES if rule.__name__ == name)
    assert list(rule(Module(path, source))) == []


def test_every_rule_has_been_broken_once() -> None:
    assert set(BAD) == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize(
    "text",
    [
        "# TO" + "DO later",
        "FIX" + "ME",
        "see /wo" + "rk/main/backend",
        '"/ro' + 'ot/.cache"',
        "https://py" + "pi.org/simple",
        "files.python" + "hosted.org",
        "registry.npm" + "js.org",
        "/tmp" + "/hq/x",
    ],
)
def test_banned_words_are_noticed(text: str) -> None:
    assert list(the_project_speaks_of_itself("docs/a.md", "one line\n" + text)) != []
    assert next(the_project_speaks_of_itself("docs/a.md", "one line\n" + text))[0] == 2


@pytest.mark.parametrize("text", ["https://example.com/work/shop", "method", "a/root/b", "GET /works/1"])
def test_innocent_words_pass(text: str) -> None:
    assert list(the_project_speaks_of_itself("docs/a.md", text)) == []


def test_the_tree_was_found() -> None:
    assert {"backend/clock.py", "tests/house_rules.py"} <= {module.path for module in MODULES}
