"""Alembic's environment: one schema for PostgreSQL and SQLite, taken from the models of every component."""

import os
from typing import Any

from alembic import context
from sqlalchemy import text

import backend.activities.models
import backend.approvals
import backend.calendar_days
import backend.campaigns.awards.models
import backend.campaigns.car_free.models
import backend.campaigns.challenges.models
import backend.campaigns.closing.models
import backend.campaigns.live.models
import backend.campaigns.models
import backend.campaigns.scoring.models
import backend.declarations.models
import backend.employer.models
import backend.forest.models
import backend.identity.agreements.models
import backend.identity.merging.models
import backend.identity.models
import backend.identity.public_names.models
import backend.identity.roster.models
import backend.identity.staff_login.models
import backend.jobs
import backend.learning.models
import backend.ledger.models
import backend.operator_log
import backend.outbox
import backend.partners.models
import backend.partners.reconciliation
import backend.points.budgets.models
import backend.points.cover.models
import backend.points.models
import backend.rewards.catalogue.models
import backend.rewards.orders.models
import backend.rewards.redemptions.models
import backend.sandbox.conformance.models
import backend.school.models
import backend.settlement.models
import backend.steps.models
import backend.sync.models  # noqa: F401  (the models register themselves)
from backend.database import Base, Instant, make_engine
from backend.settings import Settings


def database_url() -> str:
    """Where to migrate: what the caller says, else what the environment says."""
    given = context.config.attributes.get("database_url") or os.environ.get("DATABASE_URL")
    return str(given) if given else Settings.from_environment().database_url


def render_item(kind: str, item: Any, _autogen: Any) -> str | bool:
    """House types are written so that a migration can be read without the house."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    return False


def run() -> None:
    """Migrate in one transaction; a migration that has to wait for locks gives up instead of stopping the service."""
    engine = make_engine(database_url())
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
        )
        context.run_migrations()
    engine.dispose()


run()
