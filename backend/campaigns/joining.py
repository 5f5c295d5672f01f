"""Taking part: joining a campaign, saying what others may see, leaving, and being forgotten.

Whoever takes part in a campaign of the programme does so with one account; a guardian joins for a ward, a steward for a
class. All of the campaign's acts count, also those before joining.

Locks: the key of whoever acts and that of the account (`identity.act_for`), an invitation, the row of taking part.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend import clock, identity
from backend.campaigns import invitations, reading, scoring, teams
from backend.campaigns.errors import CampaignOver, NotAdmitted, NotTakingPart, UnknownCity
from backend.campaigns.models import CampaignParticipant
from backend.campaigns.policy import ANNOUNCED, CANCELLED, DEPARTMENTS, FINAL, INVITATION, PERSON, RUNNING
from backend.campaigns.reading import CampaignView
from backend.identity import Acting
from backend.ids import new_id
from backend.vault import Vault

CLASS = "class"
#: Why an account is not admitted.
BY_DEPARTMENT, BY_CLASS, BY_OTHER_ACCOUNT = "department", "class", "other_account"


@dataclass(frozen=True, slots=True)
class Caller:
    """A login, and the account it acts for."""

    person_id: UUID
    session_id: UUID
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to take part.

    `shown`: whether others see them on boards. `takes_challenges`: whether they may be challenged to a PK. `city`: the
    code of one of the campaign's cities.
    """

    shown: bool = True
    takes_challenges: bool = True
    city: str | None = None


def acting_in(tx: Session, code: str, caller: Caller, *, now: datetime) -> tuple[CampaignView, Acting]:
    """The campaign, and the account in its programme that this login acts for; held until commit.

    Raises CampaignNotFound, SessionEnded, GuardianNeeded, NotEnrolled, NotFound (not theirs to act for).
    """
    campaign = reading.campaign(tx, code, now=now)
    who = {"person_id": caller.person_id, "session_id": caller.session_id, "account_id": caller.account_id}
    return campaign, identity.act_for(tx, **who, programme=campaign.programme, now=now)


def participant(tx: Session, code: str, holder_id: UUID) -> CampaignParticipant | None:
    """The row of whoever takes part now; None for who does not, or left."""
    row = tx.get(CampaignParticipant, (holder_id, code), populate_existing=True)
    return row if row is not None and row.left_at is None else None


def hold_participant(tx: Session, code: str, holder_id: UUID) -> CampaignParticipant:
    """The row of whoever takes part now, held until commit. Raises NotTakingPart."""
    row = _held(tx, code, holder_id)
    if row is None or row.left_at is not None:
        raise NotTakingPart(campaign=code)
    return row


def join(
    tx: Session, vault: Vault, code: str, caller: Caller, wish: Wish, *, invitation: str | None = None, now: datetime
) -> CampaignParticipant:
    """Take part like this; who does already is asked for nothing more and takes part like this from now on.

    Who left and comes again is known by the same id. Raises as `acting_in`, and CampaignOver, NotAdmitted,
    InvitationNeeded, UnknownCity.
    """
    campaign, account = acting_in(tx, code, caller, now=now)
    if campaign.state(now) not in (ANNOUNCED, RUNNING):
        raise CampaignOver(state=campaign.state(now))
    _check_city(campaign, wish.city)
    row = _held(tx, code, account.holder_id)
    if row is None or row.left_at is not None:
        if because := why_not(tx, campaign, account.holder_id, account.account_kind, now=now):
            raise NotAdmitted(because=because)
        if campaign.joining == INVITATION and row is None:
            invitations.spend(tx, vault, code, invitation)
    return _take_part(tx, code, account.holder_id, CLASS if account.account_kind == CLASS else PERSON, wish, row, now)


def enter(
    tx: Session, code: str, holder_id: UUID, wish: Wish, *, kind: str = PERSON, now: datetime
) -> CampaignParticipant:
    """Let an account take part without asking whether it may, unless it takes part already.

    This sets a house up: whoever wants to take part calls `join`.
    """
    row = _held(tx, code, holder_id)
    if row is not None and row.left_at is None:
        return row
    return _take_part(tx, code, holder_id, kind, wish, row, now)


def _take_part(
    tx: Session,
    code: str,
    holder_id: UUID,
    kind: str,
    wish: Wish,
    row: CampaignParticipant | None,
    now: datetime,
) -> CampaignParticipant:
    if row is None:
        row = CampaignParticipant(holder_id=holder_id, campaign=code, id=new_id(), kind=kind, name_passed=False)
        row.joined_at = now
        tx.add(row)
    if row.left_at is not None:
        row.joined_at, row.left_at = now, None
    _apply(row, wish)
    _changed(tx, row, now)
    return row


