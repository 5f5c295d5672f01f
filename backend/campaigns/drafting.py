"""Drafting: a campaign as an operator writes it down, read strictly, tried against what the programme has, and kept."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from backend import activities, clock, identity
from backend.campaigns.errors import CampaignAnnounced, CampaignNotFound, InvalidCampaign
from backend.campaigns.models import Campaign
from backend.campaigns.policy import (
    DEPARTMENTS,
    JOINING,
    KINDS,
    LONGEST,
    LONGEST_CLOSING,
    days_between,
    names_methodologies,
)
from backend.campaigns.reading import CampaignView
from backend.campaigns.terms import Terms, read_terms
from backend.lists import insert_rows
from backend.points import CampaignPoints

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_INSTANT = "%Y-%m-%d %H:%M:%S"
#: A PK is settled with what arrives in the two days behind it.
SHORTEST_CLOSING_WITH_PK = timedelta(days=2)
LONGEST_TITLE = 80


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign that is to be held (see `Campaign`)."""

    code: str
    programme: str
    kind: str
    title: str
    joining: str
    starts_at: datetime
    ends_at: datetime
    closes_at: datetime
    terms: Terms

    def as_json(self) -> dict[str, Any]:
        """What `read_plan` reads: instants as Shanghai has them."""
        names = ("code", "programme", "kind", "title", "joining")
        stated = {name: getattr(self, name) for name in names}
        for name in ("starts_at", "ends_at", "closes_at"):
            stated[name] = getattr(self, name).astimezone(clock.SHANGHAI).strftime(_INSTANT)
        return stated | {"terms": self.terms.as_json()}

    def points(self) -> CampaignPoints:
        """What the campaign does to points, on every day that has a part in it."""
        days = days_between(self.starts_at, self.ends_at)
        terms = self.terms
        named = (self.programme, self.code, self.title, days[0], days[-1])
        return CampaignPoints(*named, terms.multiplier, terms.multiplied, terms.budget_points)


def read_plan(stated: Any) -> Plan:
    """The campaign that this mapping states, without asking what there is in the house. Raises InvalidCampaign."""
    names = set(Plan.__dataclass_fields__)
    if not isinstance(stated, Mapping) or set(stated) != names:
        given = set(stated) if isinstance(stated, Mapping) else set()
        raise InvalidCampaign(field="campaign", missing=sorted(names - given), unknown=sorted(map(str, given - names)))
    plan = Plan(
        code=_text("code", stated["code"], _CODE.fullmatch),
        programme=_text("programme", stated["programme"], _CODE.fullmatch),
        kind=_one_of("kind", stated["kind"], KINDS),
        title=_title(stated["title"]),
        joining=_one_of("joining", stated["joining"], JOINING),
        **{name: _instant(name, stated[name]) for name in ("starts_at", "ends_at", "closes_at")},
        terms=read_terms(stated["terms"]),
    )
    for field, problem in _faults(plan):
        raise InvalidCampaign(field=field, problem=problem)
    return plan


def _faults(plan: Plan) -> Iterable[tuple[str, str]]:
    """What does not fit together."""
    closing = plan.closes_at - plan.ends_at
    if not plan.starts_at < plan.ends_at <= plan.starts_at + LONGEST:
        yield "ends_at", f"behind the beginning, by {LONGEST.days} days at most"
    if not timedelta(0) <= closing <= LONGEST_CLOSING:
        yield "closes_at", f"at the end or behind it, by {LONGEST_CLOSING.days} days at most"
    if plan.terms.pk and closing < SHORTEST_CLOSING_WITH_PK:
        yield "closes_at", "a PK needs two days behind the end"
    if (plan.joining == DEPARTMENTS) != bool(plan.terms.departments):
        yield "departments", "named where joining is by departments, and only there"
    for title in plan.terms.cities.values():
        if not _is_bilingual(title):
            yield "cities", "a title is 中文 / English"


