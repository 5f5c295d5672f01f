"""What commands that read a table of rows share: a bar as long as the file, its digest, why it cannot be read."""

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

import click

from backend.progress import Progress
from backend.row_files import UnreadableFile


@contextmanager
def told_unreadable() -> Iterator[None]:
    """A file that cannot be read ends the command with the reason on standard error."""
    try:
        yield
    except UnreadableFile as error:
        click.echo(f"UNREADABLE_FILE: {error}", err=True)
        sys.exit(1)


@contextmanager
def bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error; what it gives shows how far we are."""
    progress = Progress(name, total, sys.stderr)
    yield progress.show
    progress.end()


def count_lines(file: BinaryIO) -> int:
    """How long the bar is: the lines of a CSV file; of a workbook, as good as its bytes tell."""
    file.seek(0)
    packed = file.read(2) == b"PK"
    size = file.seek(0, 2)
    file.seek(0)
    return size // 40 if packed else sum(piece.count(b"\n") for piece in iter(lambda: file.read(2**16), b""))


def digest(file: BinaryIO) -> str:
    """The SHA-256 of the whole file, in hexadecimal digits."""
    file.seek(0)
    found = hashlib.sha256()
    for piece in iter(lambda: file.read(2**16), b""):
        found.update(piece)
    return found.hexdigest()
