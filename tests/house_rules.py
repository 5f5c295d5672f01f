"""The rules of the house, each a function from one module to its complaints. test_architecture.py applies
them.

A rule is a generator of (line, what); its docstring says why it exists and is what a developer reads when
it is broken. Rules look at the syntax tree only, so they also hold for code that no test runs.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Complaints = Iterator[tuple[int, str]]

#: Higher floors may import lower ones; never upwards, never sideways. A single module of backend that is not
#: named here lives on the ground floor, where neighbours may meet; the top floor may know everything.
GROUND, TOP = 0, 6
FLOORS = {
    "backend.approvals": GROUND,
    "backend.operator_log": GROUND,
    "backend.ledger": 1,
    "backend.identity": 1,
    "backend.activities": 2,
    "backend.points": 2,
    "backend.settlement": 3,
    "backend.partners": 4,
    "backend.rewards": 4,
    "backend.declarations": 4,
    "backend.imports": 4,
    "backend.school": 4,
    "backend.member_messages": 4,
    "backend.sync": 4,
    "backend.steps": 4,
    "backend.campaigns": 4,
    "backend.employer": 4,
    "backend.forest": 4,
    "backend.learning": 4,
    "backend.audit": 4,
    "backend.console": 5,
    "backend.operations": 5,  # health, readiness, metrics
    "backend.wechat_pushes": 5,
    "miniprogram_api": 5,
    "backend": TOP,  # create_app
    "backend.cli": TOP,
    "backend.commands": TOP,  # what operators do at a terminal
    "backend.jobs": TOP,
    "backend.sandbox": TOP,
    "migrations": TOP,
    "wsgi": TOP,
    "gunicorn": TOP,  # gunicorn.conf.py, which is none of our programs
}
#: Who may use the library of methodologies, apart from the top floor.
USERS_OF_METHODOLOGIES = {"backend.activities"}
#: Folders whose files are alternatives of each other.
ALTERNATIVES = {"adapters", "providers", "destinations"}
#: Modules and functions that may be longer, each with its reason: {"path" or "path:function": "reason"}.
LONGER: dict[str, str] = {"backend/identity/__init__.py": "a line for every name it shows, and nothing else"}

NETWORK = {"requests", "httpx", "urllib3", "aiohttp", "urllib.request", "http.client"}
#: Modules of the standard library with a network, a clock, an environment or chance in them.
IMPURE = {
    *("asyncio", "ctypes", "getpass", "http", "locale", "logging", "multiprocessing", "os", "platform"),
    *("random", "secrets", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib", "uuid"),
}


@dataclass(frozen=True)
class Module:
    """One Python file, named by its path from the root."""

    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @cached_property
    def name(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def room(self) -> str:
        """What stands on a floor: a component, a module of the ground floor, or a whole top-level package."""
        return room_of(self.name)

    def inside(self, *packages: str) -> bool:
        return any(self.name == package or self.name.startswith(package + ".") for package in packages)

    @cached_property
    def imports(self) -> list[tuple[int, str]]:
        """Every imported name, absolute: `from a import b` is a.b, because b may be a module."""
        found = []
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found += [(node.lineno, alias.name) for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.name.split(".") if self.path.endswith("/__init__.py") else self.name.split(".")[:-1]
        kept = package[: len(package) - node.level + 1]
        return ".".join([*kept, *([node.module] if node.module else [])])

    def strings(self) -> Iterator[tuple[int, str]]:
        """String constants that are not docstrings."""
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
                yield node.lineno, node.value


def room_of(name: str) -> str:
    parts = name.split(".")
    return ".".join(parts[:2]) if parts[0] == "backend" else parts[0]


def floor_of(room: str) -> int | None:
    """The floor of a room; None for a package nobody has given one."""
    if room in FLOORS:
        return FLOORS[room]
    is_package = (ROOT / room.replace(".", "/")).is_dir()
    return GROUND if room.startswith("backend.") and not is_package else None


def imported_room(target: str) -> str:
    """The room an imported name belongs to. `backend.create_app` is the factory's, not a ground-floor
    module's."""
    room = room_of(target)
    path = ROOT / room.replace(".", "/")
    is_name_of_backend = room.startswith("backend.") and room not in FLOORS
    if is_name_of_backend and not path.is_dir() and not path.with_suffix(".py").exists():
        return "backend"
    return room


