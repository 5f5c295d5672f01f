"""Link codes: a member asks here for a code, types it in at a partner, and the partner says which user typed it.

A code lives for ten minutes, works once, and is stored as a keyed digest; a member has at most one per partner. So that
codes cannot be guessed, a partner may present a hundred wrong ones in ten minutes. While a hundred thousand members
hold one, that finds one of them in a hundred million such spells.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from backend import clock
from backend.errors import Refusal
from backend.identity.errors import AlreadyLinked, InvalidLinkCode, NotEnrolled, SessionEnded, TooManyWrongLinkCodes
from backend.identity.links import link_partner_user, user_ref_index
from backend.identity.models import Enrolment, LinkCode, PartnerLink, WrongLinkCodes
from backend.identity.persons import hold_person
from backend.identity.typed_codes import as_made, new_code
from backend.lists import insert_rows, upsert_rows
from backend.vault import Vault

LIFE = timedelta(minutes=10)
#: How often one code may be presented: a right code may still be refused for the user it is presented for.
TRIES = 5
#: How many wrong codes a partner may present in one spell.
WRONG_CODES, SPELL = 100, timedelta(minutes=10)


def make_link_code(
    tx: Session, vault: Vault, *, holder_id: UUID, partner: str, programme: str, now: datetime
) -> tuple[str, datetime]:
    """A fresh code for this partner and account, and until when it lives; the member's code before it is void.

    It is shown once. Raises NotEnrolled.
    """
    hold_person(tx, holder_id)
    if tx.get(Enrolment, (holder_id, programme)) is None:
        raise NotEnrolled(programme=programme)
    code = new_code()
    row = {
        "holder_id": holder_id,
        "partner": partner,
        "digest": _digest(vault, partner, code),
        "programme": programme,
        "expires_at": now + LIFE,
        "tries": 0,
        "link_id": None,
        "request_id": None,
    }
    upsert_rows(tx, LinkCode, [row], key=("holder_id", "partner"))
    return code, now + LIFE


def redeem_link_code(
    tx: Session, vault: Vault, *, partner: str, code: str, user_ref: str, request_id: str, now: datetime
) -> datetime | Refusal:
    """Link a partner's user to whoever asked for the code, and say since when; the same request again finds the same.

    A refusal is returned and not raised, because what was counted with it has to be committed: InvalidLinkCode for
    every code that is no good, of whatever reason; AlreadyLinked; TooManyWrongLinkCodes.
    """
    wrong = _hold_wrong_codes(tx, partner, now)
    found = _hold_code(tx, _digest(vault, partner, code))
    made = _made_before(tx, found, request_id, user_ref_index(vault, partner, user_ref))
    if made is not None:
        return made.linked_at
    if wrong.count >= WRONG_CODES:
        return TooManyWrongLinkCodes(retry_at=clock.iso(wrong.since + SPELL))
    if found is None or found.link_id is not None or found.expires_at <= now or found.tries >= TRIES:
        wrong.count += 1
        return InvalidLinkCode()
    found.tries += 1
    try:
        link = link_partner_user(
            tx,
            vault,
            holder_id=found.holder_id,
            partner=partner,
            user_ref=user_ref,
            programme=found.programme,
            now=now,
        )
    except AlreadyLinked as refusal:
        return refusal
    found.link_id, found.request_id = link.id, request_id
    return link.linked_at


def _hold_wrong_codes(tx: Session, partner: str, now: datetime) -> WrongLinkCodes:
    """The wrong codes of this partner's spell, held until commit: its redemptions come one after the other."""
    insert_rows(tx, WrongLinkCodes, [{"partner": partner, "since": now, "count": 0}], on_conflict=("partner",))
    query = select(WrongLinkCodes).where(WrongLinkCodes.partner == partner)
    held = tx.scalars(query.with_for_update().execution_options(populate_existing=True)).one()
    if held.since + SPELL <= now:
        held.since, held.count = now, 0
    return held


def _hold_code(tx: Session, digest: bytes) -> LinkCode | None:
    """The code and its member, held until commit; None where there is none, or its member was just forgotten."""
    query = select(LinkCode).where(LinkCode.digest == digest)
    found = tx.scalar(query)
    if found is None:
        return None
    try:
        hold_person(tx, found.holder_id)  # before the code, as whoever asks for a code or deletes the account does
    except SessionEnded:
        return None
    return tx.scalar(query.with_for_update().execution_options(populate_existing=True))


def _made_before(tx: Session, code: LinkCode | None, request_id: str, index: bytes) -> PartnerLink | None:
    """The link of this user that this very request made."""
    if code is None or code.link_id is None or code.request_id != request_id:
        return None
    link = tx.get(PartnerLink, code.link_id)
    return link if link is not None and link.user_ref_index == index else None


def _digest(vault: Vault, partner: str, code: str) -> bytes:
    """What a code is found by, however it was typed."""
    return vault.index("link code", partner, as_made(code))
