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
TABLES = (
    *("agreements", "account_references"),
    *("rosters", "staff_members", "departments", "staff_departments", "staff_terms"),
)


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


def _create_roster_tables() -> None:
    op.create_table(
        "rosters",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("pull_url", sa.Text(), nullable=True),
        sa.Column("sealed_pull_token", sa.LargeBinary(), nullable=True),
        sa.Column("pulled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pull_outcome", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_rosters_programme_programmes")),
        sa.PrimaryKeyConstraint("programme", name=op.f("pk_rosters")),
    )
    op.create_table(
        "staff_members",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("staff_no_index", sa.LargeBinary(), nullable=False),
        sa.Column("joined", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("name_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("last_day IS NULL OR last_day >= joined", name=op.f("ck_staff_members_days")),
        sa.ForeignKeyConstraint(
            ["holder_id", "programme"],
            ["enrolments.holder_id", "enrolments.programme"],
            name=op.f("fk_staff_members_holder_id_programme_enrolments"),
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_staff_members_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_members")),
        sa.UniqueConstraint("programme", "staff_no_index", "joined", name=op.f("uq_staff_members_programme_staff_no_index_joined")),
    )
    op.create_index("ix_staff_members_holder_id", "staff_members", ["holder_id"])
    op.create_table(
        "departments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_departments_programme_programmes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_departments")),
        sa.UniqueConstraint("programme", "path", name=op.f("uq_departments_programme_path")),
    )
    op.create_table(
        "staff_departments",
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("department_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"], ["departments.id"], name=op.f("fk_staff_departments_department_id_departments")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["staff_members.id"], name=op.f("fk_staff_departments_member_id_staff_members")
        ),
        sa.PrimaryKeyConstraint("member_id", "since", name=op.f("pk_staff_departments")),
    )
    op.create_table(
        "staff_terms",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("leaver_keeps_days", sa.Integer(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("leaver_keeps_days BETWEEN 0 AND 3650", name=op.f("ck_staff_terms_keeps")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_staff_terms_programme_programmes")),
        sa.PrimaryKeyConstraint("programme", "in_force_from", name=op.f("pk_staff_terms")),
    )


def upgrade() -> None:
    _create_agreement_tables()
    _create_roster_tables()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