def is_module(target: str) -> bool:
    path = ROOT / target.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").exists()


def reexported(package: str) -> set[str]:
    """The names a package's __init__.py imports for others."""
    path = ROOT / package.replace(".", "/") / "__init__.py"
    if not path.exists():
        return set()
    imports = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


# -- imports -----------------------------------------------------------------------------------------------


def floors(module: Module) -> Complaints:
    """Imports go down the house, never up and never sideways: a room can then be read, tested and replaced
    knowing only what lies below it. Rooms of one floor meet in settlement, the ledger, the outbox, or a
    Protocol that create_app passes in. The table is FLOORS in tests/house_rules.py."""
    if module.inside("methodologies", "tests", "bench", "tools"):
        return
    floor = floor_of(module.room)
    if floor is None:
        yield 1, f"{module.room} has no floor: give it one"
        return
    for line, target in module.imports:
        if target.split(".")[0] not in {"backend", "miniprogram_api", "wsgi", "migrations"}:
            continue
        room = imported_room(target)
        there = floor_of(room)
        if room == module.room or there is None or (floor in (GROUND, TOP) and there == floor):
            continue
        if there >= floor:
            yield line, f"{module.room} imports {room}, {'sideways' if there == floor else 'upwards'}"


def methodologies_only_through_activities(module: Module) -> Complaints:
    """Only backend.activities (and the top floor) imports the library of methodologies: one door for grams
    means one place where versions, evidence grades and the trail are decided."""
    if module.inside("methodologies", "tests", "bench", "tools") or floor_of(module.room) == TOP:
        return
    for line, target in module.imports:
        if target.split(".")[0] == "methodologies" and module.room not in USERS_OF_METHODOLOGIES:
            yield line, f"{module.room} imports {target}: ask backend.activities"


def methodologies_are_pure(module: Module) -> Complaints:
    """methodologies/ is the standard library and PyYAML only, and of that nothing with a network, a clock, an
    environment or chance in it: a stranger must be able to recompute every gram from data alone. Only
    __main__.py, the stranger's command, talks to a terminal."""
    if not module.inside("methodologies"):
        return
    terminal = module.path.endswith("/__main__.py")
    for line, target in module.imports:
        top = target.split(".")[0]
        if top not in sys.stdlib_module_names | {"yaml", "methodologies"}:
            yield line, f"{target} is neither standard library nor PyYAML"
        elif top in IMPURE and not (terminal and top == "sys"):
            yield line, f"{target} reaches outside (network, clock, environment, chance)"
    for node in ast.walk(module.tree):
        called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if called in {"input", "print"} and not terminal:
            yield node.lineno, f"{called}() talks to a terminal"


def formulas_import_only_the_kernel(module: Module) -> Complaints:
    """formula.py imports only the kernel, so that a formula reads like the published one and can do nothing
    else."""
    if module.inside("methodologies") and module.path.endswith("/formula.py"):
        for line, target in module.imports:
            if not target.startswith("methodologies.kernel"):
                yield line, f"imports {target}"


def formulas_hold_no_numbers(module: Module) -> Complaints:
    """formula.py contains no numbers: a number without a date and a source in YAML cannot be audited or
    replaced."""
    if not (module.inside("methodologies") and module.path.endswith("/formula.py")):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and type(node.value) in (int, float, complex):
            yield node.lineno, f"the number {node.value}"
    for line, text in module.strings():
        if re.fullmatch(r"\s*[-+]?[\d.]+(/\d+)?\s*", text):
            yield line, f'the number "{text}"'


def methodologies_know_only_the_shared_parts(module: Module) -> Complaints:
    """Methodologies never import each other, and the kernel knows neither them nor their review: one folder can be
    published, corrected or withdrawn without reading the others, and no gram depends on how a change is reviewed."""
    if not module.inside("methodologies") or module.path.count("/") < 2:
        return
    own = module.name.split(".")[1]
    allowed = {"kernel": {"kernel"}}.get(own, {own, "kernel"})
    for line, target in module.imports:
        parts = target.split(".")
        folder = len(parts) > 1 and (ROOT / "methodologies" / parts[1]).is_dir()
        if parts[0] == "methodologies" and parts[1:2] and parts[1] not in allowed and (folder or parts[2:]):
            yield line, f"methodologies.{own} imports methodologies.{parts[1]}"


