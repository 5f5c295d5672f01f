"""A copy of the published tree that a test may spoil, read quickly."""

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import methodologies
from methodologies.kernel import library
from methodologies.kernel.methodology import Methodology
from methodologies.kernel.registers import Registers, read_registers
from methodologies.review import checking

#: More than a tree has documents, so that a spoilt one never pushes out those it leaves alone.
ONE_TREE = 150


@pytest.fixture(scope="session", autouse=True)
def every_text_is_parsed_once() -> Iterator[None]:
    """Hundreds of tests load a library of which they changed a line; YAML and formulas took most of their time."""
    parse = yaml.parse  # a generator, which could be read but once
    load, loaded = library.load_formulas, dict[tuple[str, bytes], Any]()

    def events(text: str, Loader: Any) -> list[yaml.Event]:
        return list(parse(text, Loader=Loader))

    def formulas(file: Path) -> Any:
        key = (file.parent.name, file.read_bytes() if file.exists() else b"")
        if key not in loaded:
            loaded[key] = load(file)
        return loaded[key]

    with pytest.MonkeyPatch.context() as patch:
        for name, reader in (("parse", events), ("compose", yaml.compose)):
            patch.setattr(yaml, name, lru_cache(ONE_TREE)(reader))
        patch.setattr(library, "load_formulas", formulas)
        yield


@pytest.fixture(scope="session", autouse=True)
def what_is_untouched_is_loaded_once() -> Iterator[None]:
    """A folder that reads as it did in the last tree is not loaded again while the registers read as published."""
    load, published = library.load_methodology, _registers_of(methodologies.ROOT)
    untouched: dict[Path, Registers] = {}

    def registers(root: Path) -> Registers:
        if _registers_of(root) != published:
            return read_registers(root)
        if root not in untouched:
            untouched[root] = read_registers(root)
        return untouched[root]

    @lru_cache(ONE_TREE)
    def loaded(folder: Path, texts: tuple[bytes, ...]) -> Methodology:
        return load(folder, untouched[folder.parent])

    def methodology(folder: Path, registers: Registers) -> Methodology:
        if untouched.get(folder.parent) is not registers:
            return load(folder, registers)
        files = (folder / library.DOCUMENT, folder / "formula.py")
        return loaded(folder, tuple(file.read_bytes() if file.exists() else b"" for file in files))

    with pytest.MonkeyPatch.context() as patch:
        for module in (library, checking):
            patch.setattr(module, "read_registers", registers)
            patch.setattr(module, "load_methodology", methodology)
        yield


def _registers_of(root: Path) -> list[tuple[str, bytes]]:
    """Everything that a folder of the tree may refer to."""
    files = sorted(file for place in (root, root / "factors", root / "products") for file in place.glob("*.yaml"))
    return [(file.relative_to(root).as_posix(), file.read_bytes()) for file in files]


@pytest.fixture(scope="session")
def place_of_the_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tree") / "library"


@pytest.fixture()
def tree(place_of_the_tree: Path) -> Iterator[Path]:
    """The library's documents and formulas (not the kernel) in a directory of their own: copied for each test, always
    to the same place, for what is loaded knows its file."""
    root = place_of_the_tree
    shutil.copytree(
        methodologies.ROOT, root, ignore=shutil.ignore_patterns("kernel", "review", "__pycache__", "__*__.py")
    )
    yield root
    shutil.rmtree(root)
