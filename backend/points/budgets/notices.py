"""What budgets say to people: sentences for members, and a line in the logs for operators, once."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import structlog
from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from backend.bilingual import halves
from backend.points.budgets.models import Budget
from backend.points.budgets.reading import LOW_PERCENT, BudgetView, budgets_of

log = structlog.get_logger(__name__)

#: What a notice says of a budget: at least 80 % are drawn, all is, or its days are over.
BUDGET_STATES = ("low", "used_up", "ended")
#: Scope → which acts a budget is for, and what they no longer earn.
_ACTS = {
    "programme": ({"zh": "行为", "en": "acts"}, {"zh": "积分", "en": "points"}),
    "partner": ({"zh": "经该合作平台的行为", "en": "acts through this partner"}, {"zh": "积分", "en": "points"}),
    "campaign": ({"zh": "行为", "en": "acts"}, {"zh": "该活动的积分", "en": "points of this campaign"}),
}


def budget_notices(tx: Session, programme: str, day: date) -> list[dict[str, Any]]:
    """What members should know about the budgets for acts of this day: `low`, `used_up` or `ended`, in words.

    Nothing is said of a budget that has enough, and nothing where there is none.
    """
    known = budgets_of(tx, programme)
    notices = []
    for scope, code in dict.fromkeys((item.scope, item.scope_code) for item in known):
        same = [item for item in known if (item.scope, item.scope_code) == (scope, code)]
        begun = [item for item in same if item.first_day <= day]
        covering = [item for item in begun if item.covers(day)]
        later = min((item.first_day for item in same if item.first_day > day), default=None)
        if begun and not covering:
            last = max(begun, key=lambda item: (item.last_day or day, item.number))
            notices.append(_notice(last, "ended", _until(last, later)))
        for item in covering:
            if item.low:
                state = "low" if item.left else "used_up"
                notices.append(_notice(item, state, _until(item, later)))
    return notices


def _until(item: BudgetView, later: date | None) -> dict[str, str]:
    if later is not None:
        return {"zh": f" {later} 下一期预算开始", "en": f"the next budget begins on {later}"}
    return {"zh": "预算增加", "en": "more is put into it"}


def _notice(item: BudgetView, state: str, until: dict[str, str]) -> dict[str, Any]:
    acts, points = _ACTS[item.scope]
    title = halves(item.title)
    nothing = {
        "zh": f"{acts['zh']}的减排量照常入账，但在{until['zh']}之前不再获得{points['zh']}。",
        "en": f"{acts['en']} are credited in grams, but earn no {points['en']} until {until['en']}.",
    }
    sentences = {
        "low": {
            "zh": f"“{title['zh']}”已使用 {LOW_PERCENT}% 以上。用完之后，{nothing['zh']}",
            "en": f"At least {LOW_PERCENT} % of “{title['en']}” is used. Once it is used up, {nothing['en']}",
        },
        "used_up": {
            "zh": f"“{title['zh']}”已用完：{nothing['zh']}",
            "en": f"“{title['en']}” is used up: {nothing['en']}",
        },
        "ended": {
            "zh": f"“{title['zh']}”已于 {item.last_day} 结束：{nothing['zh']}",
            "en": f"“{title['en']}” ended on {item.last_day}: {nothing['en']}",
        },
    }
    return {"scope": item.scope, "scope_code": item.scope_code, "state": state, "sentence": sentences[state]}


def warn_of_budgets(tx: Session, *, now: datetime) -> int:
    """Log each budget that became low, and each that is used up, once; more put into it begins anew.

    Returns how many lines were written.
    """
    low = _newly(tx, "warned_at", 100 * Budget.drawn >= LOW_PERCENT * Budget.total, now)
    used_up = _newly(tx, "used_up_at", Budget.drawn == Budget.total, now)
    for event, numbers in (("budget_low", low), ("budget_used_up", used_up)):
        for item in budgets_of(tx) if numbers else ():
            if item.number in numbers:
                facts = {"programme": item.programme, "scope": item.scope, "scope_code": item.scope_code}
                log.warning(event, budget=item.number, total=item.total, drawn=item.drawn, **facts)
    return len(low) + len(used_up)


def _newly(tx: Session, mark: str, condition: ColumnElement[bool], now: datetime) -> Sequence[int]:
    """Mark the budgets of which this has become true."""
    marked = Budget.__table__.c[mark]
    held = select(Budget.number).where(marked.is_(None), condition, Budget.total > 0).order_by(Budget.number)
    numbers = list(tx.scalars(held.with_for_update(key_share=True)))
    if numbers:
        changed = update(Budget).where(Budget.number.in_(numbers)).values({mark: now})
        tx.execute(changed.execution_options(synchronize_session=False))
    return numbers
