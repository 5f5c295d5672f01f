"""Numbers, units and days, each changed on its own in a copy of the tree: `check` speaks every time.

The sample is drawn anew for every file, always the same for the same file: NUMBERS of each methodology, TOLD of those
in its words, EXPECTED of its examples, SHARED of each register, table and product.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
import yaml

import methodologies
from methodologies.kernel.errors import DocumentError
from methodologies.kernel.library import Library, load_methodology
from methodologies.review.checking import check_library
from methodologies.review.examples import read_examples, run_example, uncovered_days
from methodologies.review.published import compare_lock

LIBRARY = methodologies.library()
NUMBERS, TOLD, EXPECTED, SHARED = 4, 2, 2, 2
REGISTERS = sorted(
    file.relative_to(methodologies.ROOT).as_posix()
    for file in (
        methodologies.ROOT / "evidence_grades.yaml",
        *methodologies.ROOT.glob("factors/*.yaml"),
        *methodologies.ROOT.glob("products/*.yaml"),
    )
)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(/[0-9]+(\.[0-9]+)?)?")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
UNITS = ("gCO2e", "kgCO2e/km", "kgCO2e/item", "km", "kWh", "1", "%", "tCO2", "item")
#: Moves with every review and decides nothing.
FREE = {"review_before"}
WORDS = {"zh", "en", "sentence", "note", "text", "description", "url", "title"}
#: Lists of texts.
WORDY = {"applicability", "boundary", *WORDS} - {"url"}


@dataclass(frozen=True)
class Scalar:
    """One number, unit or day in a file, and where it stands."""

    path: tuple[str, ...]
    text: str
    start: int
    end: int


def scalars(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Scalar]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from scalars(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from scalars(child, path)
    elif path and path[-1] not in FREE | WORDS and is_mutable(path[-1], node.value):
        yield Scalar(path, node.value, node.start_mark.index, node.end_mark.index)


def is_mutable(key: str, text: str) -> bool:
    return key == "unit" or bool(NUMBER.fullmatch(text) or DAY.fullmatch(text))


def mutant(scalar: Scalar, chance: Random) -> str:
    """Another number, unit or day: a digit more, a unit that is not the same, a day or a year later."""
    if scalar.path[-1] == "unit":
        return chance.choice([unit for unit in UNITS if unit != scalar.text])
    if DAY.fullmatch(scalar.text):
        return (date.fromisoformat(scalar.text) + timedelta(days=chance.choice([-365, -1, 1, 365]))).isoformat()
    digit = chance.choice("123456789")
    return scalar.text + (digit if "." in scalar.text or chance.random() < 0.5 else f".{digit}")


def mutants(file: Path, count: int, within: str = "") -> Iterator[str]:
    """Up to `count` mutants, one after the other in the file itself; each is named. The file is restored."""
    original = file.read_text(encoding="utf-8")
    root = yaml.compose(original, Loader=yaml.BaseLoader)
    found = [one for one in scalars(root) if not within or within in one.path]
    chance = Random("/".join(file.parts[-2:]))
    for scalar in chance.sample(found, min(count, len(found))):
        text = mutant(scalar, chance)
        file.write_text(f'{original[: scalar.start]}"{text}"{original[scalar.end :]}', encoding="utf-8")
        yield f"{file.name}: {'.'.join(scalar.path)}: {scalar.text} → {text}"
    file.write_text(original, encoding="utf-8")


def reworded(file: Path, count: int) -> Iterator[str]:
    """Like `mutants`, for a digit that stands in a text."""
    original = file.read_text(encoding="utf-8")
    root = yaml.compose(original, Loader=yaml.BaseLoader)
    chance = Random("/".join(file.parts[-2:]))
    found = [one for one in texts(root) if re.search("[0-9]", one.text)]
    for scalar in chance.sample(found, min(count, len(found))):
        text = re.sub("[0-9]", lambda digit: str((int(digit[0]) + 1) % 10), scalar.text, count=1)
        quoted = json.dumps(text, ensure_ascii=False)
        file.write_text(original[: scalar.start] + quoted + original[scalar.end :], encoding="utf-8")
        yield f"{file.name}: {'.'.join(scalar.path)}: {text}"
    file.write_text(original, encoding="utf-8")


def texts(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[Scalar]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from texts(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from texts(child, path)
    elif path and path[-1] in WORDY:
        yield Scalar(path, node.value, node.start_mark.index, node.end_mark.index)


def speaks(tree: Path, code: str) -> bool:
    """Whether `check` finds fault with one folder of the tree; the others are as published."""
    try:
        methodology = load_methodology(tree / code, LIBRARY.registers)
        examples = read_examples(tree / code, LIBRARY.registers)
    except DocumentError:
        return True
    if any(run_example(methodology, example) for example in examples) or uncovered_days(methodology, examples):
        return True
    others = {one.code: one for one in LIBRARY if one.code != code}
    return bool(compare_lock(Library(tree, LIBRARY.registers, {**others, code: methodology})))


@pytest.mark.parametrize("code", LIBRARY.codes)
def test_a_mutated_methodology_is_noticed(code: str, tree: Path) -> None:
    assert not speaks(tree, code)
    tried = 0
    for name in mutants(tree / code / "methodology.yaml", NUMBERS):
        tried += 1
        assert speaks(tree, code), name
    for name in reworded(tree / code / "methodology.yaml", TOLD):
        tried += 1
        assert speaks(tree, code), name
    for name in mutants(tree / code / "examples.yaml", EXPECTED, within="expect"):
        tried += 1
        assert speaks(tree, code), name
    assert tried > 4


@pytest.mark.parametrize("file", REGISTERS)
def test_a_mutated_register_is_noticed(file: str, tree: Path) -> None:
    tried = 0
    for name in mutants(tree / file, SHARED):
        tried += 1
        assert check_library(tree), name
    assert tried