def why_not(tx: Session, campaign: CampaignView, holder_id: UUID, account_kind: str, *, now: datetime) -> str | None:
    """Why the campaign is not for this account; None where it is (and an invitation, where one is needed, is left).

    A department is the one of today; a person of several accounts takes part with one of them.
    """
    if account_kind == CLASS:
        closed = campaign.joining == DEPARTMENTS or CLASS not in campaign.terms.groups()
        return BY_CLASS if closed else None
    if campaign.joining == DEPARTMENTS:
        found = identity.roster.department_of(tx, campaign.programme, [holder_id], clock.day_of(now))
        if not _is_within(found.get(holder_id, ""), campaign.terms.departments):
            return BY_DEPARTMENT
    others = set(identity.merging.together(tx, [holder_id]).get(holder_id, ())) - {holder_id}
    rows = scoring.participants_of(tx, campaign.code, others).values()
    return BY_OTHER_ACCOUNT if any(row.left_at is None for row in rows) else None


def change(tx: Session, code: str, caller: Caller, wish: Wish, *, now: datetime) -> CampaignParticipant:
    """Take part like this from now on; all days count for the city chosen last.

    A city is chosen until the campaign ends, the rest until its result is final; whoever wants not to be shown is
    heard at any time. Raises as `acting_in`, and NotTakingPart, CampaignOver, UnknownCity.
    """
    campaign, account = acting_in(tx, code, caller, now=now)
    row, state = hold_participant(tx, code, account.holder_id), campaign.state(now)
    _check_city(campaign, wish.city)
    told = (wish.takes_challenges, wish.city) != (row.takes_challenges, row.city) or (wish.shown and not row.shown)
    if state in (FINAL, CANCELLED) and told:
        raise CampaignOver(state=state)
    if wish.city != row.city and state not in (ANNOUNCED, RUNNING):
        raise CampaignOver(state=state)
    recounted = (wish.shown, wish.city) != (row.shown, row.city)
    _apply(row, wish)
    if recounted:
        _changed(tx, row, now)
    return row


def leave(tx: Session, code: str, caller: Caller, *, now: datetime) -> None:
    """Take part no more: their score goes, until they come again. Not behind the final result, which stands.

    Raises as `acting_in`, and NotTakingPart, CampaignOver.
    """
    campaign, account = acting_in(tx, code, caller, now=now)
    row = hold_participant(tx, code, account.holder_id)
    if campaign.state(now) == FINAL:
        raise CampaignOver(state=FINAL)
    if row.team_id is not None:
        teams.leave_team(tx, campaign, row.holder_id, now=now)
    row.left_at = now
    _changed(tx, row, now)


def count(tx: Session, code: str) -> int:
    """How many accounts take part."""
    there = (CampaignParticipant.campaign == code, CampaignParticipant.left_at.is_(None))
    return tx.scalar(select(func.count()).where(*there)) or 0


def joined_ever(tx: Session, holder_id: UUID) -> set[str]:
    """The campaigns in which an account takes part or took part."""
    return set(tx.scalars(select(CampaignParticipant.campaign).where(CampaignParticipant.holder_id == holder_id)))


def forget(tx: Session, holder_id: UUID, *, now: datetime) -> None:
    """A forgotten member takes part in nothing, and is called and found by nothing they chose."""
    mine = select(CampaignParticipant).where(CampaignParticipant.holder_id == holder_id)
    rows = tx.scalars(mine.order_by(CampaignParticipant.campaign).with_for_update())
    for row in rows.all():
        if row.team_id is not None and row.left_at is None:
            campaign = reading.campaign(tx, row.campaign, now=now)
            teams.leave_team(tx, campaign, holder_id, now=now)
        row.left_at = row.left_at or now
        row.name, row.name_passed, row.city, row.team_id = None, False, None, None
        row.shown, row.takes_challenges = False, False
        _changed(tx, row, now)


def _held(tx: Session, code: str, holder_id: UUID) -> CampaignParticipant | None:
    return tx.get(CampaignParticipant, (holder_id, code), with_for_update=True, populate_existing=True)


def _apply(row: CampaignParticipant, wish: Wish) -> None:
    row.shown, row.takes_challenges, row.city = wish.shown, wish.takes_challenges, wish.city


def _changed(tx: Session, row: CampaignParticipant, now: datetime) -> None:
    """Their score is counted again, for the places and groups they have now."""
    tx.flush()
    scoring.participant_changed(tx, row.campaign, [row.holder_id], now=now)


def _check_city(campaign: CampaignView, city: str | None) -> None:
    if city is not None and city not in campaign.terms.cities:
        raise UnknownCity(city=city)


def _is_within(path: str, departments: Any) -> bool:
    return any(path == department or path.startswith(f"{department}/") for department in departments)
