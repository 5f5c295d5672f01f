"""`flask campaign`: drafted from a file, announced and cancelled by two operators, with what it adds to points."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import update

from backend import campaigns, clock, create_app, points
from backend.campaigns.scoring.models import CampaignScore
from backend.settings import Settings
from tests.backend.campaigns.week import CODE, FIRST, Week, during
from tests.backend.operating import Acting, logged, operator_with_token, run
from tests.backend.world import World

FILE = """\
code: week
programme: members
kind: environment_week
title: 环境周 / Environment week
joining: invitation
starts_at: 2026-06-01 09:00:00
ends_at: 2026-06-08 00:00:00
closes_at: 2026-06-10 00:00:00
terms:
  counting: {methodologies: [metro_ride, bus_ride], daily_acts: {metro_ride: 2}, daily_cap_g: 5000}
  boards: [person-grams-campaign, person-points-day, city-mean_grams-week]
  cities: {'110000': 北京 / Beijing, 310000: 上海 / Shanghai}
  pk: true
  multiplier: 1.5
  multiplied: [metro_ride]
  budget_points: 100000
  rewards:
    - {kind: rank, board: person-grams-campaign, first: 1, last: 3, points: 500}
    - {kind: pk_win, points: 20}
"""


class Desk:
    """Two operators of finance and what they type."""

    def __init__(self, app: Any, world: World, folder: Path) -> None:
        self.app, self.folder, self.printed = app, folder, list[str]()
        self.tokens = {name: operator_with_token(world, name, "finance")[1] for name in ("zhao", "sun")}

    def __call__(self, *arguments: str, by: str = "zhao", refused: str = "") -> str:
        who = ("--operator", by, "--reason", "because")
        done = run(self.app, *arguments, *who, token=self.tokens[by])
        assert done.stderr.startswith(refused) and done.exit_code == (1 if refused else 0), done.output + done.stderr
        return str(done.stderr if refused else done.stdout).strip()

    def told(self, *arguments: str) -> Any:
        done = run(self.app, "campaign", *arguments)
        assert done.exit_code == 0, done.output + done.stderr
        return json.loads(done.stdout)

    def file(self, **replaced: str) -> str:
        text = FILE
        for old, new in replaced.items():
            line = next(line for line in FILE.splitlines() if line.strip().startswith(f"{old}:"))
            text = text.replace(line, line[: line.index(":") + 1] + " " + new)
        path = self.folder / "week.yaml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def decide(self, request: str, *, by: str = "sun", refused: str = "") -> str:
        return self("approval", "decide", request, "--grant", by=by, refused=refused)


@pytest.fixture
def desk(world: World, app: Any, tmp_path: Path) -> Any:
    with time_machine.travel(clock.start_of(date(2026, 5, 20)), tick=False) as moment:
        made = Desk(app, world, tmp_path)
        made.moment = moment  # type: ignore[attr-defined]
        yield made


def test_a_campaign_from_its_file_to_its_end(desk: Any, world: World) -> None:
    tried = desk.told("draft", desk.file(), "--dry-run")
    assert tried["terms"]["multiplier"] == "1.5" and tried["terms"]["cities"]["310000"] == "上海 / Shanghai"
    assert campaigns.drafting.read_plan(tried).as_json() == tried, "what is printed is what is read"
    desk("campaign", "announce", "week", refused="CAMPAIGN_NOT_FOUND")
    assert desk("campaign", "draft", desk.file()) == "week"
    assert desk.told("list")["state"] == "draft"

    asked = desk("campaign", "announce", "week")
    desk.decide(asked, by="zhao", refused="SECOND_OPERATOR_NEEDED")
    desk("campaign", "draft", desk.file(budget_points="50000"))
    desk.decide(asked, refused="CAMPAIGN_CHANGED_MEANWHILE")
    asked = desk("campaign", "announce", "week")
    desk.decide(asked)
    assert desk.told("show", "week")["state"] == "announced"
    desk("campaign", "draft", desk.file(), refused="CAMPAIGN_ANNOUNCED")
    desk("campaign", "announce", "week", refused="CAMPAIGN_ANNOUNCED")
    with world.house.transaction() as tx:
        (item,) = points.multipliers(tx, "members")
        assert (item.campaign, str(item.factor), item.methodologies) == ("week", "3/2", ("metro_ride",))
        assert (item.first_day, item.last_day) == (date(2026, 6, 1), date(2026, 6, 7))
        (budget,) = points.budgets_of(tx, "members")
        assert (budget.scope, budget.scope_code, budget.total, budget.last_day) == ("campaign", "week", 50_000, None)

    made = desk("campaign", "invite", "week", "--note", "研发", "--codes", "2")
    invited = [line.split() for line in made.splitlines()]
    desk("campaign", "uninvite", "week", invited[0][0])
    desk("campaign", "uninvite", "week", invited[0][0], refused="NOT_FOUND")
    shown = desk.told("show", "week")
    assert [bool(item["ended_at"]) for item in shown["invitations"]] == [True, False] and shown["taking_part"] == 0
    assert invited[1][1] not in json.dumps(shown)

    desk.moment.move_to(clock.start_of(date(2026, 6, 3)))  # type: ignore[attr-defined]
    asked = desk("campaign", "cancel", "week")
    desk.decide(asked)
    assert desk.told("show", "week")["state"] == "cancelled"
    desk("campaign", "cancel", "week", refused="CAMPAIGN_OVER")
    with world.house.transaction() as tx:
        (item,) = points.multipliers(tx, "members")
        assert (item.version, item.last_day) == (2, date(2026, 6, 3))
    actions = [row["action"] for row in logged(desk.app, "campaign.")]
    assert actions == [
        *("campaign.drafted", "campaign.announce_requested", "campaign.drafted", "campaign.announce_requested"),
        *("campaign.announce_granted", "campaign.invited", "campaign.invitation_ended"),
        *("campaign.cancel_requested", "campaign.cancel_granted"),
    ]


def test_a_campaign_for_rewards_alone_has_a_budget_and_a_draft_can_be_dropped(desk: Any, world: World) -> None:
    desk("campaign", "draft", desk.file(multiplier="null", multiplied="null"))
    desk.decide(desk("campaign", "announce", "week"))
    with world.house.transaction() as tx:
        assert points.multipliers(tx, "members") == []
        assert [budget.scope_code for budget in points.budgets_of(tx, "members")] == ["week"]
    desk("campaign", "draft", desk.file(code="other"))
    assert "dropped" in desk("campaign", "cancel", "other")
    desk("campaign", "cancel", "other", refused="CAMPAIGN_NOT_FOUND")


@pytest.mark.parametrize(
    ("replaced", "refused"),
    [
        ({"code": "week one"}, "INVALID_CAMPAIGN"),
        ({"programme": "none"}, "UNKNOWN_PROGRAMME"),
        ({"kind": "lottery"}, "INVALID_CAMPAIGN"),
        ({"title": "环境周"}, "INVALID_CAMPAIGN"),
        ({"joining": "departments"}, "INVALID_CAMPAIGN"),
        ({"starts_at": "2026-06-01T09:00:00+08:00"}, "INVALID_CAMPAIGN"),
        ({"starts_at": "2026-05-20 09:00:00"}, "CAMPAIGN_TOO_LATE"),
        ({"ends_at": "2026-06-01 09:00:00"}, "INVALID_CAMPAIGN"),
        ({"closes_at": "2026-06-09 00:00:00"}, "INVALID_CAMPAIGN"),
        ({"counting": "{methodologies: [teleport]}"}, "INVALID_CAMPAIGN"),
        ({"multiplier": "[2]"}, "INVALID_CAMPAIGN"),
        ({"multiplier": "11"}, "INVALID_POINTS_RULE"),
        ({"multiplier": "many"}, "INVALID_POINTS_RULE"),
        ({"pk": "yes"}, "INVALID_CAMPAIGN"),
        ({"cities": "{x: 北京}"}, "INVALID_CAMPAIGN"),
    ],
)
def test_what_cannot_be_held_is_told_before_anybody_agrees(
    desk: Any, replaced: dict[str, str], refused: str
) -> None:
    done = run(desk.app, "campaign", "draft", desk.file(**replaced), "--dry-run")
    assert done.exit_code == 1 and done.stderr.startswith(refused), done.output + done.stderr


def test_spoilt_scores_are_found_and_made_again_from_the_acts(database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week = Week(database_url)
        week.employ({"1": "总部/研发", "2": "总部/财务"})
        week.ride("1", FIRST, "10")
        week.follow()
        app = create_app(Settings.for_tests(database_url=database_url))
        desk = Acting(app, week.company.world, "ada")
        assert json.loads(run(app, "campaign", "compare", CODE, "--json").stdout)["differences"] == 0
        with week.house.transaction() as tx:
            tx.execute(update(CampaignScore).where(CampaignScore.period == "all").values(grams=9_999))
        spoilt = run(app, "campaign", "compare", CODE)
        assert spoilt.exit_code == 1 and "9999" in spoilt.stdout and "3 项不符" in spoilt.stdout, spoilt.output
        done = desk("campaign", "rebuild", CODE)
        assert done.exit_code == 0 and "2 名参与者" in done.stdout, done.output + done.stderr
        assert run(app, "campaign", "compare", CODE).exit_code == 0
        assert week.scores() == {"1": (467, 467, 1)}
        assert [row["action"] for row in logged(app, "campaign.")] == ["campaign.rebuilt"]
        assert run(app, "campaign", "compare", "no-such-week").stderr.startswith("CAMPAIGN_NOT_FOUND")
