"""Leavers keep their points for a while, are refused afterwards, and are as before when they come back."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from backend import clock, identity, points
from backend.identity import roster
from backend.points.models import Lot
from tests.backend.company import Company
from tests.backend.world import World

TODAY = clock.today()


def ends(tx: Any, holder: Any) -> list[datetime]:
    """When the lots of a holder lapse."""
    return list(tx.scalars(select(Lot.expires_at).where(Lot.holder_id == holder)))


def test_a_leavers_points_lapse_with_the_terms_of_their_last_day(world: World) -> None:
    company = Company(world)
    staff = {"1": "A", "2": "A"}
    company.import_list(staff, TODAY - timedelta(days=9))
    company.rides(("1", TODAY - timedelta(days=4), "10"), ("2", TODAY - timedelta(days=4), "10"))
    leaver, stayer = company.staff["1"], company.staff["2"]
    with company.house.transaction() as tx:
        # Announced now, in force behind the last day of the first: their terms are those that stood then.
        tomorrow = TODAY + timedelta(days=1)
        roster.set_terms(tx, "acme", in_force_from=tomorrow, leaver_keeps_days=5, now=clock.now())
        with pytest.raises(roster.TermsBackdated):
            roster.set_terms(tx, "acme", in_force_from=TODAY, leaver_keeps_days=5, now=clock.now())
        before = ends(tx, stayer)
    company.import_list({"2": "A"}, TODAY)  # the first one's last day was yesterday

    end = TODAY + timedelta(days=roster.LEAVER_KEEPS_DAYS - 1)
    session = company.house.transaction
    with session() as tx:
        assert roster.leavers(tx, now=clock.now()) == [(leaver, "acme", end)]
        assert points.end_with_employment(tx, now=clock.now()) == 1
        assert points.end_with_employment(tx, now=clock.now()) == 0
        assert ends(tx, leaver) == [clock.start_of_day_after(end, 1)] and ends(tx, stayer) == before

    acting = {"person_id": leaver, "account_id": leaver, "programme": "acme"}
    with session() as tx:
        login = identity.start_session(tx, leaver, now=clock.start_of(end)).session_id
        assert identity.act_for(tx, **acting, session_id=login, now=clock.start_of(end)).account_kind == "staff"
        with pytest.raises(roster.StaffTermEnded):
            identity.act_for(tx, **acting, session_id=login, now=clock.start_of_day_after(end, 1))
    with session() as tx:
        later = clock.start_of_day_after(end, 1)
        points.ripen(tx, now=later)
        assert points.lapse(tx, now=later) == 1
    company.world.check_books()
    company.import_list(staff, TODAY)
    with session() as tx:
        assert roster.leavers(tx, now=clock.now()) == []
