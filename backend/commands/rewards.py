"""What operators do with rewards at a terminal: set up, propose terms, fill stock and pools, end."""

import json
from dataclasses import asdict, fields
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from backend import clock, house, rewards, strict_json
from backend.columns import aligned
from backend.commands.operators import acting, acting_sometimes, answering, deciding, note, told_refusals
from backend.commands.providers import OF_REWARDS
from backend.csv_cells import csv_line
from backend.identity import FINANCE, REVIEWER
from backend.progress import Progress

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command("add")
@click.argument("file", type=_FILE)
@acting
def add(file: Path, name: str, token: str, reason: str) -> None:
    """Set a reward up as a JSON file describes it; prints the request for its first terms, which another decides."""
    with deciding(name, token, FINANCE) as (tx, by):
        described, terms = rewards.read_reward(_object(file))
        asked = rewards.add_reward(tx, described, terms, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("propose")
@click.argument("reward")
@click.argument("file", type=_FILE)
@acting
def propose(reward: str, file: Path, name: str, token: str, reason: str) -> None:
    """Propose other terms (price, limits, audience …) from a JSON file; prints the request that another decides.

    They begin strictly behind the day of that decision: members read of them before.
    """
    with deciding(name, token, FINANCE) as (tx, by):
        terms = rewards.read_terms(_object(file), rewards.require_reward(tx, reward).kind)
        asked = rewards.propose_terms(tx, reward, terms, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("describe")
@click.argument("reward")
@click.argument("file", type=_FILE)
@acting
def describe(reward: str, file: Path, name: str, token: str, reason: str) -> None:
    """Give a reward the title and description of a JSON file; what it costs and promises are its terms."""
    with deciding(name, token, FINANCE) as (tx, by):
        titles, descriptions = rewards.read_texts(_object(file))
        before = rewards.set_texts(tx, reward, titles, descriptions)
        after = {"title": titles, "description": descriptions}
        note(tx, by, "reward.described", f"reward {reward}", reason, before=before, after=after)
    click.echo(f"{reward} 已更新 described anew")


def _object(file: Path) -> dict[str, Any]:
    return dict(strict_json.loads_object(file.read_bytes()))


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="a JSON line for each")
def list_rewards(as_json: bool) -> None:
    """Every reward: today's price, the announced one, what is left."""
    with house().reading() as tx:
        found = rewards.reward_states(tx, clock.today())
    if as_json:
        for item in found:
            click.echo(json.dumps(asdict(item), ensure_ascii=False, default=str))
        return
    rows = [("reward", "kind", "provider", "price", "announced", "left", "first code lapses", "state")]
    for item in found:
        announced = f"{item.announced[0]} from {item.announced[1]}" if item.announced else "-"
        price = "-" if item.price_points is None else str(item.price_points)
        left = "unlimited" if item.left is None else str(item.left)
        state = "retired" if item.retired else "offered" if item.price_points is not None else "not offered"
        rows.append((item.code, item.kind, item.provider, price, announced, left, str(item.next_expiry or "-"), state))
    click.echo("\n".join(aligned(rows, right=(3, 5))))


@click.command("show")
@click.argument("reward")
def show(reward: str) -> None:
    """One reward in full: every version of its terms, changes of its stock, its files of codes."""
    with told_refusals(), house().reading() as tx:
        found = rewards.describe_reward(tx, reward)
    click.echo(json.dumps(found, ensure_ascii=False, indent=2))


@click.command("restock")
@click.argument("reward")
@click.argument("pieces", type=int)
@click.option("--correction", is_flag=True, help="a count found so many more, or fewer (-5): put -- before it")
@acting
def restock(reward: str, pieces: int, correction: bool, name: str, token: str, reason: str) -> None:
    """Add pieces to a counted stock, or correct it."""
    if pieces == 0 or (pieces < 0 and not correction):
        raise click.UsageError("件数须为正数；减少请用 --correction / a positive number, or --correction")
    kind, now = "correction" if correction else "restock", clock.now()
    with deciding(name, token, FINANCE) as (tx, by):
        left = rewards.change_stock(tx, reward, pieces, kind=kind, reason=reason, operator_id=by.id, now=now)
        counts: dict[str, Any] = {"before": {"pieces_left": left - pieces}, "after": {"pieces_left": left}}
        note(tx, by, f"reward.stock_{'corrected' if correction else 'added'}", f"reward {reward}", reason, **counts)
    click.echo(f"现有 {left} 件 pieces left")


@click.command("import-codes")
@click.argument("reward")
@click.argument("file", type=_FILE)
@click.option("--expires", type=_DAY, help="the last day on which codes can be used that say none themselves")
@click.option("--dry-run", is_flag=True, help="check the file and write nothing")
@acting_sometimes
def import_codes(reward: str, file: Path, expires: datetime | None, dry_run: bool, **by: str | None) -> None:
    """Add the voucher codes of a file to a reward's pool: all of them, or none and every fault by its line.

    FILE: a code per line, or .csv with the heading code, and pin and expires_on if need be.
    """
    expires_on = expires.date() if expires else None
    if dry_run:
        _check(reward, file, expires_on)
        return
    name, token, reason = answering(**by)
    with deciding(name, token, FINANCE) as (tx, who):
        codes = rewards.open_code_file(file)
        bar = Progress(f"{reward} {file.name}", 2 * codes.most_rows)
        given: dict[str, Any] = {"expires_on": expires_on, "operator_id": who.id, "now": clock.now(), "step": bar.show}
        try:
            batch, count = rewards.import_codes(tx, house().vault, reward, codes, **given)
        finally:
            bar.end()
        after = {"batch": batch, "codes": count, "expires_on": expires_on, "file_sha256": codes.sha256.hex()}
        note(tx, who, "reward.codes_imported", f"reward {reward}", reason, after=after)
    click.echo(f"{batch} 已导入 imported {count}")


def _check(reward: str, file: Path, expires_on: date | None) -> None:
    with told_refusals(), house().reading() as tx:
        rewards.require_reward(tx, reward)
        codes = rewards.open_code_file(file)
        bar = Progress(f"{reward} {file.name}", codes.most_rows)
        given: dict[str, Any] = {"expires_on": expires_on, "today": clock.today(), "step": bar.show}
        found = rewards.check_codes(tx, house().vault, codes, **given)
        bar.end()
        if found.faults or not found.codes:
            raise rewards.InvalidCodeFile(codes=found.codes, faults=found.faults, lines=found.lines)
    click.echo(f"可导入 {found.codes} 个券码，未写入 codes could be imported, nothing was written")


@click.command("withdraw-codes")
@click.argument("batch", type=click.UUID)
@acting
def withdraw_codes(batch: UUID, name: str, token: str, reason: str) -> None:
    """Give out nothing more of an imported file; codes that members have stay theirs."""
    with deciding(name, token, FINANCE) as (tx, by):
        reward, count = rewards.withdraw_batch(tx, batch, now=clock.now())
        counts: dict[str, Any] = {"before": {"free_codes": count}, "after": {"free_codes": 0}}
        note(tx, by, "reward.codes_withdrawn", f"reward {reward} batch {batch}", reason, **counts)
    click.echo(f"{reward}: 已收回 withdrawn {count}")


@click.command("retire")
@click.argument("reward")
@acting
def retire(reward: str, name: str, token: str, reason: str) -> None:
    """Offer a reward to nobody any more, for good; what was redeemed goes its way."""
    now = clock.now()
    with deciding(name, token, FINANCE) as (tx, by):
        rewards.retire_reward(tx, reward, now=now)
        times: dict[str, Any] = {"before": {"retired_at": None}, "after": {"retired_at": now}}
        note(tx, by, "reward.retired", f"reward {reward}", reason, **times)
    click.echo(f"{reward} 已下架 retired")


@click.command("show-again")
@click.argument("holder_id", type=click.UUID)
@click.argument("redemption_id", type=click.UUID)
@acting
def show_again(holder_id: UUID, redemption_id: UUID, name: str, token: str, reason: str) -> None:
    """Ask that a voucher code may be shown to its owner once more; prints the request that another decides."""
    with deciding(name, token, REVIEWER) as (tx, by):
        asked = rewards.request_show_again(tx, holder_id, redemption_id, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("donations")
@click.option("--month", "months", type=click.DateTime(["%Y-%m"]), multiple=True, help="may be repeated; default: this")
def show_donations(months: tuple[datetime, ...]) -> None:
    """What members gave to charities, as CSV: per reward and month, what was redeemed, refunded, and is to be given."""
    this = clock.today().replace(day=1)
    click.echo(csv_line(field.name for field in fields(rewards.Donation)), nl=False)
    with house().reading(one_moment=True) as tx:
        for month in sorted({month.date() for month in months} or {this}):
            for donation in rewards.donations(tx, month):
                click.echo(csv_line(str(cell) for cell in asdict(donation).values()), nl=False)


REWARD = click.Group(
    "reward",
    help="What points can be exchanged for.",
    commands=(
        *OF_REWARDS,
        *(add, propose, describe, list_rewards, show, retire),
        *(restock, import_codes, withdraw_codes, show_again, show_donations),
    ),
)
