"""The desk at which names are checked: at once when they are chosen, and again when nobody could say.

WeChat is asked outside of transactions. A name that could not be checked is kept (`names_to_check`) and not shown; the
desk asks again, and what comes of it is applied by the room the name belongs to, in one transaction with the row.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from backend import clock
from backend.database import transaction
from backend.errors import NotFound, Refusal
from backend.identity.errors import SessionEnded
from backend.identity.public_names.models import FOR_OPERATOR, WAITING, NameToCheck
from backend.identity.public_names.rules import as_shown
from backend.identity.public_names.wechat import NameChecks, Said
from backend.identity.reaching import wechat_openid
from backend.ids import new_id
from backend.lists import upsert_rows
from backend.vault import Vault

#: How many names one round looks at, and how long until a name is asked about again: doubled each time, an hour at
#: most, so that whoever is in the mini-program is asked about within the two hours in which WeChat knows them.
BATCH = 200
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)
#: After this time an operator looks.
GIVEN_UP = timedelta(days=7)

log = structlog.get_logger(__name__)


class NameNotAllowed(Refusal):
    """WeChat's check of public texts does not let this name pass. Nothing was changed."""

    code = "NAME_NOT_ALLOWED"
    status = 422
    title = "该名称未通过内容安全检查，请换一个 / This name did not pass the safety check, please choose another one"


@dataclass(frozen=True, slots=True)
class Checked:
    """A name and what is known of it: it `passed`, or waits, `needs_operator` where WeChat will not be able to say."""

    name: str
    passed: bool
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """A name that waits: who chose it when, for what."""

    id: UUID
    holder_id: UUID
    use: str
    subject: str
    name: str
    chosen_at: datetime
    state: str


class Named(Protocol):
    """A room whose things are called by names that members choose."""

    @property
    def use(self) -> str:
        """What kind of thing it is."""
        ...

    def decide(self, tx: Session, chosen: Chosen, passed: bool) -> None:
        """Show the name from now on, or forget it; do nothing where the thing is called otherwise by now."""
        ...


