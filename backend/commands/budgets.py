"""What operators do and are told about budgets of points, and what programmes owe in points."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import click

from backend import clock, house, partners, points
from backend.columns import aligned
from backend.commands.operators import acting, deciding, told_refusals
from backend.identity import FINANCE
from backend.points import BudgetView, Liability, NewBudget

_DAY = click.DateTime(["%Y-%m-%d"])
_as_json = click.option("--json", "as_json", is_flag=True, help="answer with JSON")


@click.command("open")
@click.argument("programme")
@click.option("--partner", help="of the programme, what acts through this partner may earn")
@click.option("--campaign", help="of the programme, what this campaign may give")
@click.option("--title", required=True, help="as members read it, 中文 / English")
@click.option(
    "--first-day", required=True, type=_DAY, help="of the days of the acts it covers; behind the day of the decision"
)
@click.option("--last-day", type=_DAY, help="none: until it is used up")
@click.option("--points", "amount", required=True, type=int)
@acting
def open_budget(
    programme: str,
    partner: str | None,
    campaign: str | None,
    title: str,
    first_day: datetime,
    last_day: datetime | None,
    amount: int,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Ask for a budget of points; prints the request that another operator decides."""
    if partner and campaign:
        raise click.UsageError("either --partner or --campaign")
    scope = "partner" if partner else "campaign" if campaign else "programme"
    last = last_day.date() if last_day else None
    new = NewBudget(programme, scope, partner or campaign or programme, title, first_day.date(), last, amount)
    with deciding(name, token, FINANCE) as (tx, by):
        if partner:
            partners.require_partner(tx, house().vault, partner)
        asked = points.request_new_budget(tx, new, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("change")
@click.argument("number", type=click.IntRange(1, 2**31 - 1))
@click.option("--points", "amount", required=True, type=int, help="put in, or taken out: -500")
@acting
def change_budget(number: int, amount: int, name: str, token: str, reason: str) -> None:
    """Ask for points to be put into a budget or taken out; prints the request that another operator decides."""
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_budget_change(tx, number, amount, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("budgets")
@click.argument("programme", required=False)
@_as_json
def list_budgets(programme: str | None, as_json: bool) -> None:
    """Every budget, what is drawn of it and what is left."""
    with house().reading() as tx:
        found = points.budgets_of(tx, programme)
    if as_json:
        for item in found:
            click.echo(json.dumps(_budget_json(item), ensure_ascii=False))
        return
    heads = "No.", "计划 programme", "范围 scope", "预算 budget", "日期 days"
    rows = [(*heads, "总额 total", "已发 drawn", "余 left", "%"), *(_budget_row(item) for item in found)]
    click.echo("\n".join(aligned(rows, right=(0, 5, 6, 7, 8))))


def _budget_json(item: BudgetView) -> dict[str, Any]:
    return {
        "budget": item.number,
        "programme": item.programme,
        "scope": item.scope,
        "scope_code": item.scope_code,
        "title": item.title,
        "announced_on": item.announced_on.isoformat(),
        "first_day": item.first_day.isoformat(),
        "last_day": item.last_day.isoformat() if item.last_day else None,
        "total": item.total,
        "drawn": item.drawn,
        "left": item.left,
        "warned_at": clock.iso(item.warned_at) if item.warned_at else None,
        "used_up_at": clock.iso(item.used_up_at) if item.used_up_at else None,
    }


def _budget_row(item: BudgetView) -> tuple[str, ...]:
    share = f"{item.drawn * 100 // item.total}{'!' if item.low else ''}" if item.total else "!"
    scope = item.scope if item.scope == "programme" else f"{item.scope} {item.scope_code}"
    days = f"{item.first_day} … {item.last_day or ''}".rstrip()
    amounts = (f"{item.total:,}", f"{item.drawn:,}", f"{item.left:,}", share)
    return (str(item.number), item.programme, scope, item.title, days, *amounts)


@click.command("liability")
@click.argument("programme")
@click.option("--now", "at_once", is_flag=True, help="sum the books now instead of reading the daily snapshot")
@_as_json
def liability(programme: str, at_once: bool, as_json: bool) -> None:
    """What a programme owes in points: outstanding, funded, lapsing by month, and how long the budget lasts."""
    with told_refusals(), house().reading(one_moment=at_once) as tx:
        if at_once:
            found: Liability | None = points.liability_now(tx, programme, now=clock.now())
        else:
            found = points.newest_liability(tx, programme)
    if found is None:
        click.echo("尚无快照 no snapshot yet; --now sums the books", err=True)
        raise SystemExit(1)
    told = {"programme": programme, **points.liability_told(found)}
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else "\n".join(_liability_lines(told)))


def _liability_lines(told: dict[str, Any]) -> Iterator[str]:
    held, budget, lapse, aside = (told[name] for name in ("outstanding", "budget", "expected_lapse", "set_aside"))
    yield f"{told['programme']}  {told['taken_at']}"
    unknown = "未知 unknown"
    rows = [
        ("在外积分 outstanding", f"{held['points']:,}"),
        ("  待生效 pending", f"{held['pending']:,}"),
        ("  可用 available", f"{held['available']:,}"),
        ("  兑换中 reserved", f"{held['reserved']:,}"),
        ("待扣回 owed by members", f"{told['debt']:,}"),
        ("预算 funded", f"{budget['points']:,}" if budget else "未设 none"),
        ("  剩余 left", f"{budget['left']:,}" if budget else ""),
        (f"近 {told['granted']['days']} 天发放 granted, net", f"{told['granted']['points']:,}"),
        ("按此可用天数 days left", unknown if told["days_left"] is None else f"{told['days_left']:,}"),
        ("预计过期 expected to lapse", f"{lapse['points']:,}" if lapse else unknown),
        ("预留（分）set aside, fen", f"{aside['fen']:,}" if aside else "未声明 not stated"),
    ]
    rows += [(f"到期 lapsing {item['month']}", f"{item['points']:,}") for item in told["expiring"] if item["points"]]
    rows.append(("更晚到期 lapsing later", f"{told['expiring_later']:,}"))
    yield from aligned(rows, right=(1,))


@click.command("set-aside")
@click.argument("programme")
@click.option("--fen", required=True, type=int, help="for 1,000 points")
@click.option("--from", "from_day", required=True, type=_DAY, help="the first day for which it is stated")
@acting
def set_aside(programme: str, fen: int, from_day: datetime, name: str, token: str, reason: str) -> None:
    """Ask for a statement of what is set aside for points; prints the request that another operator decides."""
    first: date = from_day.date()
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_set_aside(tx, programme, fen, first, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("cover")
@click.argument("programme")
@click.option("--show/--hide", "shown", required=True, default=None)
@acting
def switch_cover(programme: str, shown: bool, name: str, token: str, reason: str) -> None:
    """Show the cover page of a programme to everybody, or no longer."""
    with deciding(name, token, FINANCE) as (tx, by):
        points.show_cover(tx, programme, shown, operator=by, reason=reason, now=clock.now())
    click.echo("已公开 shown" if shown else "已关闭 hidden")


BUDGET = click.Group("budget", help="Opening and changing budgets.", commands=(open_budget, change_budget))
#: What stands beside the rules under `flask points`.
BUDGETS: tuple[click.Command, ...] = (BUDGET, list_budgets, liability, set_aside, switch_cover)
