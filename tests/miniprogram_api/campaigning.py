"""Staff of a company in its environment week, logged in at the API."""

from functools import cache
from typing import Any

from backend import clock, identity
from backend.campaigns.scoring import participants_of
from tests.backend.campaigns.week import CODE, Week
from tests.miniprogram_api.world import API

CAMPAIGN = f"/campaigns/{CODE}"


class Staff:
    """Calls of employees, by their staff number."""

    def __init__(self, week: Week, app: Any) -> None:
        self.week, self.app = week, app
        self.token = cache(self._token)

    def call(self, number: str, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token(number)}"}
        return self.app.test_client().open(API + path, method=method, json=body, headers=headers)

    def participant(self, number: str) -> str:
        """What others know somebody by."""
        with self.week.house.transaction() as tx:

            holder = self.week.staff[number]
            return str(participants_of(tx, CODE, [holder])[holder].id)

    def _token(self, number: str) -> str:
        now, holder = clock.now(), self.week.staff[number]
        with self.week.house.transaction() as tx:
            session = identity.start_session(tx, holder, now=now)
        keys = self.app.extensions["house"].settings.token_keys
        return identity.issue_access(keys[0], holder, session.session_id, now, 10**8)
