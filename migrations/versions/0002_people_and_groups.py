"""People and groups: staff, classes, and what comes in about them without a consent of each.

House rules for a migration:
* It must not break the release before it: add first, use later, remove in a third migration.
* It runs on PostgreSQL and on SQLite, and says what happens to rows that exist.
* Published facts (ledger, activities, quantification bases) are never rewritten.

Only new tables, and accounts for steps in the chart: no row that exists is touched. One function per room, in the order of the alphabet where keys allow it.

Revision: 0002, after: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Whole numbers that may exceed 32 bits.
AMOUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
#: What is written here is never changed or removed: corrections are new rows.
APPEND_ONLY: tuple[str, ...] = (
    *("declaration_terms", "commute_terms", "forest_surveys"),
    *("lesson_versions", "lesson_publications"),
    *("employer_reports",),
)
#: Every table of this migration, each behind those it refers to.
TABLES = (
    *("agreements", "account_references"),
    *("calendar_days", "commute_terms"),
    *("lessons", "lesson_versions", "lesson_publications", "article_readings", "quiz_attempts"),
    *("rosters", "staff_members", "departments", "staff_departments", "staff_terms"),
    *("wechat_session_keys", "step_days", "step_permission_ends", "step_platforms"),
    *("employer_reports",),
    *("declaration_terms", "declarations", "declaration_photos"),
    *("forest_projects", "forest_teams", "forest_team_members", "forest_adopters"),
    *("forest_donations", "forest_trees", "forest_tree_parts", "forest_surveys"),
    *("person_merges", "merge_proposals"),
    *("staff_login_providers", "staff_login_attempts", "staff_login_tokens"),
    *("schools", "school_terms", "school_trip_distances", "school_classes", "school_class_years"),
    *("school_seats", "school_seat_places", "school_seat_claims", "school_meter_readings", "school_meter_shares"),
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


def _create_employer_tables() -> None:
    op.create_table(
        "employer_reports",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("group_floor", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("group_floor >= 5", name=op.f("ck_employer_reports_group_floor")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_employer_reports_operator_id_operators")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_employer_reports_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "month", name=op.f("pk_employer_reports")),
    )


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
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_staff_members_programme_programmes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_members")),
        sa.UniqueConstraint(
            "programme", "staff_no_index", "joined", name=op.f("uq_staff_members_programme_staff_no_index_joined")
        ),
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


def _open_step_accounts() -> None:
    op.bulk_insert(
        sa.table(
            "ledger_accounts",
            sa.column("name", sa.Text),
            sa.column("asset", sa.Text),
            sa.column("system", sa.Boolean),
        ),
        [
            {"name": "steps.pending", "asset": "steps", "system": False},
            {"name": "steps.available", "asset": "steps", "system": False},
            {"name": "issuer.steps", "asset": "steps", "system": True},
            {"name": "donated.steps", "asset": "steps", "system": True},
        ],
    )


def _create_step_tables() -> None:
    op.create_table(
        "wechat_session_keys",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_session", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_wechat_session_keys_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "session_id", name=op.f("pk_wechat_session_keys")),
    )
    op.create_index("ix_wechat_session_keys_expires_at", "wechat_session_keys", ["expires_at"])
    op.create_table(
        "step_days",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("spendable", sa.Integer(), nullable=False),
        sa.Column("spendable_from", sa.Date(), nullable=False),
        sa.Column("flag", sa.Text(), nullable=True),
        sa.Column("review", sa.Text(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "0 <= spendable AND spendable <= counted AND counted <= steps", name=op.f("ck_step_days_parts")
        ),
        sa.CheckConstraint("counted <= 30000", name=op.f("ck_step_days_most")),
        sa.CheckConstraint("review IN ('waiting', 'released', 'refused')", name=op.f("ck_step_days_review")),
        sa.CheckConstraint("(flag IS NULL) = (review IS NULL)", name=op.f("ck_step_days_flagged")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_step_days_holder_id_holders")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_step_days_programme_programmes")),
        sa.PrimaryKeyConstraint("holder_id", "day", name=op.f("pk_step_days")),
    )
    op.create_index("ix_step_days_day_steps", "step_days", ["day", "steps"])
    op.create_index("ix_step_days_spendable_from", "step_days", ["spendable_from"])
    op.create_table(
        "step_permission_ends",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_step_permission_ends_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "source", name=op.f("pk_step_permission_ends")),
    )
    op.create_table(
        "step_platforms",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.Column("pulled_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_step_platforms_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_step_platforms")),
    )


def _create_merging_tables() -> None:
    op.create_table(
        "person_merges",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("survivor_id", sa.Uuid(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.Uuid(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("holder_id <> survivor_id", name=op.f("ck_person_merges_two_holders")),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_by IS NULL)", name=op.f("ck_person_merges_ended")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_person_merges_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by"], ["approval_requests.id"], name=op.f("fk_person_merges_ended_by_approval_requests")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_person_merges_holder_id_holders")),
        sa.ForeignKeyConstraint(["survivor_id"], ["holders.id"], name=op.f("fk_person_merges_survivor_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "approval_id", name=op.f("pk_person_merges")),
    )
    op.create_index("ix_person_merges_survivor_id", "person_merges", ["survivor_id"])
    op.create_index(
        "uq_person_merges_open",
        "person_merges",
        ["holder_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        sqlite_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "merge_proposals",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("holder_id <> other_id", name=op.f("ck_merge_proposals_two_holders")),
        sa.CheckConstraint("cause IN ('phone', 'staff_login')", name=op.f("ck_merge_proposals_cause")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_merge_proposals_holder_id_holders")),
        sa.ForeignKeyConstraint(["other_id"], ["holders.id"], name=op.f("fk_merge_proposals_other_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "other_id", "cause", name=op.f("pk_merge_proposals")),
    )
    op.create_index("ix_merge_proposals_other_id", "merge_proposals", ["other_id"])


def _create_calendar_tables() -> None:
    op.create_table(
        "calendar_days",
        sa.Column("calendar", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('working_day', 'make_up_working_day', 'rest_day', 'public_holiday')"
            " OR (kind IN ('school_day', 'no_school_day') AND calendar <> 'CN')",
            name=op.f("ck_calendar_days_kind"),
        ),
        sa.CheckConstraint("status IN ('announced', 'provisional')", name=op.f("ck_calendar_days_status")),
        sa.PrimaryKeyConstraint("calendar", "day", name=op.f("pk_calendar_days")),
    )
    op.create_table(
        "commute_terms",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("commute_days", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "commute_days IN ('every_day', 'working_days')", name=op.f("ck_commute_terms_commute_days")
        ),
        sa.CheckConstraint("version >= 1 AND in_force_from > announced_on", name=op.f("ck_commute_terms_announced")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_commute_terms_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_commute_terms_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "version", name=op.f("pk_commute_terms")),
    )


def _create_declaration_tables() -> None:
    op.create_table(
        "declaration_terms",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=False),
        sa.Column("daily_acts", sa.Integer(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "window_days BETWEEN 0 AND 90 AND daily_acts BETWEEN 0 AND 50", name=op.f("ck_declaration_terms_measure")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_declaration_terms_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "in_force_from", name=op.f("pk_declaration_terms")),
    )
    op.create_table(
        "declarations",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("methodology", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("expected_g", AMOUNT, nullable=False),
        sa.Column("expected_points", AMOUNT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("appealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_appeal", sa.LargeBinary(), nullable=True),
        sa.Column("appeal_decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("appeal_decided_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('in_review', 'approved', 'refused', 'in_appeal', 'withdrawn')", name=op.f("ck_declarations_state")
        ),
        sa.CheckConstraint(
            "(state IN ('in_review', 'withdrawn')) = (decided_at IS NULL)", name=op.f("ck_declarations_decided")
        ),
        sa.CheckConstraint(
            "state NOT IN ('refused', 'in_appeal') OR reason IS NOT NULL", name=op.f("ck_declarations_reason")
        ),
        sa.CheckConstraint("(state = 'approved') = (activity_id IS NOT NULL)", name=op.f("ck_declarations_act")),
        sa.CheckConstraint(
            "state <> 'in_appeal' OR (appealed_at IS NOT NULL AND appeal_decided_at IS NULL)",
            name=op.f("ck_declarations_appeal"),
        ),
        sa.CheckConstraint(
            "appeal_decided_at IS NULL OR appealed_at IS NOT NULL", name=op.f("ck_declarations_appealed_before")
        ),
        sa.CheckConstraint("appeal_decided_by <> decided_by", name=op.f("ck_declarations_two_operators")),
        sa.CheckConstraint("started_at IS NULL OR ended_at > started_at", name=op.f("ck_declarations_window")),
        sa.ForeignKeyConstraint(
            ["appeal_decided_by"], ["operators.id"], name=op.f("fk_declarations_appeal_decided_by_operators")
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["operators.id"], name=op.f("fk_declarations_decided_by_operators")),
        sa.ForeignKeyConstraint(
            ["holder_id", "activity_id"],
            ["activities.holder_id", "activities.id"],
            name=op.f("fk_declarations_holder_id_activity_id_activities"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_declarations_holder_id_holders")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_declarations_programme_programmes")),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_declarations")),
    )
    op.create_index("ix_declarations_holder_day", "declarations", ["holder_id", "day"])
    op.create_index("ix_declarations_activity", "declarations", ["holder_id", "activity_id"])
    waiting = sa.text("state IN ('in_review', 'in_appeal')")
    op.create_index(
        "ix_declarations_waiting",
        "declarations",
        ["state", "declared_at"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
    _create_photo_table()


def _create_photo_table() -> None:
    op.create_table(
        "declaration_photos",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("declaration_id", sa.Uuid(), nullable=True),
        sa.Column("content_index", sa.LargeBinary(), nullable=False),
        sa.Column("band_1", sa.Integer(), nullable=False),
        sa.Column("band_2", sa.Integer(), nullable=False),
        sa.Column("band_3", sa.Integer(), nullable=False),
        sa.Column("band_4", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_after", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(sealed IS NULL) = (deleted_at IS NOT NULL)", name=op.f("ck_declaration_photos_deleted")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "declaration_id"],
            ["declarations.holder_id", "declarations.id"],
            name=op.f("fk_declaration_photos_holder_id_declaration_id_declarations"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_declaration_photos_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_declaration_photos")),
    )
    op.create_index(
        "ix_declaration_photos_content", "declaration_photos", ["holder_id", "content_index"], unique=True
    )
    op.create_index("ix_declaration_photos_declaration", "declaration_photos", ["holder_id", "declaration_id"])
    there = sa.text("sealed IS NOT NULL")
    op.create_index(
        "ix_declaration_photos_delete_after",
        "declaration_photos",
        ["delete_after"],
        postgresql_where=there,
        sqlite_where=there,
    )
    for band in ("band_1", "band_2", "band_3", "band_4"):
        op.create_index(f"ix_declaration_photos_{band}", "declaration_photos", [band])


def _create_staff_login_tables() -> None:
    op.create_table(
        "staff_login_providers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('wecom', 'oidc')", name=op.f("ck_staff_login_providers_kind")),
        sa.CheckConstraint(
            "(sealed_secret IS NULL) = (retired_at IS NOT NULL)", name=op.f("ck_staff_login_providers_retired")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_staff_login_providers_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_staff_login_providers")),
    )
    provider = [["provider"], ["staff_login_providers.code"]]
    op.create_table(
        "staff_login_attempts",
        sa.Column("state_digest", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("verifier_digest", sa.LargeBinary(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(*provider, name=op.f("fk_staff_login_attempts_provider_staff_login_providers")),
        sa.PrimaryKeyConstraint("state_digest", name=op.f("pk_staff_login_attempts")),
    )
    op.create_index("ix_staff_login_attempts_expires_at", "staff_login_attempts", ["expires_at"])
    op.create_table(
        "staff_login_tokens",
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(*provider, name=op.f("fk_staff_login_tokens_provider_staff_login_providers")),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_staff_login_tokens")),
    )


def _create_forest_tables() -> None:
    op.create_table(
        "forest_projects",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("species", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("steps_per_tree", sa.Integer(), nullable=False),
        sa.Column("smallest_donation", sa.Integer(), nullable=False),
        sa.Column("trees_offered", sa.Integer(), nullable=False),
        sa.Column("trees_adopted", sa.Integer(), nullable=False),
        sa.Column("opens_on", sa.Date(), nullable=False),
        sa.Column("closes_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "0 < smallest_donation AND smallest_donation <= steps_per_tree", name=op.f("ck_forest_projects_price")
        ),
        sa.CheckConstraint(
            "0 <= trees_adopted AND trees_adopted <= trees_offered", name=op.f("ck_forest_projects_trees")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_forest_projects_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_forest_projects")),
    )
    op.create_table(
        "forest_teams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_forest_teams_programme_programmes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forest_teams")),
        sa.UniqueConstraint("code_index", name=op.f("uq_forest_teams_code_index")),
    )
    op.create_table(
        "forest_adopters",
        sa.Column("adopter_id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("is_team", sa.Boolean(), nullable=False),
        sa.Column("gathered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("signed_as", sa.Text(), nullable=True),
        sa.CheckConstraint("gathered >= 0", name=op.f("ck_forest_adopters_gathered")),
        sa.ForeignKeyConstraint(
            ["project"], ["forest_projects.code"], name=op.f("fk_forest_adopters_project_forest_projects")
        ),
        sa.PrimaryKeyConstraint("adopter_id", "project", name=op.f("pk_forest_adopters")),
    )
    op.create_table(
        "forest_surveys",
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("surveyed_on", sa.Date(), nullable=False),
        sa.Column("alive", sa.Integer(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("0 <= alive AND alive <= counted AND counted > 0", name=op.f("ck_forest_surveys_trees")),
        sa.ForeignKeyConstraint(
            ["project"], ["forest_projects.code"], name=op.f("fk_forest_surveys_project_forest_projects")
        ),
        sa.PrimaryKeyConstraint("project", "surveyed_on", name=op.f("pk_forest_surveys")),
    )
    op.create_table(
        "forest_team_members",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_forest_team_members_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["team_id"], ["forest_teams.id"], name=op.f("fk_forest_team_members_team_id_forest_teams")
        ),
        sa.PrimaryKeyConstraint("holder_id", "team_id", name=op.f("pk_forest_team_members")),
    )
    op.create_index("ix_forest_team_members_team_id", "forest_team_members", ["team_id"], unique=False)
    op.create_table(
        "forest_donations",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("adopter_id", sa.Uuid(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("planted", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("act_ended", sa.Boolean(), nullable=False),
        sa.Column("donated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state = 'standing' OR (state = 'withdrawn' AND planted = 0)", name=op.f("ck_forest_donations_state")
        ),
        sa.CheckConstraint("0 <= planted AND planted <= steps AND steps > 0", name=op.f("ck_forest_donations_planted")),
        sa.ForeignKeyConstraint(
            ["adopter_id", "project"],
            ["forest_adopters.adopter_id", "forest_adopters.project"],
            name="fk_forest_donations_adopter",
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_forest_donations_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_forest_donations_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_forest_donations")),
        sa.UniqueConstraint("holder_id", "activity_id", name=op.f("uq_forest_donations_holder_id_activity_id")),
    )
    op.create_index("ix_forest_donations_adopter", "forest_donations", ["adopter_id", "project", "id"], unique=False)
    op.create_table(
        "forest_trees",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("adopter_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("signed_as", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("adopted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'adopted') = (withdrawn_at IS NULL)", name=op.f("ck_forest_trees_state")),
        sa.ForeignKeyConstraint(
            ["adopter_id", "project"],
            ["forest_adopters.adopter_id", "forest_adopters.project"],
            name="fk_forest_trees_adopter",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_forest_trees")),
        sa.UniqueConstraint("number", name=op.f("uq_forest_trees_number")),
    )
    op.create_index("ix_forest_trees_adopter", "forest_trees", ["adopter_id", "id"], unique=False)
    op.create_table(
        "forest_tree_parts",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("donation_id", sa.Uuid(), nullable=False),
        sa.Column("tree_id", sa.Uuid(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.CheckConstraint("steps > 0", name=op.f("ck_forest_tree_parts_steps")),
        sa.ForeignKeyConstraint(
            ["holder_id", "donation_id"],
            ["forest_donations.holder_id", "forest_donations.id"],
            name="fk_forest_tree_parts_donation",
        ),
        sa.ForeignKeyConstraint(
            ["tree_id"], ["forest_trees.id"], name=op.f("fk_forest_tree_parts_tree_id_forest_trees")
        ),
        sa.PrimaryKeyConstraint("holder_id", "donation_id", "tree_id", name=op.f("pk_forest_tree_parts")),
    )
    op.create_index("ix_forest_tree_parts_tree_id", "forest_tree_parts", ["tree_id"], unique=False)


def _create_learning_tables() -> None:
    op.create_table(
        "lessons",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('article', 'quiz')", name=op.f("ck_lessons_kind")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_lessons_programme_programmes")),
        sa.PrimaryKeyConstraint("programme", "code", name=op.f("pk_lessons")),
    )
    op.create_table(
        "lesson_versions",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_lesson_versions_version")),
        sa.ForeignKeyConstraint(
            ["programme", "code"],
            ["lessons.programme", "lessons.code"],
            name=op.f("fk_lesson_versions_programme_code_lessons"),
        ),
        sa.PrimaryKeyConstraint("programme", "code", "version", name=op.f("pk_lesson_versions")),
    )
    op.create_table(
        "lesson_publications",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("publishes_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
            name=op.f("fk_lesson_publications_programme_code_version_lesson_versions"),
        ),
        sa.PrimaryKeyConstraint("programme", "code", "version", name=op.f("pk_lesson_publications")),
    )
    op.create_table(
        "article_readings",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("finished_at IS NULL OR finished_at >= opened_at", name=op.f("ck_article_readings_times")),
        sa.CheckConstraint("(outcome IS NULL) = (finished_at IS NULL)", name=op.f("ck_article_readings_settled")),
        sa.CheckConstraint(
            "outcome IN ('issued', 'outdone', 'kept', 'refused')", name=op.f("ck_article_readings_outcome")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("ck_article_readings_points")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_article_readings_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
            name=op.f("fk_article_readings_programme_code_version_lesson_versions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "programme", "code", "version", name=op.f("pk_article_readings")),
    )
    op.create_table(
        "quiz_attempts",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("answers", sa.Text(), nullable=False),
        sa.Column("correct", sa.Integer(), nullable=False),
        sa.Column("questions", sa.Integer(), nullable=False),
        sa.Column("passed", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("points", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("0 <= correct AND correct <= questions", name=op.f("ck_quiz_attempts_correct")),
        sa.CheckConstraint("outcome IS NULL OR passed", name=op.f("ck_quiz_attempts_passed")),
        sa.CheckConstraint(
            "outcome IN ('issued', 'outdone', 'kept', 'refused')", name=op.f("ck_quiz_attempts_outcome")
        ),
        sa.CheckConstraint("points >= 0", name=op.f("ck_quiz_attempts_points")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_quiz_attempts_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme", "code", "version"],
            ["lesson_versions.programme", "lesson_versions.code", "lesson_versions.version"],
            name=op.f("fk_quiz_attempts_programme_code_version_lesson_versions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "programme", "code", "day", name=op.f("pk_quiz_attempts")),
    )


def _create_class_tables() -> None:
    op.create_table(
        "schools",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("smallest_class", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("smallest_class >= 5", name=op.f("ck_schools_smallest_class")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_schools_programme_programmes")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_schools")),
    )
    op.create_table(
        "school_terms",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.CheckConstraint("last_day >= first_day", name=op.f("ck_school_terms_days")),
        sa.ForeignKeyConstraint(["school"], ["schools.code"], name=op.f("fk_school_terms_school_schools")),
        sa.PrimaryKeyConstraint("school", "code", name=op.f("pk_school_terms")),
    )
    op.create_table(
        "school_trip_distances",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("distance_m", sa.Integer(), nullable=False),
        sa.CheckConstraint("mode IN ('walk', 'bicycle', 'bus', 'metro')", name=op.f("ck_school_trip_distances_mode")),
        sa.CheckConstraint("distance_m BETWEEN 100 AND 20000", name=op.f("ck_school_trip_distances_distance")),
        sa.ForeignKeyConstraint(["school"], ["schools.code"], name=op.f("fk_school_trip_distances_school_schools")),
        sa.PrimaryKeyConstraint("school", "mode", "since", name=op.f("pk_school_trip_distances")),
    )
    op.create_table(
        "school_classes",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_school_classes_holder_id_holders")),
        sa.ForeignKeyConstraint(["school"], ["schools.code"], name=op.f("fk_school_classes_school_schools")),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_school_classes")),
    )
    op.create_index("ix_school_classes_school", "school_classes", ["school"])
    op.create_table(
        "school_class_years",
        sa.Column("school", sa.Text(), nullable=False),
        sa.Column("school_year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("grade", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("grade BETWEEN 1 AND 12", name=op.f("ck_school_class_years_grade")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["school_classes.holder_id"], name=op.f("fk_school_class_years_holder_id_school_classes")
        ),
        sa.ForeignKeyConstraint(["school"], ["schools.code"], name=op.f("fk_school_class_years_school_schools")),
        sa.PrimaryKeyConstraint("school", "school_year", "grade", "number", name=op.f("pk_school_class_years")),
        sa.UniqueConstraint(
            "school", "school_year", "code", name=op.f("uq_school_class_years_school_school_year_code")
        ),
        sa.UniqueConstraint(
            "school", "school_year", "holder_id", name=op.f("uq_school_class_years_school_school_year_holder_id")
        ),
    )
    op.create_index("ix_school_class_years_holder_id", "school_class_years", ["holder_id"])


def _create_seat_tables() -> None:
    op.create_table(
        "school_seats",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school_seats")),
        sa.UniqueConstraint("code_index", name=op.f("uq_school_seats_code_index")),
    )
    op.create_table(
        "school_seat_places",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_school_seat_places_days")),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["school_classes.holder_id"], name=op.f("fk_school_seat_places_holder_id_school_classes")
        ),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["school_seats.id"], name=op.f("fk_school_seat_places_seat_id_school_seats")
        ),
        sa.PrimaryKeyConstraint("holder_id", "number", "since", name=op.f("pk_school_seat_places")),
    )
    op.create_index("ix_school_seat_places_seat_id", "school_seat_places", ["seat_id"])
    op.create_table(
        "school_seat_claims",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("seat_id", sa.Uuid(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["given_by"], ["holders.id"], name=op.f("fk_school_seat_claims_given_by_holders")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_school_seat_claims_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["seat_id"], ["school_seats.id"], name=op.f("fk_school_seat_claims_seat_id_school_seats")
        ),
        sa.PrimaryKeyConstraint("holder_id", "seat_id", name=op.f("pk_school_seat_claims")),
    )
    op.create_index("ix_school_seat_claims_given_by", "school_seat_claims", ["given_by"])


def _create_meter_tables() -> None:
    op.create_table(
        "school_meter_readings",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("building", sa.Text(), nullable=False),
        sa.Column("kwh", sa.Text(), nullable=False),
        sa.Column("school_days", sa.Integer(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_school_meter_readings_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "meter", "period", name=op.f("pk_school_meter_readings")),
    )
    op.create_table(
        "school_meter_shares",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("class_code", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme", "meter", "period"],
            ["school_meter_readings.programme", "school_meter_readings.meter", "school_meter_readings.period"],
            name="fk_school_meter_shares_reading",
        ),
        sa.PrimaryKeyConstraint("programme", "meter", "period", "class_code", name=op.f("pk_school_meter_shares")),
    )


def upgrade() -> None:
    _open_step_accounts()
    _create_agreement_tables()
    _create_calendar_tables()
    _create_learning_tables()
    _create_roster_tables()
    _create_employer_tables()
    _create_step_tables()
    _create_forest_tables()
    _create_merging_tables()
    _create_declaration_tables()
    _create_staff_login_tables()
    _create_class_tables()
    _create_seat_tables()
    _create_meter_tables()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DELETE FROM ledger_accounts WHERE asset = 'steps'")
