"""The campaigns of the sandbox: one that runs this week, and a season, each loaded once."""

from datetime import date

import time_machine

from backend import build_house, campaigns, clock, points
from backend.sandbox import campaign, programme
from backend.settings import Settings


def test_a_week_runs_whenever_the_sandbox_is_begun_and_nothing_is_loaded_twice(database_url: str) -> None:
    house = build_house(Settings.for_tests(database_url=database_url))
    with time_machine.travel(clock.start_of(date(2026, 11, 25)), tick=False) as moment:
        programme.load(house)
        code = campaign.load(house)
        assert code == campaign.load(house) == "environment-week-2026-48"
        with house.transaction() as tx:
            states = {item.code: item.state(clock.now()) for item in campaigns.every(tx)}
            people = {code: campaigns.joining.count(tx, code) for code in states}
            budgets = [item.scope_code for item in points.budgets_of(tx, programme.PROGRAMME)]
        consenting = sum(member.consenting for member in programme.MEMBERS)
        assert states == {code: "running", campaign.SEASON: "running"}
        assert people == {code: consenting, campaign.SEASON: consenting}
        assert budgets == [programme.PROGRAMME, code]
        moment.shift(7 * 86_400)
        later = campaign.load(house)
        with house.transaction() as tx:
            states = {item.code: item.state(clock.now()) for item in campaigns.every(tx)}
            assert campaigns.joining.count(tx, later) == consenting
        assert states == {code: "closing", later: "running", campaign.SEASON: "closing"}
