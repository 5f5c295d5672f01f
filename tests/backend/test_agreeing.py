"""Members whom tests link and let agree in one go stand in the database as those who did it by themselves."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from backend import identity
from backend.identity.links import CONTEXT
from backend.identity.models import Consent, ConsentChange, PartnerLink
from backend.identity.persons import person_sealer
from tests.backend.agreeing import agree_to_all, link_everywhere
from tests.backend.world import PARTNERS, World

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SCENES = [(partner, scene) for partner, (scene, _) in PARTNERS.items()]


def rows_of(world: World, tx: Any, holder: UUID, name: str) -> list[dict[str, Any]]:
    """Everything that is written, without what is each person's own."""
    found: list[dict[str, Any]] = []
    for table in (PartnerLink.__table__, Consent.__table__, ConsentChange.__table__):
        query = select(table).where(table.c.holder_id == holder).order_by(*table.primary_key)
        for row in tx.execute(query).mappings():
            assert row.get("decided_by", holder) == holder
            plain = {key: value for key, value in row.items() if key not in ("id", "holder_id", "decided_by")}
            if table is PartnerLink.__table__:
                partner, sealed = plain["partner"], plain.pop("sealed_user_ref")
                assert person_sealer(tx, world.house.vault, holder).open(sealed, CONTEXT) == name.encode()
                assert plain.pop("user_ref_index") == identity.user_ref_index(world.house.vault, partner, name)
            found.append(plain)
    return found


def test_what_is_written_in_one_go_is_what_the_public_verbs_write(database_url: str) -> None:
    world = World(database_url)
    vault = world.house.vault
    with world.house.transaction() as tx:
        for name in ("verbs", "rows"):
            holder = identity.recognise_person(tx, vault, [("wechat_openid", name)], now=NOW)
            identity.enrol_in_consumer_programmes(tx, holder, now=NOW)
            if name == "rows":
                for _ in range(2):  # what stands already is left alone
                    link_everywhere(tx, vault, holder, name, PARTNERS, programme="members", now=NOW)
                    agree_to_all(tx, holder, SCENES, now=NOW)
                at_once = rows_of(world, tx, holder, name)
                continue
            for partner in PARTNERS:
                member: dict[str, Any] = {"holder_id": holder, "partner": partner, "now": NOW}
                identity.link_partner_user(tx, vault, **member, user_ref=name, programme="members")
                identity.set_consent(tx, **member, scene=PARTNERS[partner][0], granted=True)
            one_by_one = rows_of(world, tx, holder, name)
    assert at_once == one_by_one
    assert len(at_once) == 3 * len(PARTNERS)