def alternatives_never_meet(module: Module) -> Complaints:
    """Adapters, providers and destinations never import each other: a partner can be removed by deleting
    its file. What they share belongs into the component's interfaces.py or a verb module above them."""
    parts = module.name.split(".")
    if not (ALTERNATIVES & set(parts[2:-1])) or module.inside("tests"):
        return
    folder = ".".join(parts[: next(i for i, part in enumerate(parts) if i > 1 and part in ALTERNATIVES) + 1])
    own = module.name.removeprefix(folder + ".").split(".")[0]
    for line, target in module.imports:
        other = target.removeprefix(folder + ".").split(".")[0]
        if target.startswith(folder + ".") and other != own:
            yield line, f"{own} imports its neighbour {other}"


def components_are_imported_whole(module: Module) -> Complaints:
    """From outside, a component is its package (`from backend import ledger`), never a module inside it:
    what __init__.py does not re-export can be changed without asking anybody. The top floor may also wire
    views, adapters, providers and destinations; migrations and the benchmarks may see tables."""
    if module.inside("tests", "migrations", "bench"):
        return
    for line, target in module.imports:
        parts = target.split(".")
        if parts[0] != "backend" or len(parts) < 3 or ".".join(parts[:2]) == module.room:
            continue
        wiring = floor_of(module.room) == TOP and parts[2] in ALTERNATIVES | {"views"}
        package, inner = ".".join(parts[:2]), parts[2]
        # A verb may be named like the module it lives in: re-exported, it is the verb that is imported.
        verb = len(parts) == 3 and inner in reexported(package)
        if is_module(f"{package}.{inner}") and not wiring and not verb:
            yield line, f"imports {package}.{inner}: import {package} instead"


def the_api_is_thin(module: Module) -> Complaints:
    """miniprogram_api never imports sqlalchemy, redis, requests or methodologies: it translates HTTP to
    verbs and back, and what it cannot import it cannot re-implement."""
    banned = {"sqlalchemy", "alembic", "psycopg", "sqlite3", "redis", "requests", "methodologies"}
    if module.inside("miniprogram_api"):
        for line, target in module.imports:
            if target.split(".")[0] in banned:
                yield line, f"imports {target}"


def outgoing_http_has_one_door(module: Module) -> Complaints:
    """`requests` (and every other HTTP client) only in backend/safe_http.py: public addresses only, a
    deadline, no redirects. A second door would be one an attacker finds."""
    if module.name == "backend.safe_http" or module.inside("tests", "bench", "tools"):
        return
    for line, target in module.imports:
        if target.split(".")[0] in NETWORK or any(target == n or target.startswith(n + ".") for n in NETWORK):
            yield line, f"imports {target}: use backend.safe_http"


def flask_stays_at_the_edge(module: Module) -> Complaints:
    """Flask in backend only in the factory, cli.py, views (a file or a folder), the console and the sandbox:
    everything else runs in a worker, a job or a test without a request."""
    edge = module.name in {"backend", "backend.cli"} or module.inside("backend.console", "backend.sandbox")
    if not module.inside("backend") or edge or "views" in module.name.split("."):
        return
    for line, target in module.imports:
        if target.split(".")[0] in {"flask", "flask_smorest", "werkzeug"}:
            yield line, f"imports {target}"


def nothing_imports_tests(module: Module) -> Complaints:
    """The program never imports its tests: they are not there where it runs."""
    if not module.inside("tests"):
        for line, target in module.imports:
            if target.split(".")[0] in {"tests", "conftest", "pytest", "hypothesis"}:
                yield line, f"imports {target}"


# -- time, numbers, books ----------------------------------------------------------------------------------


def only_the_clock_reads_the_time(module: Module) -> Complaints:
    """Only backend/clock.py reads the time, so that a test can set it, a day is always a day in Shanghai
    and an instant is always aware. Stopwatches (time.monotonic, time.perf_counter) and time.sleep are no
    clocks and may be used."""
    if module.name == "backend.clock" or module.inside("tests", "bench", "tools"):
        return
    readings = {
        "datetime": {"now", "utcnow", "today"},
        "date": {"today"},
        "time": {"time", "time_ns", "localtime", "gmtime", "ctime"},
        "func": {"now", "current_timestamp", "current_date", "localtimestamp"},  # the database's own clock
    }
    for line, target in module.imports:
        if target in {f"time.{name}" for name in readings["time"]}:
            yield line, f"imports {target}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
            if node.attr in readings.get(owner, ()):
                yield node.lineno, f"{owner}.{node.attr}: use backend.clock"


