"""Donating steps: once per key, however often and wherever the request arrives.

One transaction does all of it: key, act with its points, steps, trees and certificates commit together or not at all.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from backend import activities, clock, idempotency, identity, ledger, settlement
from backend.activities import Contended
from backend.database import transaction
from backend.errors import Refusal
from backend.forest import planting, teams
from backend.forest.effect import SOURCE, statement, transaction_of
from backend.forest.errors import DonationNotCounted, DonationTooSmall, ForestClosed, ForestFull, InsufficientSteps
from backend.forest.models import ForestAdopter, ForestDonation, ForestProject, ForestTree
from backend.forest.naming import DONOR, donor
from backend.forest.projects import require_project, takes_steps
from backend.idempotency import Answer, Asked, IdempotencyKeyReused, RequestUnderWay
from backend.identity import Acting, Receiver, public_names
from backend.ids import new_id
from backend.ledger import InsufficientBalance
from backend.settlement import Draft, Outcome
from backend.vault import Vault

OPERATION = "POST /step-donations"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """What a login asks for on behalf of an account.

    `sign_as`: what certificates shall call the donor once it is checked; for a team they carry its name.
    """

    person_id: UUID
    session_id: UUID
    account_id: UUID
    project: str
    steps: int
    team_id: UUID | None = None
    sign_as: str | None = None

    def said(self) -> dict[str, object]:
        how = {"team_id": self.team_id, "sign_as": self.sign_as}
        return {"account_id": self.account_id, "project": self.project, "steps": self.steps, **how}


def donate(sessions: sessionmaker[Session], vault: Vault, wish: Wish, key: str) -> Answer:
    """Donate, or repeat what was answered under this key. A refusal by the house is an answer too, and is kept.

    Raises what is not: SessionEnded, GuardianNeeded, NotEnrolled, ForestNotFound, IdempotencyKeyReused,
    RequestUnderWay.
    """
    asked = idempotency.ask(vault, wish.person_id, key, OPERATION, wish.said())
    for left in reversed(range(_TRIES)):
        try:
            return _attempt(sessions, vault, wish, asked)
        except (OperationalError, Contended):  # a deadlock, or a batch in between, is no fault of the member's
            if not left:
                raise
    raise AssertionError("unreachable")


def _attempt(sessions: sessionmaker[Session], vault: Vault, wish: Wish, asked: Asked) -> Answer:
    donation_id, may_act = new_id(), False
    try:
        with transaction(sessions) as tx:
            now = clock.now()
            project, acting = _acting(tx, wish, now)
            may_act = True
            found = idempotency.take(tx, asked, donation_id, now=now)
            if found is not None:
                return _repeated(found.answer)
            answer = Answer(201, _text(_carry_out(tx, vault, wish, project, acting, donation_id, now)))
            idempotency.finish(tx, asked, answer)
            return answer
    except Refusal as refusal:
        if not may_act or isinstance(refusal, IdempotencyKeyReused | RequestUnderWay):
            raise
        refused = refusal
    with transaction(sessions) as tx:  # what was refused is rolled back by now; an earlier answer stands before this
        now, answer = clock.now(), idempotency.answer_of(refused)
        _acting(tx, wish, now)
        found = idempotency.take(tx, asked, wish.person_id, now=now, answer=answer)
        return answer if found is None else _repeated(found.answer)


def _acting(tx: Session, wish: Wish, now: datetime) -> tuple[ForestProject, Acting]:
    project = require_project(tx, wish.project)
    who = {"person_id": wish.person_id, "session_id": wish.session_id, "account_id": wish.account_id}
    return project, identity.act_for(tx, **who, programme=project.programme, now=now)


def _repeated(answer: Answer | None) -> Answer:
    if answer is None:
        raise RequestUnderWay
    return answer


def _carry_out(
    tx: Session,
    vault: Vault,
    wish: Wish,
    project: ForestProject,
    acting: Acting,
    donation_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    if wish.sign_as is not None and wish.team_id is None:
        name = public_names.Checked(public_names.as_shown(wish.sign_as), passed=False)
        public_names.keep(tx, wish.person_id, DONOR, donor(wish.account_id, project.code), name, now=now)
    if not takes_steps(project, clock.day_of(now)):
        raise ForestClosed(opens_on=project.opens_on, closes_on=project.closes_on)
    if wish.steps < project.smallest_donation:
        raise DonationTooSmall(smallest=project.smallest_donation)
    team = None if wish.team_id is None else teams.hold_team(tx, wish.account_id, wish.team_id, project.programme)
    outcome = _settle(tx, vault, wish, acting, donation_id, now)
    donation = _donation(wish, project, donation_id, outcome, now)
    try:
        ledger.post(tx, [transaction_of(donation)], now=now)
    except InsufficientBalance:
        available = ledger.balances(tx, wish.account_id).get(project.programme, {}).get("steps.available", 0)
        raise InsufficientSteps(available=available) from None
    adopter = planting.hold_adopter(tx, donation.adopter_id, project.code, is_team=team is not None)
    adopter.signed_as = team.name if team is not None else adopter.signed_as
    trees = _give(tx, adopter, donation, now)
    return _told(donation, adopter, trees, outcome)


def _settle(tx: Session, vault: Vault, wish: Wish, acting: Acting, donation_id: UUID, now: datetime) -> Outcome:
    """The donation as an act: 0 g, points by rule. Raises DonationNotCounted."""
    named = {"partner": SOURCE, "order_no": str(donation_id)}
    draft = Draft("step_donation", {"steps": wish.steps}, named, now, "E2")
    receiver = Receiver(acting.holder_id, acting.programme, acting.wrapped_key)
    (outcome,) = settlement.settle(tx, vault, [statement(donation_id, receiver, lambda _: draft)], now=now)
    if outcome.status != "issued":
        raise DonationNotCounted(reason=activities.sentence(outcome.code))
    return outcome


def _donation(wish: Wish, project: ForestProject, donation_id: UUID, outcome: Outcome, now: datetime) -> ForestDonation:
    assert outcome.activity is not None
    return ForestDonation(
        holder_id=wish.account_id,
        id=donation_id,
        programme=project.programme,
        project=project.code,
        adopter_id=wish.team_id or wish.account_id,
        steps=wish.steps,
        planted=0,
        state=planting.STANDING,
        activity_id=outcome.activity[1],
        transaction_id=new_id(),
        act_ended=False,
        donated_at=now,
        withdrawn_at=None,
    )


def _give(tx: Session, adopter: ForestAdopter, donation: ForestDonation, now: datetime) -> list[ForestTree]:
    """Add the steps to what is gathered, and adopt what they pay for. Raises ForestFull."""
    tx.add(donation)
    adopter.gathered += donation.steps
    tx.flush()
    trees, enough = planting.plant(tx, adopter, now=now)
    if not enough or not (trees or planting.has_trees_left(tx, adopter.project)):
        raise ForestFull
    return trees


def _told(
    donation: ForestDonation, adopter: ForestAdopter, trees: list[ForestTree], outcome: Outcome
) -> dict[str, Any]:
    return {
        "id": str(donation.id),
        "project": donation.project,
        "steps": donation.steps,
        "activity_id": str(donation.activity_id),
        "points": outcome.points,
        "gathered": adopter.gathered,
        "certificates": [tree.number for tree in trees],
    }


def _text(said: dict[str, Any]) -> str:
    return json.dumps(said, ensure_ascii=False)
