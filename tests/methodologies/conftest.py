"""A copy of the published tree that a test may spoil."""

import shutil
from pathlib import Path

import pytest

import methodologies


@pytest.fixture()
def tree(tmp_path: Path) -> Path:
    """The library's documents and formulas (not the kernel) in a directory of their own."""
    root = tmp_path / "library"
    shutil.copytree(
        methodologies.ROOT, root, ignore=shutil.ignore_patterns("kernel", "review", "__pycache__", "__*__.py")
    )
    return root
