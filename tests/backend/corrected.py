"""Libraries in which a published number was corrected: copies of the library's tree, loaded beside it, each once."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import methodologies
from methodologies.kernel.library import load_library
from methodologies.review.published import write_lock


def edited(folder: Path, document: str, edit: Callable[[dict[str, Any]], None]) -> methodologies.Library:
    """A copy of the library, made in this folder, with one of its documents changed by `edit`."""
    root = folder / "methodologies"
    shutil.copytree(methodologies.ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "kernel", "review"))
    file = root / document
    content = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)  # every scalar stays text
    edit(content)
    file.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return load_library(root)


@cache
def corrected(code: str, parameter: str, value: str, **keys: str) -> methodologies.Library:
    """The library with one row corrected as a publisher does it: a new row that names the hash of the old one.

    `keys` choose the row; without any it is that of the profile CN-DEFAULT.
    """
    keys = keys or {"profile": "CN-DEFAULT"}
    rows = methodologies.library().get(code).definition.parameters[parameter].current_rows()
    replaced = next(row for row in rows if keys.items() <= dict(row.keys).items())

    def correct(document: dict[str, Any]) -> None:
        _correct(document["parameters"][parameter]["rows"], replaced.row_hash, value, keys)

    return _locked(f"{code}/methodology.yaml", correct)


@cache
def regraded(grade: str, value: str) -> methodologies.Library:
    """The library with the share corrected that an evidence grade is credited."""
    rows = methodologies.library().registers.grade_factor.current_rows()
    replaced = next(row for row in rows if dict(row.keys) == {"grade": grade})

    def correct(document: dict[str, Any]) -> None:
        _correct(document["grade_factor"]["rows"], replaced.row_hash, value, {"grade": grade})

    return _locked("evidence_grades.yaml", correct)


def _correct(rows: list[dict[str, Any]], replaces: str, value: str, keys: dict[str, str]) -> None:
    old = next(row for row in rows if keys.items() <= row.items())
    new = {**deepcopy(old), "value": value, "replaces": replaces, "note": "corrected"}
    new.pop("range", None)  # what other sources say is about the number that was wrong
    rows.append(new)


def _locked(document: str, edit: Callable[[dict[str, Any]], None]) -> methodologies.Library:
    folder = tempfile.mkdtemp(prefix="carbon-corrected-")
    atexit.register(shutil.rmtree, folder)
    library = edited(Path(folder), document, edit)
    write_lock(library)
    return library
