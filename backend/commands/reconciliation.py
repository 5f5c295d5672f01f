"""`flask partner reconcile …`: the operator's daily round with a partner's list."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy.orm import Session

from backend import clock, house, partners
from backend.columns import aligned
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.errors import NotFound
from backend.identity import ADMINISTRATOR, FINANCE
from backend.operator_log import shown_url
from backend.partners import reconciliation
from backend.progress import Progress

_STATES = {"awaiting_list": "待清单 awaiting list", "open": "未关闭 open", "closed": "已关闭 closed"}
_AMOUNTS = (("reduction_g", "g"), ("points", "p"), ("quantity", "×"), ("weight_kg", "kg"))
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


class _Day(click.ParamType):
    """A calendar day, YYYY-MM-DD."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            found = value if isinstance(value, date) else date.fromisoformat(value)
            if isinstance(value, date) or found.isoformat() == value:
                return found
        except ValueError:
            pass
        self.fail(f"{value} is not a day such as 2026-06-05", param, ctx)


_day = click.option("--day", required=True, type=_Day(), help="the business day in China, YYYY-MM-DD")


class _Reconcile(click.Group):
    """`compare` is meant where no other verb is named: `reconcile transit --day 2026-06-05 --list FILE`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["compare", *args]
        return super().parse_args(ctx, args)


@contextmanager
def _bar(name: str, total: int) -> Iterator[Callable[[int], None]]:
    progress = Progress(name, total, sys.stderr)
    yield progress.show
    progress.end()


@click.command("compare")
@click.argument("partner", required=False)
@click.option("--day", type=_Day(), help="the business day in China, YYYY-MM-DD")
@click.option("--list", "path", type=_FILE, help="the partner's list of that day: CSV, JSON lines or JSON")
@click.option("--pull", is_flag=True, help="fetch the list from the partner's address")
@click.option("--show", is_flag=True, help="compare nothing: show the day and its differences")
@click.option("--open", "only_open", is_flag=True, help="compare nothing: show what nobody has settled yet")
@click.option("--kind", type=click.Choice(reconciliation.KINDS), help="with --show: only these")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(0), help="differences to show")
@click.option("--json", "as_json", is_flag=True, help="answer with JSON lines")
@acting_sometimes
def compare(
    partner: str | None,
    day: date | None,
    path: Path | None,
    pull: bool,
    show: bool,
    only_open: bool,
    kind: str | None,
    limit: int,
    as_json: bool,
    **by: str | None,
) -> None:
    """Compare a day: with a new list (--list, --pull), or anew with the one that is there.

    Who compares is named; --show and --open only look. Exits with 1 while differences are open or the list is missing.
    """
    with told_refusals():
        if only_open and day is None:
            _tell_unsettled(partner, as_json)
            return
        if path is not None and pull:
            raise click.UsageError("either --list or --pull")
        if partner is None or day is None:
            raise click.UsageError("PARTNER and --day are needed, or --open")
        if not (show or only_open):
            _compare_answering(partner, day, path, pull, *answering(**by))
        view = _tell_day(partner, day, kind, "open" if only_open else None, limit, as_json)
    if not (show or only_open) and (view.open or view.state == "awaiting_list"):
        sys.exit(1)


def _compare(partner: str, day: date, path: Path | None, pull: bool) -> None:
    if pull:
        hosts = house().settings.sandbox_hosts
        reconciliation.pull(house().sessions, house().vault, partner, day, allowed_hosts=hosts, bars=_bar)
    elif path is not None:
        with path.open("rb") as file:
            reconciliation.reconcile(house().sessions, partner, day, file=file, bars=_bar)
    else:
        reconciliation.reconcile(house().sessions, partner, day, bars=_bar)


def _compare_answering(
    partner: str, day: date, path: Path | None, pull: bool, name: str, token: str, reason: str
) -> None:
    """A comparison takes many transactions, so it is logged twice: when it begins, and with what it came to."""
    subject = f"{partner} {day}"
    with deciding(name, token, FINANCE) as (tx, by):
        partners.require_partner(tx, house().vault, partner)
        before = _standing(tx, partner, day)
        note(tx, by, "reconciliation.begun", subject, reason, before=before)
    _compare(partner, day, path, pull)
    with deciding(name, token, FINANCE) as (tx, by):
        after = _standing(tx, partner, day)
        note(tx, by, "reconciliation.compared", subject, reason, before=before, after=after)


def _standing(tx: Session, partner: str, day: date) -> dict[str, object]:
    """How a day stands, in numbers; nothing for a day that nobody has looked at yet."""
    try:
        view = reconciliation.day_view(tx, partner, day)
    except NotFound:
        return {}
    counts = {" ".join(key): count for key, count in view.counts.items()}
    return {"state": view.state, "list_sha256": view.list_sha256, "differences": counts}


def _tell_unsettled(partner: str | None, as_json: bool) -> None:
    """Every day that awaits its list, has open differences or is not closed, oldest first."""
    with house().reading() as tx:
        views = reconciliation.days(tx, partner=partner, unsettled=True, limit=1_000)
    if as_json:
        for view in views:
            click.echo(json.dumps(view.as_json(), ensure_ascii=False))
        return
    rows: list[tuple[str, ...]] = [("partner", "day", "state", "age days", *reconciliation.KINDS)]
    rows += [_unsettled_row(view) for view in views]
    click.echo("\n".join(aligned(rows, right=range(3, len(rows[0])))) if views else "没有待办 nothing to settle")


def _unsettled_row(view: reconciliation.DayView) -> tuple[str, ...]:
    age = str((clock.today() - view.day).days)
    counts = (view.counts.get((kind, "open"), 0) for kind in reconciliation.KINDS)
    return view.partner, view.day.isoformat(), _STATES[view.state], age, *(str(count or "") for count in counts)


def _tell_day(
    partner: str, day: date, kind: str | None, state: str | None, limit: int, as_json: bool
) -> reconciliation.DayView:
    """The day, and its differences."""
    now = clock.now()
    with house().reading() as tx:
        view = reconciliation.day_view(tx, partner, day)
        listed = reconciliation.differences_of(tx, partner, day, kind=kind, state=state, limit=limit)
        found = [reconciliation.difference_as_json(item, now=now) for item in listed]
    if as_json:
        for told in (view.as_json(), *found):
            click.echo(json.dumps(told, ensure_ascii=False))
        return view
    click.echo(f"{partner} {day} {_STATES[view.state]}" + (f" {view.last_error}" if view.last_error else ""))
    click.echo(f"清单 list: {view.list_rows} rows {view.list_sha256 or ''}".rstrip())
    for (name, how), count in sorted(view.counts.items()):
        click.echo(f"  {name} {how}: {count}")
    if found:
        click.echo("\n".join(aligned(list(_difference_rows(found)), right=(6,))))
    return view


def _difference_rows(found: Iterable[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    yield "id", "kind", "order/line", "event", "theirs", "ours", "age days", "state"
    for told in found:
        order = "/".join(filter(None, (told["order_no"], told["line"])))
        said = (_said(told["theirs"]), _said(told["ours"]))
        yield told["id"], told["kind"], order, told["event_id"] or "", *said, str(told["age_days"]), told["state"]


def _said(facts: dict[str, Any]) -> str:
    """One side in some words."""
    if "code" in facts:
        return " ".join(str(facts[name]) for name in ("row", "code", "field") if name in facts)
    words = [str(facts[name]) for name in ("status", "reason", "type") if facts.get(name)]
    words += [f"{facts[name]}{unit}" for name, unit in _AMOUNTS if name in facts]
    if "revision" in facts:
        words.append(f"r{facts['revision']}")
    words += [f"{name}={value}" for name, value in facts.items() if name.startswith(("activity_", "ledger_", "lots_"))]
    return " ".join(words)


@click.command("explain")
@click.argument("partner")
@_day
@click.option("--kind", type=click.Choice(reconciliation.KINDS), help="the open ones of this kind")
@click.option("--difference", type=click.UUID, help="this one, by its id")
@click.option("--all", "everything", is_flag=True, help="all that are open")
@acting
def explain(
    partner: str,
    day: date,
    kind: str | None,
    difference: UUID | None,
    everything: bool,
    name: str,
    token: str,
    reason: str,
) -> None:
    """Say why open differences are as they are; the partner reads the reason."""
    if not (kind or difference or everything):
        raise click.UsageError("which ones? --kind, --difference or --all")
    with deciding(name, token, FINANCE) as (tx, by):
        count = reconciliation.explain(
            tx, partner, day, kind=kind, difference=difference, operator=by, reason=reason, now=clock.now()
        )
    click.echo(f"已说明 explained: {count}")


@click.command("close")
@click.argument("partner")
@_day
@acting
def close(partner: str, day: date, name: str, token: str, reason: str) -> None:
    """Close a day of which every difference is explained; prints the hash of its statement."""
    key = house().vault.statement_key
    with deciding(name, token, FINANCE) as (tx, by):
        digest = reconciliation.close_day(tx, key, partner, day, operator=by, reason=reason, now=clock.now())
    click.echo(digest)


@click.command("statement")
@click.argument("partner")
@_day
@click.option("--output", required=True, type=_NEW_FILE, help="the signed statement, JSON")
@click.option("--csv", "csv_path", type=_NEW_FILE, help="the differences as CSV as well, with FILE.sig beside it")
def statement(partner: str, day: date, output: Path, csv_path: Path | None) -> None:
    """Write what a day came to into a file that both sides can verify."""
    key, now = house().vault.statement_key, clock.now()
    with told_refusals(), house().reading() as tx:
        made = reconciliation.statement_of(tx, key, partner, day, now=now)
        with output.open("wb") as file:
            file.writelines(made.chunks())
        if csv_path is not None:
            with csv_path.open("wb") as file:
                signature = reconciliation.write_csv(tx, key, partner, day, file, now=now)
            csv_path.with_name(csv_path.name + ".sig").write_text(signature, encoding="utf-8")
    click.echo(made.sha256)


@click.command("url")
@click.argument("partner")
@click.argument("url", required=False)
@click.option("--none", "no_url", is_flag=True, help="the lists are brought, not fetched")
@acting
def list_url(partner: str, url: str | None, no_url: bool, name: str, token: str, reason: str) -> None:
    """Say where the daily lists of a partner are fetched: URL with {day} in it."""
    if (url is None) != no_url:
        raise click.UsageError("a URL or --none")
    hosts = house().settings.sandbox_hosts
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        was = reconciliation.set_list_url(tx, partner, url, allowed_hosts=hosts)
        before, after = {"list_url": shown_url(was)}, {"list_url": shown_url(url)}
        note(tx, by, "partner.list_url_set", partner, reason, before=before, after=after)
    click.echo(url or "不再拉取 not fetched any more")


RECONCILE = _Reconcile(
    "reconcile",
    help="A partner's list of a day against our events and the books. PARTNER --day D [--list FILE | --pull].",
    commands=(compare, explain, close, statement, list_url),
)
