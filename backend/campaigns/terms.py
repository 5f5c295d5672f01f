"""The terms of a campaign: what operators write and two of them agree on, read strictly, kept as canonical JSON."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backend.campaigns.errors import InvalidCampaign
from backend.campaigns.policy import GROUPS, Board, Counting, board_named
from backend.strict_json import canonical

#: Who is given what when the campaign is final: by rank on a board, for taking part, for winning a PK.
BY_RANK, BY_TAKING_PART, BY_PK = "rank", "taking_part", "pk_win"
REWARDS = (BY_RANK, BY_TAKING_PART, BY_PK)
MOST_POINTS = 1_000_000
_GRADES = frozenset({"E1", "E2", "E3"})


@dataclass(frozen=True, slots=True)
class Reward:
    """Points for each of those it goes to.

    `rank`: from place `first` to `last` on `board` (of persons, over the whole campaign), who shares a place included.
    `taking_part`: who has counted acts on at least `days` days. `pk_win`: each who took part in a PK on the winning
    side.
    """

    kind: str
    points: int
    board: str | None = None
    first: int | None = None
    last: int | None = None
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """Everything of a campaign that is not in a column of its own.

    `department_depth`: how many parts of a department's path name the department that is counted (0: none are).
    `departments`: paths whose employees may join (with everybody below them). `cities`: code → `中文 / English`, one
    of which a participant chooses. `multiplier`: factor (exact, as text) on the points of acts of the `multiplied`
    methodologies (None: all). `budget_points`: what rewards and bonuses may cost together.
    """

    counting: Counting = field(default_factory=Counting)
    boards: tuple[Board, ...] = ()
    department_depth: int = 0
    departments: tuple[str, ...] = ()
    cities: Mapping[str, str] = field(default_factory=dict)
    teams: bool = False
    team_size: int = 20
    pk: bool = False
    multiplier: str | None = None
    multiplied: tuple[str, ...] | None = None
    budget_points: int | None = None
    rewards: tuple[Reward, ...] = ()

    def groups(self) -> tuple[str, ...]:
        """The kinds of groups whose boards there are."""
        return tuple(kind for kind in GROUPS if any(board.subject == kind for board in self.boards))

    def as_json(self) -> dict[str, Any]:
        """What `read_terms` reads."""
        counting = self.counting
        return {
            "counting": {
                "methodologies": _sorted(counting.methodologies),
                "grades": _sorted(counting.grades),
                "daily_acts": dict(sorted(counting.daily_acts.items())),
                "daily_cap_g": counting.daily_cap_g,
                "daily_cap_points": counting.daily_cap_points,
            },
            "boards": [board.name for board in self.boards],
            "department_depth": self.department_depth,
            "departments": list(self.departments),
            "cities": dict(sorted(self.cities.items())),
            "teams": self.teams,
            "team_size": self.team_size,
            "pk": self.pk,
            "multiplier": self.multiplier,
            "multiplied": list(self.multiplied) if self.multiplied is not None else None,
            "budget_points": self.budget_points,
            "rewards": [{name: getattr(item, name) for name in Reward.__dataclass_fields__} for item in self.rewards],
        }

    def text(self) -> str:
        """The terms as they are stored: the same terms are the same text."""
        return canonical(self.as_json())


def _sorted(names: frozenset[str] | None) -> list[str] | None:
    return None if names is None else sorted(names)


def read_terms(stated: Mapping[str, Any]) -> Terms:
    """The terms that this mapping states; keys that are left out are as in `Terms`. Raises InvalidCampaign.

    Whether methodologies exist and departments are known is asked where a campaign is drafted.
    """
    given = _mapping("terms", stated, set(Terms.__dataclass_fields__))
    known: dict[str, Callable[[Any], Any]] = {
        "counting": _counting,
        "boards": lambda value: tuple(_board(item) for item in _list("boards", value, 40)),
        "department_depth": lambda value: _whole("department_depth", value, 0, 10),
        "departments": lambda value: tuple(_texts("departments", value)),
        "cities": lambda value: {
            _text("cities", k, 20): _text("cities", v, 80) for k, v in _mapping("cities", value).items()
        },
        "teams": lambda value: _yes_no("teams", value),
        "team_size": lambda value: _whole("team_size", value, 2, 500),
        "pk": lambda value: _yes_no("pk", value),
        "multiplier": lambda value: None if value is None else _text("multiplier", _number(value), 20),
        "multiplied": lambda value: None if value is None else tuple(_texts("multiplied", value)),
        "budget_points": lambda value: _maybe_whole("budget_points", value, 1, 1_000_000_000),
        "rewards": lambda value: tuple(_reward(item) for item in _list("rewards", value, 40)),
    }
    terms = Terms(**{name: known[name](value) for name, value in given.items()})
    _fit(terms)
    return terms


def _fit(terms: Terms) -> None:
    """Whether the parts fit each other."""
    if len(set(terms.boards)) < len(terms.boards):
        raise InvalidCampaign(field="boards", problem="a board is named twice")
    missing = [kind for kind, there in _means_of(terms).items() if kind in terms.groups() and not there]
    if missing:
        raise InvalidCampaign(field="boards", problem=f"there is no group of this kind: {', '.join(missing)}")
    for reward in terms.rewards:
        if reward.kind == BY_RANK and reward.board not in {board.name for board in terms.boards}:
            raise InvalidCampaign(field="rewards", problem=f"the campaign has no board {reward.board}")
        if reward.kind == BY_PK and not terms.pk:
            raise InvalidCampaign(field="rewards", problem="there is no PK in this campaign")
    if terms.rewards and terms.budget_points is None:
        raise InvalidCampaign(field="budget_points", problem="rewards need a budget")


def _means_of(terms: Terms) -> dict[str, bool]:
    return {"department": terms.department_depth > 0, "city": bool(terms.cities), "team": terms.teams, "class": True}


def _counting(stated: Any) -> Counting:
    given = _mapping("counting", stated, set(Counting.__dataclass_fields__))
    grades = given.get("grades")
    if grades is not None and not set(_texts("grades", grades)) <= _GRADES:
        raise InvalidCampaign(field="grades", problem="grades are E1, E2 and E3")
    codes = given.get("methodologies")
    return Counting(
        methodologies=None if codes is None else frozenset(_texts("methodologies", codes)),
        grades=None if grades is None else frozenset(grades),
        daily_acts={
            _text("daily_acts", code, 64): _whole("daily_acts", most, 1, 1_000)
            for code, most in _mapping("daily_acts", given.get("daily_acts", {})).items()
        },
        daily_cap_g=_maybe_whole("daily_cap_g", given.get("daily_cap_g"), 1, 1_000_000_000),
        daily_cap_points=_maybe_whole("daily_cap_points", given.get("daily_cap_points"), 1, 1_000_000_000),
    )


def _cities(stated: Any) -> dict[str, str]:
    return {_text("cities", code, 20): _text("cities", title, 80) for code, title in _mapping("cities", stated).items()}


def _board(name: Any) -> Board:
    board = board_named(name) if isinstance(name, str) else None
    if board is None:
        raise InvalidCampaign(field="boards", problem=f"there is no board {str(name)[:80]}")
    return board


def _reward(stated: Any) -> Reward:
    given = _mapping("rewards", stated, set(Reward.__dataclass_fields__))
    kind, points = given.get("kind"), _whole("points", given.get("points"), 1, MOST_POINTS)
    wanted = {BY_RANK: {"board", "first", "last"}, BY_TAKING_PART: {"days"}, BY_PK: set()}.get(str(kind))
    told = {name for name, value in given.items() if value is not None} - {"kind", "points"}
    if wanted is None or told != wanted:
        raise InvalidCampaign(
            field="rewards", problem="rank: board, first, last; taking_part: days; pk_win: nothing else"
        )
    if kind == BY_RANK:
        board = _board(given["board"])
        first, last = _whole("first", given["first"], 1, 1_000_000), _whole("last", given["last"], 1, 1_000_000)
        if last < first or board.subject != "person" or board.period_kind != "campaign":
            raise InvalidCampaign(field="rewards", problem="places of a person-…-campaign board, first to last")
        return Reward(kind, points, board.name, first, last)
    if kind == BY_TAKING_PART:
        return Reward(kind, points, days=_whole("days", given["days"], 1, 366))
    return Reward(BY_PK, points)


# -- what a value has to be -------------------------------------------------------------------------------------------


def _mapping(name: str, value: Any, keys: set[str] | None = None) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidCampaign(field=name, problem="not a mapping of names")
    if keys is not None and (unknown := sorted(set(value) - keys)):
        raise InvalidCampaign(field=name, problem=f"unknown: {', '.join(unknown)}")
    return value


def _list(name: str, value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise InvalidCampaign(field=name, problem=f"a list of at most {most}")
    return value


def _texts(name: str, value: Any) -> list[str]:
    found = [_text(name, item, 400) for item in _list(name, value, 200)]
    if len(set(found)) < len(found):
        raise InvalidCampaign(field=name, problem="something stands there twice")
    return found


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > longest or not value.isprintable():
        raise InvalidCampaign(field=name, problem=f"a text of 1 to {longest} characters")
    return value


def _number(value: Any) -> Any:
    """A whole number as the exact text it stands for."""
    return str(value) if type(value) is int else value


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise InvalidCampaign(field=name, problem=f"a whole number from {least} to {most}")
    return value


def _maybe_whole(name: str, value: Any, least: int, most: int) -> int | None:
    return None if value is None else _whole(name, value, least, most)


def _yes_no(name: str, value: Any) -> bool:
    if type(value) is not bool:
        raise InvalidCampaign(field=name, problem="true or false")
    return value
