"""What was released, from the project's own history: a folder as it stood at a release, read with git."""

import io
import subprocess
import tarfile
from pathlib import Path


class NoHistory(Exception):
    """There is no git, no repository, no such reference or nothing of the folder in it; the message says which."""


def newest_release(folder: Path) -> str:
    """The newest tag the tree around `folder` descends from; ``HEAD`` where nothing was tagged yet."""
    _git(folder, "rev-parse", "--verify", "HEAD^{commit}")
    try:
        return _git(folder, "describe", "--tags", "--abbrev=0").decode().strip()
    except NoHistory:
        return "HEAD"


def export(folder: Path, reference: str, into: Path) -> str:
    """Write the files of `folder` at a reference (tag, branch, commit) below `into`; returns the commit's short name.

    `NoHistory` when there is no such reference, or the folder was not there yet."""
    _git(folder, "rev-parse", "--git-dir")
    try:
        found = _git(folder, "rev-parse", "--verify", "--end-of-options", f"{reference}^{{commit}}")
    except NoHistory:
        raise NoHistory(f"the history of {folder} has no tag, branch or commit {reference!r}") from None
    commit = found.decode().split()[-1]
    archive = _git(folder, "archive", "--format=tar", commit, ".")
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        for member in content:
            file = content.extractfile(member) if member.isfile() else None
            if file is not None:
                target = into / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(file.read())
    return commit[:12]


def _git(folder: Path, *arguments: str) -> bytes:
    """What git answers in this folder; `NoHistory` with its own words when it cannot."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise NoHistory(f"git cannot be run: {error}") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()
        raise NoHistory(f"git {' '.join(arguments)} in {folder}: {words or done.returncode}")
    return done.stdout