class NameDesk:
    """Checks names with WeChat (or its twin) for all rooms. `named`: the rooms, one for each use."""

    def __init__(
        self, sessions: sessionmaker[Session], vault: Vault, checks: NameChecks, named: Iterable[Named] = ()
    ) -> None:
        self._sessions, self._vault, self._checks = sessions, vault, checks
        self._named = {one.use: one for one in named}

    def check(self, person_id: UUID, typed: str) -> Checked:
        """A name that this person just chose, asked about outside of any transaction.

        Raises NameRefused by the house's own rules, NameNotAllowed where WeChat does not let it pass.
        """
        name = as_shown(typed)
        said = self._ask(person_id, name)
        if said is Said.RISKY:
            raise NameNotAllowed
        return Checked(name, said is Said.PASS, needs_operator=said is Said.REVIEW)

    def check_waiting(self, of: UUID | None = None, *, stopping: Callable[[], bool] = lambda: False) -> int:
        """One round: ask about what is due again, or all of one person's; returns how many names were decided.

        It ends early when WeChat cannot be asked at all, so that an outage costs one call a round.
        """
        with transaction(self._sessions) as tx:
            due = NameToCheck.next_check_at <= clock.now() if of is None else NameToCheck.holder_id == of
            query = select(NameToCheck).where(NameToCheck.state == WAITING, due)
            query = query.order_by(NameToCheck.next_check_at, NameToCheck.id).limit(BATCH)
            chosen = [_chosen(row) for row in tx.scalars(query)]
        decided = 0
        for one in chosen:
            if stopping():
                break
            said = self._ask(one.holder_id, one.name)
            with transaction(self._sessions) as tx:
                decided += self._note(tx, one, said, now=clock.now())
            if said is Said.LATER:
                break
        return decided

    def decide(self, tx: Session, name_id: UUID, passed: bool) -> Chosen:
        """An operator looked at a name that waits. Raises NotFound."""
        row = tx.scalar(select(NameToCheck).where(NameToCheck.id == name_id).with_for_update())
        if row is None:
            raise NotFound
        chosen = _chosen(row)
        self._apply(tx, row, passed)
        return chosen

    def _ask(self, person_id: UUID, name: str) -> Said:
        """What WeChat says; REVIEW of a name whose chooser WeChat does not know or who is gone."""
        try:
            with transaction(self._sessions) as tx:
                openid = wechat_openid(tx, self._vault, person_id, self._checks.appid)
        except SessionEnded:
            return Said.REVIEW
        return Said.REVIEW if openid is None else self._checks.check(openid, name)

    def _note(self, tx: Session, one: Chosen, said: Said, *, now: datetime) -> int:
        """Write down what was said of a name, unless another one was chosen since. Returns whether it is decided."""
        query = select(NameToCheck).where(NameToCheck.id == one.id)
        row = tx.scalar(query.with_for_update().execution_options(populate_existing=True))
        if row is None:
            return 0
        if said in (Said.PASS, Said.RISKY):
            self._apply(tx, row, said is Said.PASS)
            return 1
        row.attempts += 1
        wait = LONGEST_WAIT if said is Said.UNSEEN else min(FIRST_WAIT * 2 ** min(row.attempts, 10), LONGEST_WAIT)
        row.next_check_at = now + wait
        if said is Said.REVIEW or now - row.chosen_at >= GIVEN_UP:
            row.state = FOR_OPERATOR
        return 0

    def _apply(self, tx: Session, row: NameToCheck, passed: bool) -> None:
        self._named[row.use].decide(tx, _chosen(row), passed)
        log.info("name_checked", use=row.use, name=str(row.id), passed=passed)
        tx.delete(row)
        tx.flush()


def keep(tx: Session, person_id: UUID, use: str, subject: str, checked: Checked | None, *, now: datetime) -> None:
    """What this person now calls something: a name that did not pass waits here, any other ends the waiting."""
    mine = (NameToCheck.holder_id == person_id, NameToCheck.use == use, NameToCheck.subject == subject)
    if checked is None or checked.passed:
        tx.execute(delete(NameToCheck).where(*mine).execution_options(synchronize_session=False))
        return
    row = {"holder_id": person_id, "use": use, "subject": subject, "id": new_id(), "name": checked.name}
    state = FOR_OPERATOR if checked.needs_operator else WAITING
    row |= {"state": state, "chosen_at": now, "attempts": 0, "next_check_at": now + FIRST_WAIT}
    upsert_rows(tx, NameToCheck, [row], key=("holder_id", "use", "subject"))


def drop(tx: Session, use: str, subject: str) -> None:
    """Nobody is to be called so any more: what anybody chose for it is forgotten."""
    gone = delete(NameToCheck).where(NameToCheck.use == use, NameToCheck.subject == subject)
    tx.execute(gone.execution_options(synchronize_session=False))


def waiting(tx: Session, *, for_operator: bool = True, limit: int = 200) -> list[Chosen]:
    """Names that wait, the oldest first; those alone that an operator has to look at unless all are asked for."""
    query = select(NameToCheck).order_by(NameToCheck.chosen_at, NameToCheck.id).limit(limit)
    if for_operator:
        query = query.where(NameToCheck.state == FOR_OPERATOR)
    return [_chosen(row) for row in tx.scalars(query)]


def forget_names(tx: Session, person_id: UUID) -> None:
    """Forget what a person chose and nobody checked."""
    gone = delete(NameToCheck).where(NameToCheck.holder_id == person_id)
    tx.execute(gone.execution_options(synchronize_session=False))


def _chosen(row: NameToCheck) -> Chosen:
    return Chosen(row.id, row.holder_id, row.use, row.subject, row.name, row.chosen_at, row.state)
