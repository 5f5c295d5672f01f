"""What acts earn, at a terminal: rules and campaign multipliers are asked for here, and decided by `flask approval`."""

import json
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

import click

from backend import activities, clock, house, points
from backend.commands.budgets import BUDGETS
from backend.commands.operators import acting, deciding
from backend.identity import FINANCE
from backend.points import Cap, Multiplier, NewRule, Rule

_day = click.DateTime(["%Y-%m-%d"])


@click.command("propose")
@click.argument("programme")
@click.option("--from", "begins", required=True, type=_day, help="the first day; behind the day of the decision")
@click.option("--per-gram", default="1", show_default=True, help="points per gram reduced: 1, 0.1 or 1/3")
@click.option("--rate", "rates", multiple=True, metavar="METHODOLOGY=RATE", help="points per gram of one methodology")
@click.option("--fixed", multiple=True, metavar="METHODOLOGY=POINTS", help="points per act that no gram measures")
@click.option(
    *("--cap", "caps"),
    multiple=True,
    metavar="CODE=PERIOD:POINTS[:METHODOLOGY,…]",
    help="what a person may earn at most in a day, week or month",
)
@click.option("--expires-after-days", default=730, show_default=True, type=click.IntRange(1))
@click.option("--note", default="", help="what members are told about the change")
@acting
def propose_rule(
    programme: str,
    begins: datetime,
    per_gram: str,
    rates: tuple[str, ...],
    fixed: tuple[str, ...],
    caps: tuple[str, ...],
    expires_after_days: int,
    note: str,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Ask for another version of a programme's points rule, whole; prints the request that another operator decides."""
    own, each = dict(map(_pair, rates)), {code: _whole(number) for code, number in map(_pair, fixed)}
    limits = tuple(map(_cap, caps))
    _require_known({*own, *each, *(code for cap in limits for code in cap.methodologies or ())})
    new = NewRule(programme, begins.date(), per_gram, own, each, limits, expires_after_days, note)
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_rule(tx, new, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("list")
@click.option("--programme", help="only of this one")
def list_rules(programme: str | None) -> None:
    """Every version of the points rules, a JSON line each."""
    with house().reading() as tx:
        found = [rule for rule in points.rules(tx) if programme in (None, rule.programme)]
    for rule in found:
        click.echo(json.dumps(_rule(rule), ensure_ascii=False))


@click.command("propose")
@click.argument("programme")
@click.argument("campaign")
@click.option("--factor", required=True, help="above 1: 2, 1.5 or 4/3")
@click.option("--from", "begins", required=True, type=_day, help="the first day; behind the day of the decision")
@click.option("--to", "ends", required=True, type=_day, help="the last day")
@click.option("--methodology", "methodologies", multiple=True, help="only for acts by these")
@click.option("--title", required=True, help="as members read it: 中文 / English")
@acting
def propose_multiplier(
    programme: str,
    campaign: str,
    factor: str,
    begins: datetime,
    ends: datetime,
    methodologies: tuple[str, ...],
    title: str,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Ask for a campaign to multiply points; prints the request that another operator decides."""
    _require_known(methodologies)
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_multiplier(
            tx,
            programme=programme,
            campaign=campaign,
            factor=factor,
            first_day=begins.date(),
            last_day=ends.date(),
            methodologies=methodologies or None,
            title=title,
            operator=by,
            reason=reason,
            now=clock.now(),
        )
    click.echo(str(asked))


@click.command("end")
@click.argument("programme")
@click.argument("campaign")
@click.option("--on", "last", required=True, type=_day, help="the last day; the day of the decision at the earliest")
@acting
def end_multiplier(programme: str, campaign: str, last: datetime, name: str, token: str, reason: str) -> None:
    """Ask for a campaign's multiplier to end earlier; prints the request that another operator decides."""
    with deciding(name, token, FINANCE) as (tx, by):
        asked = points.request_end_of_multiplier(
            tx, programme, campaign, last.date(), operator=by, reason=reason, now=clock.now()
        )
    click.echo(str(asked))


@click.command("list")
@click.option("--programme", help="only of this one")
def list_multipliers(programme: str | None) -> None:
    """The multipliers of campaigns as they stand, a JSON line each."""
    with house().reading() as tx:
        found = points.multipliers(tx, programme)
    for item in found:
        click.echo(json.dumps(_multiplier(item), ensure_ascii=False))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise click.UsageError(f"NAME=VALUE, not {text}")
    return name, value


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise click.UsageError(f"须为非负整数 / not a whole number: {text}")
    return int(text)


def _cap(text: str) -> Cap:
    code, limit = _pair(text)
    period, _, rest = limit.partition(":")
    number, colon, only = rest.partition(":")
    return Cap(code, period, _whole(number), tuple(only.split(",")) if colon else None)


def _require_known(codes: Collection[str]) -> None:
    unknown = sorted(set(codes) - set(activities.library().codes))
    if unknown:
        raise click.UsageError(f"没有这些方法学 / no such methodologies: {', '.join(unknown)}")


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "programme": rule.programme,
        "version": rule.version,
        **_days(rule, "announced_on", "in_force_from"),
        "points_per_gram": str(rule.points_per_gram),
        "rates": {code: str(rate) for code, rate in rule.rates.items()},
        "fixed_points": dict(rule.fixed_points),
        "caps": [cap.as_json() for cap in rule.caps],
        "expires_after_days": rule.expires_after_days,
        "note": rule.note,
    }


def _multiplier(item: Multiplier) -> dict[str, Any]:
    return {
        "programme": item.programme,
        "campaign": item.campaign,
        "version": item.version,
        **_days(item, "announced_on", "first_day", "last_day"),
        "factor": str(item.factor),
        "methodologies": None if item.methodologies is None else list(item.methodologies),
        "title": item.title,
    }


def _days(item: Rule | Multiplier, *names: str) -> dict[str, str]:
    days: list[date] = [getattr(item, name) for name in names]
    return {name: day.isoformat() for name, day in zip(names, days, strict=True)}


RULE = click.Group("rule", help="The points rules of programmes.", commands=(propose_rule, list_rules))
MULTIPLIER = click.Group(
    "multiplier",
    help="What campaigns multiply points by.",
    commands=(propose_multiplier, end_multiplier, list_multipliers),
)
POINTS = click.Group("points", help="What acts earn, and within which budgets.", commands=(RULE, MULTIPLIER, *BUDGETS))