def check_plan(tx: Session, plan: Plan) -> None:
    """Whether the programme has what the plan names. Raises UnknownProgramme, InvalidCampaign."""
    programme, terms = identity.require_programme(tx, plan.programme), plan.terms
    counting = terms.counting
    named = {*(counting.methodologies or ()), *counting.daily_acts, *(terms.multiplied or ())}
    if unknown := names_methodologies(named, activities.library().codes):
        raise InvalidCampaign(field="methodologies", problem=f"unknown: {', '.join(unknown)}")
    if (terms.department_depth or terms.departments) and programme.kind != "staff":
        raise InvalidCampaign(field="departments", problem="only a staff programme has departments")
    if unknown := sorted(set(terms.departments) - _known_paths(tx, plan.programme)):
        raise InvalidCampaign(field="departments", problem=f"not on the roster: {', '.join(unknown)}")


def _known_paths(tx: Session, programme: str) -> set[str]:
    """Every department of the roster, and those above it."""
    found: set[str] = set()
    for path in identity.roster.department_paths(tx, programme):
        parts = path.split("/")
        found.update("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    return found


def draft(tx: Session, plan: Plan, *, now: datetime) -> None:
    """Keep a plan; a draft of the same code is replaced. Raises as `check_plan`, and CampaignAnnounced."""
    check_plan(tx, plan)
    before = held(tx, plan.code)
    if before is not None and before.announced_at is not None:
        raise CampaignAnnounced(campaign=plan.code)
    if before is not None:
        tx.delete(before)
        tx.flush()
    insert_rows(tx, Campaign, [_row(plan) | {"drafted_at": now}])


def drop(tx: Session, code: str) -> None:
    """Throw a draft away. Raises CampaignNotFound, CampaignAnnounced."""
    if require_held(tx, code).announced_at is not None:
        raise CampaignAnnounced(campaign=code)
    tx.execute(delete(Campaign).where(Campaign.code == code))


def save_campaign(tx: Session, plan: Plan, *, now: datetime, announced_at: datetime) -> bool:
    """Write an announced campaign; one that exists already is left as it is, and False.

    This sets a house up: what members take part in is announced by two operators (`announcing`).
    """
    row = _row(plan) | {"drafted_at": now, "announced_at": announced_at}
    return bool(insert_rows(tx, Campaign, [row], on_conflict=("code",), returning=("code",)))


def plan_of(view: CampaignView) -> Plan:
    """The plan of a campaign as it is kept."""
    return Plan(**{name: getattr(view, name) for name in Plan.__dataclass_fields__})


def held(tx: Session, code: str) -> Campaign | None:
    """The campaign or draft of this code, held until commit."""
    query = select(Campaign).where(Campaign.code == code).with_for_update(key_share=True)
    return tx.scalar(query.execution_options(populate_existing=True))


def require_held(tx: Session, code: str) -> Campaign:
    """The campaign or draft of this code, held until commit. Raises CampaignNotFound."""
    row = held(tx, code)
    if row is None:
        raise CampaignNotFound(campaign=code)
    return row


def _row(plan: Plan) -> dict[str, Any]:
    row = {name: getattr(plan, name) for name in Plan.__dataclass_fields__}
    empty = dict.fromkeys(("approval_id", "announced_at", "cancelled_at", "final_at"))
    return row | {"terms": plan.terms.text()} | empty


def _text(name: str, value: Any, fits: Callable[[str], Any]) -> str:
    if not isinstance(value, str) or not fits(value):
        raise InvalidCampaign(field=name, problem="letters, digits, - and _")
    return value


def _one_of(name: str, value: Any, known: Collection[str]) -> str:
    if not isinstance(value, str) or value not in known:
        raise InvalidCampaign(field=name, problem=f"one of {', '.join(known)}")
    return value


def _title(value: Any) -> str:
    if not isinstance(value, str) or not _is_bilingual(value):
        raise InvalidCampaign(field="title", problem=f"中文 / English, {LONGEST_TITLE} characters at most")
    return value


def _is_bilingual(value: str) -> bool:
    zh, _, en = value.partition(" / ")
    return bool(zh.strip() and en.strip()) and len(value) <= LONGEST_TITLE and value.isprintable()


def _instant(name: str, value: Any) -> datetime:
    """A second in Asia/Shanghai, as UTC."""
    try:
        if not isinstance(value, str) or len(value) != 19 or not value.isascii():
            raise ValueError(value)
        return datetime.strptime(value, _INSTANT).replace(tzinfo=clock.SHANGHAI).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidCampaign(field=name, problem="an instant in Shanghai: 2026-06-01 00:00:00") from None
