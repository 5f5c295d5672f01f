"""Strict YAML: every scalar is text, every node knows its line, unknown and duplicate keys are errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from fractions import Fraction
from pathlib import Path

import yaml

from methodologies.kernel.errors import DocumentError
from methodologies.kernel.exact import fraction_of_text
from methodologies.kernel.units import Unit, UnitError, parse_unit

# every scalar stays text; libyaml where PyYAML was built with it
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Node:
    """One place in a YAML file, with typed, strict readers. Every complaint names the file and the line."""

    __slots__ = ("_node", "file", "line")

    def __init__(self, node: yaml.Node, file: Path) -> None:
        self._node = node
        self.file = file
        self.line = node.start_mark.line + 1

    def refuse(self, message: str) -> DocumentError:
        return DocumentError(self.file, self.line, message)

    def entries(self) -> dict[str, Node]:
        """The mapping at this place; keys are free, duplicates are refused."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.refuse("a mapping is expected")
        found: dict[str, Node] = {}
        for key_node, value_node in self._node.value:
            key = Node(key_node, self.file)
            name = key.text()
            if name in found:
                raise key.refuse(f"duplicate key {name!r}")
            found[name] = Node(value_node, self.file)
        return found

    def mapping(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Node]:
        """The mapping at this place with exactly the keys named."""
        found, must = self.entries(), tuple(required)
        may = {*must, *optional}
        for key, value in found.items():
            if key not in may:
                raise value.refuse(f"unknown key {key!r}")
        for key in must:
            if key not in found:
                raise self.refuse(f"missing key {key!r}")
        return found

    def is_list(self) -> bool:
        return isinstance(self._node, yaml.SequenceNode)

    def sequence(self) -> list[Node]:
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.refuse("a list is expected")
        return [Node(child, self.file) for child in self._node.value]

    def is_text(self) -> bool:
        return isinstance(self._node, yaml.ScalarNode)

    def text(self) -> str:
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.refuse("text is expected")
        value: str = self._node.value
        if not value.strip():
            raise self.refuse("text is missing")
        return value.strip()

    def texts(self) -> tuple[str, ...]:
        return tuple(node.text() for node in self.sequence())

    def name(self) -> str:
        value = self.text()
        if not _NAME.fullmatch(value):
            raise self.refuse(f"{value!r} is not a name (lower-case letters, digits and _)")
        return value

    def one_of(self, allowed: Iterable[str]) -> str:
        value, words = self.text(), tuple(allowed)
        if value not in words:
            raise self.refuse(f"{value!r} is not one of {', '.join(words)}")
        return value

    def number(self) -> Fraction:
        """Decimal text, or a quotient of two, read exactly."""
        value = fraction_of_text(self.text())
        if value is None:
            raise self.refuse(f"{self.text()!r} is not plain decimal text")
        return value

    def whole(self) -> int:
        value = self.number()
        if value.denominator != 1 or value < 0:
            raise self.refuse(f"{self.text()!r} is not a whole number")
        return value.numerator

    def day(self) -> date:
        text = self.text()
        try:
            if not _DAY.fullmatch(text):
                raise ValueError(text)
            return date.fromisoformat(text)
        except ValueError:
            raise self.refuse(f"{text!r} is not a day (YYYY-MM-DD)") from None

    def unit(self) -> Unit:
        try:
            return parse_unit(self.text())
        except UnitError as error:
            raise self.refuse(str(error)) from None

    def plain(self) -> object:
        """The tree below this place as dict, list and str; duplicate keys are refused."""
        if isinstance(self._node, yaml.MappingNode):
            return {key: node.plain() for key, node in self.entries().items()}
        if isinstance(self._node, yaml.SequenceNode):
            return [node.plain() for node in self.sequence()]
        return str(self._node.value)

    def written_as_integer(self) -> bool:
        """Whether the scalar here is an unquoted integer (examples may pass integers as well as text)."""
        node = self._node
        return (
            isinstance(node, yaml.ScalarNode)
            and node.style is None
            and bool(re.fullmatch(r"-?[0-9]+", node.value))
        )


def read_document(file: Path) -> Node:
    """Read one YAML file. Broken YAML, several documents, aliases, anchors and tags are refused."""
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DocumentError(file, 1, "the file is missing") from None
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            _refuse_cleverness(event, file)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise DocumentError(file, line, f"broken YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise DocumentError(file, 1, f"broken YAML: {error}") from None
    if root is None:
        raise DocumentError(file, 1, "the document is empty")
    return Node(root, file)


def _refuse_cleverness(event: yaml.Event, file: Path) -> None:
    line = event.start_mark.line + 1 if event.start_mark else 1
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
        raise DocumentError(file, line, "aliases and anchors are not used here: write the value out")
    if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag not in (None, "!"):
        raise DocumentError(file, line, f"tags are not used here: {event.tag}")


def walk_rows(node: Node) -> Iterator[Node]:
    """The rows of a list; an empty list is refused."""
    rows = node.sequence()
    if not rows:
        raise node.refuse("at least one row is expected")
    yield from rows
