"""Which partner user is which member, and which account their acts go to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import LargeBinary, Text, select
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import NotFound
from backend.identity.errors import AlreadyLinked, LinkTicketSpent, NotEnrolled
from backend.identity.merging.same_person import holders_of
from backend.identity.models import Consent, Enrolment, PartnerLink, PersonKey, SpentLinkTicket
from backend.identity.persons import hold_person, person_sealer
from backend.ids import new_id
from backend.lists import insert_rows, recordset
from backend.vault import Vault

#: What a sealed reference is bound to.
CONTEXT = b"partner user reference"


@dataclass(frozen=True, slots=True)
class Receiver:
    """Where the acts of a linked partner user go."""

    holder_id: UUID
    programme: str
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link as its member sees it."""

    id: UUID
    partner: str
    user_ref: str
    programme: str
    linked_at: datetime


def user_ref_index(vault: Vault, partner: str, user_ref: str) -> bytes:
    """The keyed index a partner's user is found by."""
    return vault.index("partner user", partner, user_ref)


def spend_link_ticket(tx: Session, partner: str, nonce: str, *, now: datetime) -> None:
    """Raises LinkTicketSpent when this ticket was used before."""
    row = {"partner": partner, "nonce": nonce, "spent_at": now}
    key = ("partner", "nonce")
    if not insert_rows(tx, SpentLinkTicket, [row], on_conflict=key, returning=key):
        raise LinkTicketSpent


def link_partner_user(
    tx: Session,
    vault: Vault,
    *,
    holder_id: UUID,
    partner: str,
    user_ref: str,
    programme: str,
    now: datetime,
) -> PartnerLink:
    """Say that a partner's user is this member. The same link again is the same link.

    Raises NotEnrolled when the member has no such account, AlreadyLinked when the user is linked elsewhere.
    """
    hold_person(tx, holder_id)
    if tx.get(Enrolment, (holder_id, programme)) is None:
        raise NotEnrolled(programme=programme)
    index = user_ref_index(vault, partner, user_ref)
    row = {
        "id": new_id(),
        "holder_id": holder_id,
        "partner": partner,
        "user_ref_index": index,
        "sealed_user_ref": person_sealer(tx, vault, holder_id).seal(user_ref.encode(), CONTEXT),
        "programme": programme,
        "linked_at": now,
    }
    link = _open_link(tx, partner, index)
    if link is None:
        tx.add(PartnerLink(**row))
        tx.flush()
        link = _open_link(tx, partner, index)
    assert link is not None
    if (link.holder_id, link.programme) != (holder_id, programme):
        raise AlreadyLinked(partner=partner)
    return link


def _open_link(tx: Session, partner: str, index: bytes, *, for_update: bool = False) -> PartnerLink | None:
    query = select(PartnerLink).where(
        PartnerLink.partner == partner, PartnerLink.user_ref_index == index, PartnerLink.ended_at.is_(None)
    )
    return tx.scalar(query.with_for_update() if for_update else query)


def unlink(tx: Session, holder_id: UUID, link_id: UUID, *, now: datetime) -> None:
    """End a link of this member; what was credited stays, nothing further comes in. NotFound for anybody else's."""
    link = tx.get(PartnerLink, link_id, with_for_update=True)
    if link is None or link.ended_at is not None or link.holder_id not in holders_of(tx, holder_id):
        raise NotFound
    _end(link, now)


def unlink_user(tx: Session, vault: Vault, partner: str, user_ref: str, *, now: datetime) -> bool:
    """End the link of a partner's user, as `unlink` does; False when there is none."""
    link = _open_link(tx, partner, user_ref_index(vault, partner, user_ref), for_update=True)
    if link is None:
        return False
    _end(link, now)
    return True


def _end(link: PartnerLink, now: datetime) -> None:
    link.ended_at = max(now, clock.now())  # now that nobody credits by it any more


def links_of(tx: Session, vault: Vault, holder_id: UUID) -> list[LinkView]:
    """The member's open links with the partner's reference in clear, also those of who was merged with them."""
    query = (
        select(PartnerLink)
        .where(PartnerLink.holder_id.in_(holders_of(tx, holder_id)), PartnerLink.ended_at.is_(None))
        .order_by(PartnerLink.linked_at, PartnerLink.id)
    )
    links = list(tx.scalars(query))
    sealers = {holder_id: person_sealer(tx, vault, holder_id) for holder_id in {link.holder_id for link in links}}
    return [
        LinkView(
            link.id,
            link.partner,
            sealers[link.holder_id].open(link.sealed_user_ref, CONTEXT).decode(),
            link.programme,
            link.linked_at,
        )
        for link in links
    ]


def receivers(tx: Session, users: Collection[tuple[str, bytes]]) -> dict[tuple[str, bytes], Receiver]:
    """The receiving account of each linked (partner, user reference index), held against unlinking until commit."""
    wanted = recordset(tx, "wanted", {"partner": Text(), "user_ref_index": LargeBinary()}, sorted(set(users)))
    query = (
        select(
            PartnerLink.partner,
            PartnerLink.user_ref_index,
            PartnerLink.holder_id,
            PartnerLink.programme,
            PersonKey.wrapped_key,
        )
        .join_from(
            wanted,
            PartnerLink,
            (PartnerLink.partner == wanted.c.partner) & (PartnerLink.user_ref_index == wanted.c.user_ref_index),
        )
        .join(PersonKey, PersonKey.holder_id == PartnerLink.holder_id)
        .where(PartnerLink.ended_at.is_(None), PersonKey.wrapped_key.is_not(None))
        .order_by(PartnerLink.id)
        .with_for_update(read=True, of=PartnerLink)
    )
    return {
        (row.partner, row.user_ref_index): Receiver(row.holder_id, row.programme, row.wrapped_key)
        for row in tx.execute(query)
    }


def recently_allowed(tx: Session, *, since: datetime) -> dict[tuple[str, bytes], datetime]:
    """The (partner, user reference index) that were linked, or whose member consented, since then; and when."""
    user = (PartnerLink.partner, PartnerLink.user_ref_index)
    linked = select(*user, PartnerLink.linked_at.label("at")).where(PartnerLink.linked_at >= since)
    consented = (
        select(*user, Consent.changed_at.label("at"))
        .join(Consent, (Consent.holder_id == PartnerLink.holder_id) & (Consent.partner == PartnerLink.partner))
        .where(Consent.changed_at >= since, Consent.granted)
    )
    rows = [*tx.execute(linked.where(PartnerLink.ended_at.is_(None)))]
    rows += tx.execute(consented.where(PartnerLink.ended_at.is_(None)))
    return {(row.partner, row.user_ref_index): row.at for row in sorted(rows, key=lambda row: row.at)}
