"""What authors of articles and quizzes do at a terminal: add a file, publish it from a day on, retire it."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from backend import clock, house, learning
from backend.commands import written_files
from backend.commands.operators import acting, deciding, note, told_refusals
from backend.identity import ADMINISTRATOR
from backend.learning import InvalidLesson

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


def read_file(file: Path) -> Any:
    """What a file about a lesson says. Raises InvalidLesson."""
    return written_files.read_file(file, InvalidLesson)


@click.command("add")
@click.argument("programme")
@click.argument("file", type=_FILE)
@acting
def add(programme: str, file: Path, name: str, token: str, reason: str) -> None:
    """Add an article or a quiz from a YAML or JSON file as a draft; of a lesson that is there, a new version."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        described = learning.read_lesson(read_file(file))
        version = learning.add_version(tx, programme, described, now=clock.now())
        after = {"kind": described.kind, "version": version}
        note(tx, by, "lesson.added", f"lesson {programme} {described.code}", reason, after=after)
    click.echo(f"{described.code} {version}")


@click.command("publish")
@click.argument("programme")
@click.argument("code")
@click.option("--on", "day", type=_DAY, help="the day from which members see it [default: today]")
@acting
def publish(programme: str, code: str, day: datetime | None, name: str, token: str, reason: str) -> None:
    """Let members see the newest version from a day on. What is published is never edited: add a new version."""
    today = clock.today()
    on = day.date() if day else today
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        version = learning.publish(tx, programme, code, on=on, today=today)
        after = {"version": version, "publishes_on": on}
        note(tx, by, "lesson.published", f"lesson {programme} {code}", reason, after=after)
    click.echo(f"{code} {version} {on}")


@click.command("retire")
@click.argument("programme")
@click.argument("code")
@acting
def retire(programme: str, code: str, name: str, token: str, reason: str) -> None:
    """Take an article or a quiz away for good; what members earned with it stays."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        learning.retire(tx, programme, code, now=clock.now())
        note(tx, by, "lesson.retired", f"lesson {programme} {code}", reason, after={"retired": True})
    click.echo(f"{code} 已下架 retired")


@click.command("list")
@click.option("--programme", help="only of this one")
def list_lessons(programme: str | None) -> None:
    """Every version of every article and quiz, a JSON line each."""
    with told_refusals(), house().reading() as tx:
        found = learning.versions(tx, programme)
    for item in found:
        click.echo(json.dumps(asdict(item), default=str, ensure_ascii=False))


LEARNING = click.Group(
    "learning", help="Articles and quizzes, from draft to publication.", commands=(add, publish, retire, list_lessons)
)