def no_float_where_grams_or_points_flow(module: Module) -> Complaints:
    """No float in methodologies, ledger and points: 0.1 + 0.2 is not 0.3 there, and a gram that depends on
    the order of additions cannot be replayed. Use Fraction, Decimal text or whole numbers."""
    if not module.inside("methodologies", "backend.ledger", "backend.points"):
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield node.lineno, f"the float {node.value}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
            yield node.lineno, "float()"


def only_the_ledger_writes_the_books(module: Module) -> Complaints:
    """Only backend.ledger touches the tables of transactions, transfers and balances; everybody else calls
    `ledger.post`. That is what makes "a balance is the sum of its transfers" true by construction."""
    if not module.inside("backend", "miniprogram_api", "wsgi") or module.inside("backend.ledger"):
        return
    models = {"LedgerTransaction", "LedgerTransfer", "LedgerAccount"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = node.id if isinstance(node, ast.Name) else node.attr
            if name in models:
                yield node.lineno, f"uses the model {name}"
    writes = r"(?i)\bledger_transfers\b|\b(insert\s+into|update|delete\s+from)\s+(ledger_\w+|balances)\b"
    for line, text in module.strings():
        if found := re.search(writes, text):
            yield line, f'SQL on the books: "{found[0]}"'


# -- size and names ----------------------------------------------------------------------------------------


def modules_and_functions_stay_small(module: Module) -> Complaints:
    """A module stays under 300 lines and a function under 40 (its docstring not counted): what fits on a
    screen or two gets read. Split by verb; an exception goes into LONGER in tests/house_rules.py, with its
    reason."""
    if module.inside("tests", "migrations.versions"):
        return
    limit = 31 if module.name == "wsgi" else 300
    lines = module.source.count("\n") + (not module.source.endswith("\n"))
    if lines >= limit and module.path not in LONGER:
        yield lines, f"{lines} lines"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if ast.get_docstring(node) is not None:
                length -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
            if length >= 40 and f"{module.path}:{node.name}" not in LONGER:
                yield node.lineno, f"{node.name} has {length} lines"


def names_say_what_they_hold(module: Module) -> Complaints:
    """No utils, helpers, manager or common: such a module has no subject, so everything fits into it. Name
    it after the verb or the noun it holds."""
    banned = {"util", "utils", "helper", "helpers", "manager", "managers", "common"}
    for part in module.name.split("."):
        if banned & set(part.split("_")):
            yield 1, f"{part} is not a name"


# -- texts -------------------------------------------------------------------------------------------------

#: Pieces are put together here so that this file does not break its own rule.
BANNED_WORDS = {
    r"\b(" + "TO" + "DO|FIX" + "ME)\\b": "unfinished work belongs into an issue",
    r"(?<![\w.~/-])/(" + "work|root" + r")/\S|/tmp" + "/hq": "a path of one machine",
    r"(" + "pypi|pythonhosted" + r")\.org|registry\." + r"npmjs\.org": "a registry is the reader's choice",
}


def the_project_speaks_of_itself(path: str, text: str) -> Complaints:
    """Code and documents speak of this project alone: no marks of unfinished work, no paths of one machine,
    no hosts of package registries. A reader elsewhere can do nothing with them."""
    for pattern, why in BANNED_WORDS.items():
        for found in re.finditer(pattern, text):
            yield text.count("\n", 0, found.start()) + 1, f'"{found[0]}": {why}'


RULES: list[Callable[[Module], Complaints]] = [
    floors,
    methodologies_only_through_activities,
    methodologies_are_pure,
    formulas_import_only_the_kernel,
    formulas_hold_no_numbers,
    methodologies_know_only_the_shared_parts,
    alternatives_never_meet,
    components_are_imported_whole,
    the_api_is_thin,
    outgoing_http_has_one_door,
    flask_stays_at_the_edge,
    nothing_imports_tests,
    only_the_clock_reads_the_time,
    no_float_where_grams_or_points_flow,
    only_the_ledger_writes_the_books,
    modules_and_functions_stay_small,
    names_say_what_they_hold,
]
