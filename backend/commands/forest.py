"""What operators do about forest projects at a terminal."""

from datetime import datetime
from typing import Any

import click

from backend import clock, forest
from backend.commands.operators import acting, deciding, note
from backend.identity import ADMINISTRATOR, REVIEWER

_DAY = click.DateTime(["%Y-%m-%d"])
_NUMBER = click.IntRange(1)


@click.command("add")
@click.argument("code")
@click.option("--programme", required=True)
@click.option("--title", required=True, help="中文 / English, like all texts here")
@click.option("--place", required=True)
@click.option("--species", required=True)
@click.option("--organisation", required=True, help="who plants and looks after the trees")
@click.option("--steps-per-tree", required=True, type=_NUMBER, help="never changes: another price is another project")
@click.option("--trees-offered", required=True, type=_NUMBER)
@click.option("--smallest-donation", default=1_000, show_default=True, type=_NUMBER)
@click.option("--opens-on", required=True, type=_DAY)
@click.option("--closes-on", type=_DAY)
@acting
def add(opens_on: datetime, closes_on: datetime | None, name: str, token: str, reason: str, **what: Any) -> None:
    """Set up a project in which trees are adopted for donated steps."""
    days: dict[str, Any] = {"opens_on": opens_on.date(), "closes_on": closes_on.date() if closes_on else None}
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        if not forest.save_project(tx, **what, **days):
            raise forest.InvalidForestProject(field="code", problem="taken")
        note(tx, by, "forest.added", f"forest {what['code']}", reason, after={**what, **days})
    click.echo(f"{what['code']} 已设立 set up")


@click.command("change")
@click.argument("code")
@click.option("--trees-offered", type=_NUMBER, help="as many in all, never fewer than before")
@click.option("--closes-on", type=_DAY, help="the last day on which steps are taken")
@acting
def change(
    code: str, trees_offered: int | None, closes_on: datetime | None, name: str, token: str, reason: str
) -> None:
    """Offer more trees, or close a project."""
    day = closes_on.date() if closes_on else None
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before, after = forest.change_project(tx, code, trees_offered=trees_offered, closes_on=day)
        note(tx, by, "forest.changed", f"forest {code}", reason, before=before, after=after)
    click.echo(f"{code} 已更新 changed")


@click.command("survey")
@click.argument("code")
@click.option("--on", "surveyed_on", required=True, type=_DAY)
@click.option("--alive", required=True, type=click.IntRange(0))
@click.option("--counted", required=True, type=_NUMBER, help="how many trees were looked at")
@click.option("--note", "told", default="", help="shown to members")
@acting
def survey(
    code: str, surveyed_on: datetime, alive: int, counted: int, told: str, name: str, token: str, reason: str
) -> None:
    """Report how many of the trees that were looked at live."""
    what: dict[str, Any] = {"surveyed_on": surveyed_on.date(), "alive": alive, "counted": counted, "note": told}
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        forest.report_survival(tx, code, **what, now=clock.now())
        note(tx, by, "forest.surveyed", f"forest {code}", reason, after=what)
    click.echo(f"{code} 已登记成活报告 reported")


@click.command("hide-name")
@click.argument("number")
@acting
def hide_name(number: str, name: str, token: str, reason: str) -> None:
    """Take the name off a certificate, and off those its adopter gets in this project."""
    with deciding(name, token, REVIEWER) as (tx, by):
        before = forest.hide_name(tx, number)
        note(tx, by, "forest.name_hidden", f"certificate {number}", reason, before=before, after={"named": False})
    click.echo(f"{number} 已去除署名 shows no name")


FOREST = click.Group(
    "forest", help="Forest projects and their certificates.", commands=(add, change, survey, hide_name)
)
