"""People and groups: staff, classes, and what comes in about them without a consent of each.

House rules for a migration:
* It must not break the release before it: add first, use later, remove in a third migration.
* It runs on PostgreSQL and on SQLite, and says what happens to rows that exist.
* Published facts (ledger, activities, quantification bases) are never rewritten.

Only new tables: no row that exists is touched. One function per room, in the order of the alphabet where keys allow it.

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: What is written here is never changed or removed: corrections are new rows.
APPEND_ONLY: tuple[str, ...] = ()
#: Every table of this migration, each behind those it refers to.
TABLES = ("agreements", "account_references")


def _refuse_changes(table: str) -> None:
    """Let the database itself refuse to change or remove a row."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def _create_agreement_tables() -> None:
    op.create_table(
        "agreements",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("in_force_until", sa.Date(), nullable=True),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "in_force_until IS NULL OR in_force_until >= in_force_from", name=op.f("ck_agreements_days")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_agreements_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_agreements_programme_programmes")),
        sa.PrimaryKeyConstraint("programme", "source", "in_force_from", name=op.f("pk_agreements")),
    )
    op.create_table(
        "account_references",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("reference_index", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_account_references_days")),
        sa.ForeignKeyConstraint(
            ["holder_id", "programme"],
            ["enrolments.holder_id", "enrolments.programme"],
            name=op.f("fk_account_references_holder_id_enrolments"),
        ),
        sa.PrimaryKeyConstraint("programme", "reference_index", "since", name=op.f("pk_account_references")),
    )
    op.create_index("ix_account_references_holder_id", "account_references", ["holder_id"])
    op.create_index("ix_account_references_named_at", "account_references", ["named_at"])


def upgrade() -> None:
    _create_agreement_tables()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
