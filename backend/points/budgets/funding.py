"""Funding budgets: opened and changed by what is put in and taken out, decided by two operators."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from backend import identity
from backend.errors import NotFound
from backend.lists import insert_rows
from backend.points.budgets.models import Budget, BudgetChange
from backend.points.errors import BudgetBelowDrawn, InvalidBudget, UnknownMultiplier
from backend.points.rules import multipliers

SCOPES = ("programme", "partner", "campaign")
#: More points than anybody means; what is above it is a slip of the keyboard.
LARGEST = 10**15


@dataclass(frozen=True, slots=True)
class NewBudget:
    """A budget to be opened. `title` is what members read, `中文 / English`; no `last_day`: until it is used up."""

    programme: str
    scope: str
    scope_code: str
    title: str
    first_day: date
    last_day: date | None
    points: int

    def as_facts(self) -> dict[str, Any]:
        """As a request for approval keeps it."""
        days = {"first_day": self.first_day.isoformat(), "last_day": self.last_day and self.last_day.isoformat()}
        return asdict(self) | days

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> "NewBudget":
        """From what a request for approval keeps."""
        named = {field.name: facts[field.name] for field in fields(cls)}
        last_day = named["last_day"] and date.fromisoformat(named["last_day"])
        return cls(**named | {"first_day": date.fromisoformat(named["first_day"]), "last_day": last_day})

    def check(self, tx: Session, *, for_rewards: bool = False) -> None:
        """Raises UnknownProgramme, InvalidBudget, and UnknownMultiplier where no such campaign would draw from it.

        `for_rewards`: the campaign's rewards draw from it, whether it multiplies or not.
        """
        identity.require_programme(tx, self.programme)
        faults = {
            "scope": self.scope not in SCOPES,
            "scope_code": not self.scope_code or (self.scope == "programme" and self.scope_code != self.programme),
            "title": not self.title.strip(),
            "last_day": self.last_day is not None and self.last_day < self.first_day,
            "points": not 0 < self.points <= LARGEST,
        }
        if wrong := [name for name, fault in faults.items() if fault]:
            raise InvalidBudget(wrong=wrong)
        if self.scope == "campaign" and not for_rewards:
            self._check_campaign(tx)

    def _check_campaign(self, tx: Session) -> None:
        """A limit nobody ever draws on is no limit: the campaign multiplies in this programme, on some of its days."""
        found = [item for item in multipliers(tx, self.programme) if item.campaign == self.scope_code]
        if not found:
            raise UnknownMultiplier(programme=self.programme, campaign=self.scope_code)
        (campaign,) = found
        never = {
            "first_day": self.first_day > campaign.last_day,
            "last_day": self.last_day is not None and self.last_day < campaign.first_day,
            "scope_code": campaign.last_day < campaign.first_day,
        }
        if wrong := [name for name, fault in never.items() if fault]:
            raise InvalidBudget(wrong=wrong, campaign_days=[campaign.first_day, campaign.last_day])


def open_budget(
    tx: Session,
    budget: NewBudget,
    *,
    now: datetime,
    announced_on: date | None = None,
    approval_id: UUID | None = None,
    for_rewards: bool = False,
) -> int:
    """Open a budget and return its number.

    This sets a house up: what limits what members earn is `request_new_budget`. `announced_on`: the day before the
    first day where it is not told. `for_rewards`: as in `NewBudget.check`. Raises UnknownProgramme, InvalidBudget,
    UnknownMultiplier.
    """
    budget.check(tx, for_rewards=for_rewards)
    row = {
        "programme": budget.programme,
        "scope": budget.scope,
        "scope_code": budget.scope_code,
        "title": budget.title,
        "announced_on": announced_on or budget.first_day - timedelta(days=1),
        "first_day": budget.first_day,
        "last_day": budget.last_day,
        "total": budget.points,
        "drawn": 0,
    }
    while True:  # of two opened at once the second takes the next number
        number = (tx.scalar(select(func.max(Budget.number))) or 0) + 1
        if insert_rows(tx, Budget, [{"number": number, **row}], on_conflict=("number",), returning=("number",)):
            break
    _note(tx, number, 1, budget.points, approval_id, now)
    return number


def check_change(tx: Session, number: int, points: int) -> None:
    """Hold a budget and see whether it can be changed by so many points. Raises as `change_budget`."""
    held = select(Budget.total, Budget.drawn).where(Budget.number == number).with_for_update(key_share=True)
    row = tx.execute(held).one_or_none()
    if row is None:
        raise NotFound
    if not points or row.total + points > LARGEST:
        raise InvalidBudget(wrong=["points"])
    if row.total + points < row.drawn:
        raise BudgetBelowDrawn(total=row.total, drawn=row.drawn)


def change_budget(tx: Session, number: int, points: int, *, now: datetime, approval_id: UUID | None = None) -> None:
    """Put points (> 0) into a budget, or take some (< 0) out that are not drawn.

    Raises NotFound, InvalidBudget, BudgetBelowDrawn.
    """
    check_change(tx, number, points)
    last = tx.scalar(select(func.max(BudgetChange.sequence)).where(BudgetChange.budget == number)) or 0
    _note(tx, number, last + 1, points, approval_id, now)
    tx.execute(
        update(Budget)
        .values(total=Budget.total + points, warned_at=None, used_up_at=None)
        .where(Budget.number == number)
        .execution_options(synchronize_session=False)
    )


def _note(tx: Session, number: int, sequence: int, points: int, approval_id: UUID | None, now: datetime) -> None:
    row = {"budget": number, "sequence": sequence, "points": points, "approval_id": approval_id, "changed_at": now}
    insert_rows(tx, BudgetChange, [row])
