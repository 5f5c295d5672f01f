"""`flask methodology diff` in a git repository of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

import methodologies
from backend import cli, releases


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a folder `library`, tagged v1; its newest commit is a page beside the library."""
    root = tmp_path / "project"
    leave_out = shutil.ignore_patterns("kernel", "review", "__pycache__", "__*__.py")
    shutil.copytree(methodologies.ROOT, root / "library", ignore=leave_out)
    git(root, "init", "--quiet")
    commit(root, "the library")
    git(root, "tag", "v1")
    (root / "README.md").write_text("beside\n")
    commit(root, "a page")
    return root


def git(root: Path, *arguments: str) -> str:
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", "-C", root, *arguments], env=os.environ | who, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(root: Path, message: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)


def raise_factor(root: Path) -> None:
    """12.4 km × 46.7 g = 579 g become 620 g, 480 times a year."""
    file = root / "library" / "metro_ride" / "methodology.yaml"
    file.write_text(file.read_text().replace("value: 0.0467", "value: 0.0500", 1))


def diff(root: Path, *arguments: str) -> Any:
    app = Flask(__name__)
    app.cli.add_command(cli.methodology_group)
    return app.test_cli_runner().invoke(
        args=["methodology", "diff", "--directory", str(root / "library"), *arguments]
    )


def test_against_the_newest_tag_by_default(project: Path) -> None:
    unchanged = diff(project)
    assert (unchanged.exit_code, unchanged.stderr) == (0, "")
    tagged = git(project, "rev-parse", "v1")[:12]
    assert unchanged.output.strip() == f"没有差异 no differences (v1 {tagged})"
    raise_factor(project)
    commit(project, "another factor")
    changed = diff(project)
    assert changed.exit_code == 0
    assert f"v1 {tagged}" in changed.output
    assert "PUBLISHED_CHANGED" in changed.output
    assert "+19,680" in changed.output


def test_against_a_reference_a_directory_and_without_a_tag(project: Path, tmp_path: Path) -> None:
    raise_factor(project)
    assert "+19,680" in diff(project, "--against", "HEAD").output
    commit(project, "another factor")
    assert "没有差异" in diff(project, "--against", "HEAD").output
    assert "+19,680" in diff(project, "--against", "HEAD~1").output
    git(project, "tag", "--delete", "v1")
    assert "没有差异" in diff(project).output
    releases.export(project / "library", "HEAD~1", tmp_path / "published")
    assert "+19,680" in diff(project, "--against-directory", str(tmp_path / "published")).output


def test_formats_and_another_day(project: Path) -> None:
    raise_factor(project)
    shown = json.loads(diff(project, "--format", "json", "--day", "2026-01-01").output)
    assert shown["against"].startswith("v1 ")
    assert [year["from"] for year in shown["years"]] == ["2026-01-01"]
    moved = [one["persona"] for one in shown["years"][0]["personas"] if one["totals"][0]["difference"]]
    assert moved == ["shenzhen_metro_commuter"]
    page = diff(project, "--format", "markdown").output
    assert "| 深圳地铁通勤者 | REDUCTION | g | 286,260 | 305,940 | +19,680 | +6.87 | metro_ride +19,680 |" in page


def test_what_cannot_be_compared_exits_with_2_and_says_why(project: Path, tmp_path: Path) -> None:
    unknown = diff(project, "--against", "v9")
    assert (unknown.exit_code, "'v9'" in unknown.stderr, unknown.stdout) == (2, True, "")
    assert diff(project, "--against=--output=x").exit_code == 2
    assert diff(project, "--against", "v1", "--against-directory", str(tmp_path)).exit_code == 2
    file = project / "library" / "own_cup" / "methodology.yaml"
    file.write_text(file.read_text().replace("unit: gCO2/item", "unit: gCO2/km"))
    broken = diff(project)
    assert (broken.exit_code, "own_cup" in broken.stderr) == (2, True)
    commit(project, "broken")
    git(project, "tag", "v2")
    git(project, "checkout", "--quiet", "v1")
    of_published = diff(project, "--against", "v2")
    assert (of_published.exit_code, "v2" in of_published.stderr) == (2, True)


def test_without_a_repository_and_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "library").mkdir()
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    outside = diff(tmp_path)
    assert (outside.exit_code, "not a git repository" in outside.stderr) == (2, True)
    monkeypatch.setenv("PATH", str(tmp_path))
    without = diff(tmp_path)
    assert (without.exit_code, "git cannot be run" in without.stderr) == (2, True)
