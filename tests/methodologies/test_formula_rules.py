"""House rules of the library as tests: formulas hold no numbers, the package is pure and exact."""

import ast
import sys
from pathlib import Path

import pytest

import methodologies
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.formulas import load_formulas

ROOT = methodologies.ROOT
FORMULAS = sorted(ROOT.glob("*/formula.py"))
MODULES = sorted(path for path in ROOT.rglob("*.py") if "__pycache__" not in path.parts)
IMPURE = {
    "asyncio",
    "http",
    "os",
    "random",
    "secrets",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib",
    "uuid",
}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", FORMULAS, ids=name)
def test_a_formula_imports_only_the_kernel(path: Path) -> None:
    assert imported(ast.parse(path.read_text())) == {"methodologies.kernel"}, (
        "a formula imports only methodologies.kernel"
    )


@pytest.mark.parametrize("path", FORMULAS, ids=name)
def test_a_formula_contains_no_number(path: Path) -> None:
    tree = ast.parse(path.read_text())
    numbers = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and not isinstance(node.value, str)
    ]
    assert numbers == [], "numbers live in methodology.yaml, dated and sourced"


@pytest.mark.parametrize("path", FORMULAS, ids=name)
def test_a_formula_names_its_source(path: Path) -> None:
    tags = set(methodologies.library().sources)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            assert any(tag in (ast.get_docstring(node) or "") for tag in tags), node.name


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_the_package_is_pure_and_exact(path: Path) -> None:
    tree = ast.parse(path.read_text())
    allowed = sys.stdlib_module_names | {"yaml", "methodologies", "__future__"}
    for module in imported(tree):
        top = module.partition(".")[0]
        assert top in allowed, f"{module}: only the standard library and PyYAML"
        assert top not in IMPURE, f"{module}: no clock, environment, network or chance"
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float | complex)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), "no binary floating numbers"
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"today", "now", "utcnow", "environ", "getenv"}, (
                "the caller says which day it is"
            )


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_modules_and_functions_stay_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) < 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


HEAD = (
    "from methodologies.kernel import Activity, Outcome, Parameters, emissions, formula, net_reduction\n\n\n"
)
SPOILED = {
    "a number": (
        HEAD + "@formula\ndef f(activity, parameter):\n    return net_reduction(activity.d * 2)\n",
        6,
        "2",
    ),
    "another import": ("import math\n", 1, "imports only"),
    "another methodology": ("from methodologies.metro_ride import formula\n", 1, "imports only"),
    "a branch": (
        HEAD + "@formula\ndef f(activity, parameter):\n    if activity.d:\n        return activity.d\n",
        6,
        "branches",
    ),
    "a conditional": (
        HEAD + "@formula\ndef f(activity, parameter):\n    return activity.d if activity.d else activity.e\n",
        6,
        "IfExp",
    ),
    "a lambda": (
        HEAD + "@formula\ndef f(activity, parameter):\n    return (lambda: activity.d)()\n",
        6,
        "Lambda",
    ),
    "a function without @formula": (
        HEAD + "def f(activity, parameter):\n    return activity.d\n",
        4,
        "@formula",
    ),
    "a module constant": (HEAD + "FACTOR = net_reduction\n", 4, "@formula"),
    "broken Python": ("def f(:\n", 1, "broken Python"),
}


@pytest.mark.parametrize("kind", SPOILED)
def test_the_kernel_refuses_a_formula_with(kind: str, tmp_path: Path) -> None:
    text, line, words = SPOILED[kind]
    file = tmp_path / "formula.py"
    file.write_text(text)
    with pytest.raises(DocumentError) as refused:
        load_formulas(file)
    assert (refused.value.file, refused.value.line) == (file, line)
    assert words in refused.value.message


def test_layout_and_docstrings_do_not_change_a_formula_hash_but_arithmetic_does(tmp_path: Path) -> None:
    def code_hash(body: str) -> str:
        folder = tmp_path / "x"
        folder.mkdir(exist_ok=True)
        (folder / "formula.py").write_text(HEAD + "@formula\ndef f(activity, parameter):\n" + body)
        return load_formulas(folder / "formula.py")["f"].code_hash

    plain = code_hash("    return net_reduction(activity.d * parameter.f)\n")
    assert (
        code_hash(
            '    """Documented."""\n    return net_reduction(\n        activity.d * parameter.f\n    )\n'
        )
        == plain
    )
    assert code_hash("    return net_reduction(activity.d / parameter.f)\n") != plain
