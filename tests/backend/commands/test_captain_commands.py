"""`flask captain`: operators name who speaks for a department, and that is written down."""

import json
from typing import Any

import time_machine

from tests.backend.campaigns.week import CODE, Week, during
from tests.backend.operating import logged, operator_with_token, run

A, B = "总部/研发", "总部/财务"


def test_an_operator_names_and_dismisses_captains(app: Any, database_url: str) -> None:
    with time_machine.travel(during(), tick=False):
        week: Any = Week(database_url, pk=True)
        week.employ({"1": A, "2": A, "3": B})
        token = operator_with_token(week, "wang", "administrator")[1]

        def captain(*arguments: str, refused: str = "") -> None:
            done = run(app, "captain", *arguments, "--operator", "wang", "--reason", "as agreed", token=token)
            assert done.exit_code == bool(refused) and done.stderr.startswith(refused), done.output + done.stderr

        captain("name", CODE, A, "1")
        captain("name", CODE, A, "2")
        captain("name", CODE, B, "2", refused="INVALID_CAMPAIGN")
        captain("name", CODE, "总部", "2", refused="INVALID_CAMPAIGN")
        captain("name", CODE, B, "9", refused="NOT_TAKING_PART")
        captain("dismiss", CODE, B, refused="INVALID_CAMPAIGN")
        listed = [json.loads(line) for line in run(app, "captain", "list", CODE).stdout.splitlines()]
        assert [(row["department"], row["holder_id"]) for row in listed] == [(A, str(week.staff["2"]))]
        captain("dismiss", CODE, A)
        assert run(app, "captain", "list", CODE).stdout == ""
        noted = [(row["action"], row.get("before"), row.get("after")) for row in logged(app, "campaign.")]
        first, second = str(week.staff["1"]), str(week.staff["2"])
        assert sorted(noted, key=str) == sorted(
            [
                ("campaign.captain_named", {"captain": None}, {"captain": first}),
                ("campaign.captain_named", {"captain": first}, {"captain": second}),
                ("campaign.captain_dismissed", {"captain": second}, None),
            ],
            key=str,
        )
