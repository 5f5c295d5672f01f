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


@pytest.fixture()
def tree(tmp_path: Path) -> Path:
    """The library's documents and formulas (not the kernel) in a directory of their own."""
    root = tmp_path / "library"
    shutil.copytree(
        methodologies.ROOT, root, ignore=shutil.ignore_patterns("kernel", "review", "__pycache__", "__*__.py")
    )
    return root
