"""Migrations make exactly the models, on both databases, and can be walked down and up again."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

import backend.cli
import backend.sandbox.conformance.models  # noqa: F401  (together they know every table)
from backend.database import Base, alembic_config, make_engine
from backend.ledger import CHART

#: What is never changed or removed: a change of a consent within three years, a day and its differences once closed.
NEVER_CHANGED = (
    *("ledger_transactions", "ledger_transfers", "quantification_bases", "restatements"),
    "employer_reports",
    *("campaign_finals", "campaign_final_scores", "campaign_corrections"),
    *("campaign_challenge_scores", "campaign_challenge_results"),
    "points_grants",
    *("operator_log", "approval_requests", "approval_decisions", "approval_executions"),
    *("partner_batches", "partner_key_changes", "consent_changes"),
    *("points_budget_changes", "points_set_aside", "points_cover_switches", "points_liability"),
    *("points_rules", "points_multipliers", "points_cuts"),
    *("commute_terms", "lesson_versions", "lesson_publications"),
    *("reconciliation_days", "reconciliation_differences"),
    *("redemption_steps", "redemption_limits"),
    "declaration_terms",
    "forest_surveys",
    *("reward_terms", "reward_audiences", "reward_stock_changes", "reward_answers"),
)


@pytest.fixture
def schema(database_url: str) -> Iterator[Engine]:
    """An engine on a database that the migrations brought to the newest schema."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("sqlite://")).get_heads()) == 1


def test_the_newest_schema_is_the_models(schema: Engine) -> None:
    with schema.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_checks_are_there_by_name(schema: Engine) -> None:
    """Comparing metadata passes over CHECK constraints; the books rest on them."""
    found = inspect(schema)
    for table in Base.metadata.sorted_tables:
        named = {check["name"] for check in found.get_check_constraints(table.name)}
        meant = {str(check.name) for check in table.constraints if check.__visit_name__ == "check_constraint"}
        assert {name for name in meant if name.startswith("ck_")} <= named, table.name


def test_what_is_never_changed_is_refused_by_the_database(schema: Engine) -> None:
    """No metadata know of triggers: one that is forgotten shows nowhere else."""
    triggers = "SELECT event_object_table, 'BEFORE ' || event_manipulation FROM information_schema.triggers"
    if schema.dialect.name == "sqlite":
        triggers = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'"
    with schema.connect() as connection:
        rows = connection.execute(text(triggers)).all()
    found = {(table, re.findall("BEFORE (UPDATE|DELETE)", said)[0]) for table, said in rows}
    assert found == {(table, verb) for table in NEVER_CHANGED for verb in ("UPDATE", "DELETE")}


def test_the_chart_of_accounts_is_in_the_database(schema: Engine) -> None:
    with schema.connect() as connection:
        rows = connection.execute(text("SELECT name, asset, system FROM ledger_accounts")).all()
    assert {row.name: (row.asset, bool(row.system)) for row in rows} == {
        account.name: (account.asset, account.system) for account in CHART.values()
    }


def test_down_to_nothing_and_up_again(schema: Engine, database_url: str) -> None:
    before = shape(schema)
    command.downgrade(alembic_config(database_url), "base")
    assert set(inspect(schema).get_table_names()) <= {"alembic_version"}
    command.upgrade(alembic_config(database_url), "head")
    assert shape(schema) == before


def shape(engine: Engine) -> dict[str, Any]:
    """Tables with their columns, indexes and keys, as the database tells them."""
    found = inspect(engine)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
            sorted(str(index["name"]) for index in found.get_indexes(table)),
            sorted(str(key["name"]) for key in found.get_foreign_keys(table)),
            sorted(str(key["name"]) for key in found.get_unique_constraints(table)),
            sorted(str(check["name"]) for check in found.get_check_constraints(table)),
        )
        for table in sorted(found.get_table_names())
    }


def test_upgrading_twice_changes_nothing(schema: Engine, database_url: str) -> None:
    before = shape(schema)
    command.upgrade(alembic_config(database_url), "head")
    assert shape(schema) == before


def test_an_empty_sqlite_file_in_a_new_folder(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/not/yet/there/carbon.sqlite3"
    command.upgrade(alembic_config(url), "head")
    engine = make_engine(url)
    assert "ledger_transfers" in inspect(engine).get_table_names()
    engine.dispose()
