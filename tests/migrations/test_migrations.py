"""Migrations make exactly the models, on both databases, and can be walked down and up again."""

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
