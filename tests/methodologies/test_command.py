"""python -m methodologies check · lock"""

import subprocess
import sys
from pathlib import Path

import pytest

import methodologies
from methodologies.__main__ import main


def test_check_is_silent_when_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    assert capsys.readouterr().out == ""


def test_overdue_rows_are_listed_but_do_not_fail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--today", "2030-01-01"]) == 0
    assert "REVIEW_OVERDUE" in capsys.readouterr().out


def test_lock_adds_nothing_when_everything_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    before = (methodologies.ROOT / "PUBLISHED.lock").read_bytes()
    assert main(["lock"]) == 0
    assert capsys.readouterr().out == ""
    assert (methodologies.ROOT / "PUBLISHED.lock").read_bytes() == before


def test_findings_fail_the_command_and_the_lock_refuses(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tree / "book_donation/methodology.yaml"
    file.write_text(file.read_text().replace("value: 0.682", "value: 0.683"))
    monkeypatch.setattr(methodologies, "ROOT", tree)
    assert main(["check"]) == 1
    assert "book_donation/methodology.yaml" in capsys.readouterr().out
    assert main(["lock"]) == 1
    assert "has been edited" in capsys.readouterr().err


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "methodologies", "check"],
        cwd=methodologies.ROOT.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
