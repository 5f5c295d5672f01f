"""What operators decide about members at a terminal."""

from datetime import datetime
from uuid import UUID

import click

from backend import clock, house, identity
from backend.columns import aligned
from backend.commands.operators import acting, deciding, note
from backend.identity import ADMINISTRATOR


@click.command("correct-birth-date")
@click.argument("holder_id", type=click.UUID)
@click.argument("birth_date", type=click.DateTime(["%Y-%m-%d"]))
@acting
def correct_birth_date(holder_id: UUID, birth_date: datetime, name: str, token: str, reason: str) -> None:
    """Correct a date of birth that a member mistyped. It is not kept, and not logged either."""
    now = clock.now()
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        until = identity.correct_birth_date(tx, holder_id, birth_date.date(), operator=by, reason=reason, now=now)
    click.echo(f"未满十四周岁，至 under fourteen until {until}" if until else "已满十四周岁 fourteen or older")


@click.command("steward")
@click.argument("class_id", type=click.UUID)
@click.argument("person_id", type=click.UUID)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="the last day, in Shanghai")
@click.option("--end", is_flag=True, help="from now on this person does not act for the class any more")
@acting
def steward(
    class_id: UUID, person_id: UUID, until: datetime | None, end: bool, name: str, token: str, reason: str
) -> None:
    """Name who acts for a class account, its teacher say: redeems for it and sees what was redeemed."""
    now = clock.now()
    ends_at = now if end else clock.start_of_day_after(until.date(), 1) if until else None
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        before = identity.stewardship(tx, class_id, person_id)
        if end:
            identity.end_steward(tx, class_id, person_id, now=now)
        else:
            identity.appoint_steward(tx, class_id, person_id, until=ends_at, now=now)
        action, subject = f"steward.{'ended' if end else 'appointed'}", f"class {class_id} person {person_id}"
        after = identity.stewardship(tx, class_id, person_id)
        note(tx, by, action, subject, reason, before=before, after=after)
    click.echo("已结束 ended" if end else "已指定 appointed")


@click.command("merge")
@click.argument("holder_id", type=click.UUID)
@click.argument("survivor_id", type=click.UUID)
@acting
def merge(holder_id: UUID, survivor_id: UUID, name: str, token: str, reason: str) -> None:
    """Ask for the first member to be the same person as the second, who goes on; another administrator decides."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        asked = identity.merging.request(tx, holder_id, survivor_id, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("unmerge")
@click.argument("holder_id", type=click.UUID)
@acting
def unmerge(holder_id: UUID, name: str, token: str, reason: str) -> None:
    """Ask for a member who was merged to be a person of their own again; another administrator decides."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        asked = identity.merging.request_unmerge(tx, holder_id, operator=by, reason=reason, now=clock.now())
    click.echo(str(asked))


@click.command("proposals")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1_000))
def proposals(limit: int) -> None:
    """Who showed a phone number or a staff login that belongs to another member, oldest first."""
    with house().reading() as tx:
        found = identity.merging.proposals(tx, limit=limit)
    rows = [(str(one.holder_id), str(one.other_id), one.cause, clock.iso(one.proposed_at)) for one in found]
    for line in aligned([("会员 member", "属于 belongs to", "缘由 cause", "时间 since"), *rows]):
        click.echo(line)


@click.command("dismiss-proposal")
@click.argument("holder_id", type=click.UUID)
@click.argument("other_id", type=click.UUID)
@acting
def dismiss_proposal(holder_id: UUID, other_id: UUID, name: str, token: str, reason: str) -> None:
    """They are two persons: nothing is proposed about them again."""
    with deciding(name, token, ADMINISTRATOR) as (tx, by):
        identity.merging.dismiss(tx, holder_id, other_id, now=clock.now())
        subject = f"member {holder_id} other {other_id}"
        note(tx, by, "member.proposal_dismissed", subject, reason, before={"settled": False}, after={"settled": True})
    click.echo("已关闭 dismissed")


MEMBER = click.Group(
    "member",
    help="Decisions about members.",
    commands=(correct_birth_date, steward, merge, unmerge, proposals, dismiss_proposal),
)
