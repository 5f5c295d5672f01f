"""The books, the people and the inbox: everything a partner's event passes through.

House rules for a migration:
* It must not break the release before it: add first, use later, remove in a third migration.
* It runs on PostgreSQL and on SQLite, and says what happens to rows that exist.
* Published facts (ledger, activities, quantification bases) are never rewritten.

Revision: 0001, after: None
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


#: What is written here is never changed or removed: corrections are new rows.
APPEND_ONLY = (
    *("ledger_transactions", "ledger_transfers", "quantification_bases", "restatements"),
    *("operator_log", "approval_requests", "approval_decisions", "approval_executions"),
    *("partner_batches", "partner_key_changes"),
    *("redemption_steps", "redemption_limits"),
    *("reward_terms", "reward_audiences", "reward_stock_changes"),
    *("points_budget_changes", "points_set_aside", "points_cover_switches", "points_liability"),
    *("points_rules", "points_multipliers", "points_cuts"),
)


def _refuse_changes(table: str) -> None:
    """Let the database itself refuse to change or remove a row."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
        )
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


def _keep_consent_changes() -> None:
    """Let the database refuse to change a change of a consent at all, and to remove it within three years."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE TRIGGER consent_changes_append_only BEFORE UPDATE ON consent_changes "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER consent_changes_kept BEFORE DELETE ON consent_changes FOR EACH ROW "
            "WHEN (OLD.changed_at > CURRENT_TIMESTAMP - INTERVAL '3 years') EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(
        "CREATE TRIGGER consent_changes_no_update BEFORE UPDATE ON consent_changes "
        "BEGIN SELECT RAISE(ABORT, 'consent_changes is append-only'); END"
    )
    op.execute(
        "CREATE TRIGGER consent_changes_kept BEFORE DELETE ON consent_changes "
        "WHEN OLD.changed_at > datetime('now', '-3 years') "
        "BEGIN SELECT RAISE(ABORT, 'consent_changes are kept for three years'); END"
    )


def _create_points_use_tables() -> None:
    """Points on their way out, and the lots they came from."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "points_uses",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_points_uses_points")),
        sa.CheckConstraint(
            "state IN ('reserved', 'spent', 'released', 'refunded')", name=op.f("ck_points_uses_state")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_points_uses_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_uses_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_points_uses")),
    )
    op.create_table(
        "points_use_parts",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_points_use_parts_points")),
        sa.ForeignKeyConstraint(
            ["holder_id", "use_id"],
            ["points_uses.holder_id", "points_uses.id"],
            name="fk_points_use_parts_holder_id_points_uses",
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "lot_id"],
            ["points_lots.holder_id", "points_lots.id"],
            name="fk_points_use_parts_holder_id_points_lots",
        ),
        sa.PrimaryKeyConstraint("holder_id", "use_id", "lot_id", name=op.f("pk_points_use_parts")),
    )


def _create_link_code_tables() -> None:
    """Codes that members type in at partners, and how often a partner presented a wrong one."""
    op.create_table(
        "link_codes",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("link_id", sa.Uuid(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.CheckConstraint("(link_id IS NULL) = (request_id IS NULL)", name=op.f("ck_link_codes_spent")),
        sa.ForeignKeyConstraint(
            ["holder_id", "programme"],
            ["enrolments.holder_id", "enrolments.programme"],
            name=op.f("fk_link_codes_holder_id_programme_enrolments"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_link_codes_holder_id_holders")),
        sa.ForeignKeyConstraint(["partner"], ["partners.code"], name=op.f("fk_link_codes_partner_partners")),
        sa.ForeignKeyConstraint(["link_id"], ["partner_links.id"], name=op.f("fk_link_codes_link_id_partner_links")),
        sa.PrimaryKeyConstraint("holder_id", "partner", name=op.f("pk_link_codes")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_codes_digest")),
    )
    op.create_table(
        "wrong_link_codes",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.code"], name=op.f("fk_wrong_link_codes_partner_partners")),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_wrong_link_codes")),
    )


def _create_idempotency_table() -> None:
    """Keys of requests that spend, and how each was answered."""
    op.create_table(
        "idempotency_keys",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(status IS NULL) = (answer IS NULL)", name=op.f("ck_idempotency_keys_answered")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_idempotency_keys_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_begun_at"), "idempotency_keys", ["begun_at"])


def _create_message_tables() -> None:
    """Warnings to members, what they let be sent to them, and the token messages are sent with."""
    op.create_table(
        "message_halts",
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("template_id", name=op.f("pk_message_halts")),
    )
    op.create_table(
        "warning_rounds",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("after_instant", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after_holder", sa.Uuid(), nullable=True),
        sa.Column("after_lot", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_warning_rounds")),
    )
    op.create_table(
        "wechat_access_tokens",
        sa.Column("appid", sa.Text(), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=True),
        sa.Column("renew_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewing_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forced_on", sa.Date(), nullable=False),
        sa.Column("forced", sa.Integer(), nullable=False),
        sa.Column("forced_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("appid", name=op.f("pk_wechat_access_tokens")),
    )
    op.create_table(
        "expiry_warnings",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("lapses_on", sa.Date(), nullable=False),
        sa.Column("days_ahead", sa.SmallInteger(), nullable=False),
        sa.Column("points", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("template_id", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(state = 'sending') = (claimed_until IS NOT NULL)", name=op.f("ck_expiry_warnings_claimed")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'in_app', 'sending', 'sent', 'delivered', 'undelivered', "
            "'unknown', 'failed', 'withdrawn', 'outdated')",
            name=op.f("ck_expiry_warnings_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('sent', 'delivered') OR sent_at IS NOT NULL", name=op.f("ck_expiry_warnings_sent")
        ),
        sa.CheckConstraint("days_ahead IN (30, 7)", name=op.f("ck_expiry_warnings_days_ahead")),
        sa.CheckConstraint("points > 0", name=op.f("ck_expiry_warnings_points")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_expiry_warnings_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_expiry_warnings_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_expiry_warnings")),
        sa.UniqueConstraint(
            "holder_id",
            "programme",
            "lapses_on",
            "days_ahead",
            name=op.f("uq_expiry_warnings_holder_id_programme_lapses_on_days_ahead"),
        ),
    )
    with op.batch_alter_table("expiry_warnings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_expiry_warnings_due",
            ["next_attempt_at", "lapses_on", "holder_id", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index("ix_expiry_warnings_lapses_on", ["lapses_on"], unique=False)
        batch_op.create_index(
            "ix_expiry_warnings_open",
            ["state"],
            unique=False,
            postgresql_where=sa.text("state IN ('waiting', 'sending', 'unknown', 'failed')"),
            sqlite_where=sa.text("state IN ('waiting', 'sending', 'unknown', 'failed')"),
        )

    op.create_table(
        "message_permissions",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "answer IN ('accept', 'reject', 'ban', 'filter')", name=op.f("ck_message_permissions_answer")
        ),
        sa.CheckConstraint("remaining BETWEEN 0 AND 100", name=op.f("ck_message_permissions_remaining")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_message_permissions_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "template_id", name=op.f("pk_message_permissions")),
    )
    op.create_table(
        "message_templates",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("template_id", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('points_expiry')", name=op.f("ck_message_templates_kind")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_message_templates_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "kind", name=op.f("pk_message_templates")),
    )


def _create_redemption_tables() -> None:
    """What was redeemed, each of its steps, from which devices, and the limits of each programme."""
    number, instant = sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.DateTime(timezone=True)
    states = "state IN ('review', 'reserved', 'requested', 'confirmed', 'cancelled', 'expired', 'refunded')"
    held = "state IN ('review', 'reserved')"
    op.create_table(
        "redemptions",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("terms_version", sa.Integer(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_index", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", instant, nullable=False),
        sa.Column("changed_at", instant, nullable=False),
        sa.Column("ends_at", instant, nullable=True),
        sa.CheckConstraint(states, name=op.f("ck_redemptions_state")),
        sa.CheckConstraint("points > 0", name=op.f("ck_redemptions_points")),
        sa.CheckConstraint(f"({held}) = (ends_at IS NOT NULL)", name=op.f("ck_redemptions_held_until")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_redemptions_holder_id_holders")),
        sa.ForeignKeyConstraint(["person_id"], ["holders.id"], name=op.f("fk_redemptions_person_id_holders")),
        sa.ForeignKeyConstraint(
            ["holder_id", "programme"],
            ["enrolments.holder_id", "enrolments.programme"],
            name=op.f("fk_redemptions_holder_id_programme_enrolments"),
        ),
        sa.ForeignKeyConstraint(
            ["reward", "terms_version"],
            ["reward_terms.reward", "reward_terms.version"],
            name=op.f("fk_redemptions_reward_terms_version_reward_terms"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_redemptions")),
    )
    op.create_index("ix_redemptions_id", "redemptions", ["id"])
    for name, columns, condition in (
        ("device", ["device_index", "created_at"], "device_index IS NOT NULL"),
        ("held", ["ends_at"], held),
    ):
        where = sa.text(condition)
        op.create_index(f"ix_redemptions_{name}", "redemptions", columns, postgresql_where=where, sqlite_where=where)
    op.create_table(
        "redemption_steps",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.Column("at", instant, nullable=False),
        sa.CheckConstraint(states, name=op.f("ck_redemption_steps_state")),
        sa.CheckConstraint(
            "actor IN ('member', 'operator', 'house', 'provider')", name=op.f("ck_redemption_steps_actor")
        ),
        sa.CheckConstraint(
            "(actor = 'operator') = (operator_id IS NOT NULL)", name=op.f("ck_redemption_steps_operator")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "redemption_id"],
            ["redemptions.holder_id", "redemptions.id"],
            name=op.f("fk_redemption_steps_holder_id_redemption_id_redemptions"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_redemption_steps_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", "position", name=op.f("pk_redemption_steps")),
    )
    op.create_table(
        "redemption_devices",
        sa.Column("device_index", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", instant, nullable=False),
        sa.PrimaryKeyConstraint("device_index", name=op.f("pk_redemption_devices")),
    )
    op.create_index(op.f("ix_redemption_devices_used_at"), "redemption_devices", ["used_at"])
    _create_redemption_limits(number)


def _create_redemption_limits(number: sa.types.TypeEngine[int]) -> None:
    counts = ("person_count", "person_minutes", "device_count", "device_minutes", "review_count", "review_minutes")
    checks = {
        "version": "version > 0",
        "announced_before": "version = 1 OR in_force_from > announced_on",
        "limits": "points_per_day > 0 AND person_count > 0 AND device_count > 0",
        "person_window": "(person_count IS NULL) = (person_minutes IS NULL)",
        "device_window": "(device_count IS NULL) = (device_minutes IS NULL)",
        "review_window": "(review_count IS NULL) = (review_minutes IS NULL)",
        "new_accounts": "(new_days IS NULL) = (new_points IS NULL)",
        "windows": "person_minutes > 0 AND device_minutes > 0 AND review_minutes > 0",
        "review": "review_count > 0 AND new_days > 0 AND new_points >= 0",
        "hours": "review_hours > 0 AND reserved_hours > 0",
    }
    op.create_table(
        "redemption_limits",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("points_per_day", number, nullable=True),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in counts),
        sa.Column("new_days", sa.Integer(), nullable=True),
        sa.Column("new_points", number, nullable=True),
        sa.Column("review_hours", sa.Integer(), nullable=False),
        sa.Column("reserved_hours", sa.Integer(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        *(sa.CheckConstraint(said, name=op.f(f"ck_redemption_limits_{name}")) for name, said in checks.items()),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_redemption_limits_programme_programmes")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_redemption_limits_approval_id_approval_requests")
        ),
        sa.PrimaryKeyConstraint("programme", "version", name=op.f("pk_redemption_limits")),
    )


def _create_sync_tables() -> None:
    """Third-party platforms, and what is delivered to them."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "sync_destinations",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", number, nullable=False),
        sa.Column("quiet_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("basis IN ('entrusted', 'consent')", name=op.f("ck_sync_destinations_basis")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_sync_destinations")),
    )
    op.create_table(
        "sync_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination"], ["sync_destinations.code"], name=op.f("fk_sync_keys_destination_sync_destinations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_keys")),
    )
    with op.batch_alter_table("sync_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sync_keys_destination"), ["destination"], unique=False)

    op.create_table(
        "sync_sequences",
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("last", number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('told', 'interrupted', 'ended')", name=op.f("ck_sync_sequences_state")),
        sa.ForeignKeyConstraint(
            ["destination"], ["sync_destinations.code"], name=op.f("fk_sync_sequences_destination_sync_destinations")
        ),
        sa.PrimaryKeyConstraint("destination", "holder_id", "programme", name=op.f("pk_sync_sequences")),
        sa.UniqueConstraint(
            *("destination", "pseudonym", "programme"),
            name=op.f("uq_sync_sequences_destination_pseudonym_programme"),
        ),
    )
    op.create_table(
        "sync_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("outbox_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("sequence", number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'dead', 'stopped', 'withheld')", name=op.f("ck_sync_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["destination"], ["sync_destinations.code"], name=op.f("fk_sync_deliveries_destination_sync_destinations")
        ),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name=op.f("fk_sync_deliveries_outbox_id_outbox")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_deliveries")),
        sa.UniqueConstraint("outbox_id", "destination", name=op.f("uq_sync_deliveries_outbox_id_destination")),
        sa.UniqueConstraint(
            *("destination", "holder_id", "programme", "sequence"),
            name=op.f("uq_sync_deliveries_destination_holder_id_programme_sequence"),
        ),
    )
    with op.batch_alter_table("sync_deliveries", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sync_deliveries_waiting",
            ["destination", "next_attempt_at", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
    op.create_table(
        "sync_comparisons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("accounts", number, nullable=False),
        sa.Column("differing", number, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["destination"], ["sync_destinations.code"], name=op.f("fk_sync_comparisons_destination_sync_destinations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_comparisons")),
    )
    op.create_table(
        "sync_differences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("destination", sa.Text(), nullable=False),
        sa.Column("pseudonym", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=True),
        sa.Column("theirs", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('open', 'explained', 'healed')", name=op.f("ck_sync_differences_state")),
        sa.ForeignKeyConstraint(
            ["destination"], ["sync_destinations.code"], name=op.f("fk_sync_differences_destination_sync_destinations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_differences")),
    )
    for table, name, columns, standing in (
        ("sync_comparisons", "uq_sync_comparisons_open", ["destination"], "finished_at IS NULL"),
        (
            "sync_differences",
            "uq_sync_differences_standing",
            ["destination", "pseudonym", "programme"],
            "state <> 'healed'",
        ),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            where = sa.text(standing)
            batch_op.create_index(name, columns, unique=True, postgresql_where=where, sqlite_where=where)



def _create_guardian_tables() -> None:
    """Who is under fourteen, and who consents for them."""
    op.create_table(
        "minors",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("minor_until", sa.Date(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_minors_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_minors")),
    )
    op.create_table(
        "guardianships",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("guardian_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("holder_id <> guardian_id", name=op.f("ck_guardianships_not_oneself")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_guardianships_holder_id_holders")),
        sa.ForeignKeyConstraint(["guardian_id"], ["holders.id"], name=op.f("fk_guardianships_guardian_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_guardianships")),
    )
    op.create_index(op.f("ix_guardianships_guardian_id"), "guardianships", ["guardian_id"])
    op.create_table(
        "account_stewards",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("holder_id <> person_id", name=op.f("ck_account_stewards_not_itself")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_account_stewards_holder_id_holders")),
        sa.ForeignKeyConstraint(["person_id"], ["holders.id"], name=op.f("fk_account_stewards_person_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "person_id", name=op.f("pk_account_stewards")),
    )
    op.create_index(op.f("ix_account_stewards_person_id"), "account_stewards", ["person_id"])
    op.create_table(
        "guardian_invitations",
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_guardian_invitations_holder_id_holders")
        ),
        sa.PrimaryKeyConstraint("code_index", name=op.f("pk_guardian_invitations")),
    )
    op.create_index(op.f("ix_guardian_invitations_holder_id"), "guardian_invitations", ["holder_id"])


def _create_budget_tables() -> None:
    """What may be earned in points, and what was put in and taken out."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "points_budgets",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_code", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("total", number, nullable=False),
        sa.Column("drawn", number, nullable=False),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("used_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("drawn >= 0 AND drawn <= total", name=op.f("ck_points_budgets_hard_stop")),
        sa.CheckConstraint("scope IN ('programme', 'partner', 'campaign')", name=op.f("ck_points_budgets_scope")),
        sa.CheckConstraint(
            "scope <> 'programme' OR scope_code = programme", name=op.f("ck_points_budgets_whole_programme")
        ),
        sa.CheckConstraint("last_day IS NULL OR last_day >= first_day", name=op.f("ck_points_budgets_days")),
        sa.CheckConstraint("first_day > announced_on", name=op.f("ck_points_budgets_announced")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_budgets_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_points_budgets")),
    )
    op.create_table(
        "points_budget_changes",
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("points <> 0", name=op.f("ck_points_budget_changes_points")),
        sa.ForeignKeyConstraint(
            ["budget"], ["points_budgets.number"], name=op.f("fk_points_budget_changes_budget_points_budgets")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"],
            ["approval_requests.id"],
            name=op.f("fk_points_budget_changes_approval_id_approval_requests"),
        ),
        sa.PrimaryKeyConstraint("budget", "sequence", name=op.f("pk_points_budget_changes")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_points_budget_changes_approval_id")),
    )
    op.create_table(
        "points_budget_returns",
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_points_budget_returns_points")),
        sa.ForeignKeyConstraint(
            ["budget"], ["points_budgets.number"], name=op.f("fk_points_budget_returns_budget_points_budgets")
        ),
        sa.PrimaryKeyConstraint("budget", "id", name=op.f("pk_points_budget_returns")),
    )
    _create_liability_tables()


def _create_liability_tables() -> None:
    """What an issuer owes in points, what it states to have set aside, and whether everybody may read it."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "points_set_aside",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("fen_per_1000_points", number, nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("fen_per_1000_points >= 0", name=op.f("ck_points_set_aside_fen")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_set_aside_programme_programmes")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_points_set_aside_approval_id_approval_requests")
        ),
        sa.PrimaryKeyConstraint("programme", "sequence", name=op.f("pk_points_set_aside")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_points_set_aside_approval_id")),
    )
    op.create_table(
        "points_cover_switches",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_cover_switches_programme_programmes")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_points_cover_switches_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("programme", "sequence", name=op.f("pk_points_cover_switches")),
    )
    op.create_table(
        "points_liability",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted", number, nullable=False),
        sa.Column("granted_since", sa.Date(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_liability_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "day", name=op.f("pk_points_liability")),
    )


def _create_reconciliation_tables() -> None:
    """Days of partners, the lists they gave, and what differs."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "reconciliation_days",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Uuid(), nullable=True),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("busy_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.Column("statement_sha256", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("state IN ('awaiting_list', 'open', 'closed')", name=op.f("ck_reconciliation_days_state")),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND statement_sha256 IS NOT NULL)",
            name=op.f("ck_reconciliation_days_closed"),
        ),
        sa.CheckConstraint(
            "(state = 'awaiting_list') = (list_id IS NULL)", name=op.f("ck_reconciliation_days_listed")
        ),
        sa.ForeignKeyConstraint(["partner"], ["partners.code"], name=op.f("fk_reconciliation_days_partner_partners")),
        sa.ForeignKeyConstraint(
            ["closed_by"], ["operators.id"], name=op.f("fk_reconciliation_days_closed_by_operators")
        ),
        sa.PrimaryKeyConstraint("partner", "day", name=op.f("pk_reconciliation_days")),
    )
    of_day = ["reconciliation_days.partner", "reconciliation_days.day"]
    op.create_table(
        "reconciliation_lists",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("faults", sa.Integer(), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.CheckConstraint("(taken_at IS NULL) = (sha256 IS NULL)", name=op.f("ck_reconciliation_lists_whole")),
        sa.ForeignKeyConstraint(
            ["partner", "day"], of_day, name=op.f("fk_reconciliation_lists_partner_reconciliation_days")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_lists")),
    )
    op.create_index(
        "ix_reconciliation_lists_kept",
        "reconciliation_lists",
        ["partner", "day"],
        postgresql_where=sa.text("NOT erased"),
        sqlite_where=sa.text("NOT erased"),
    )
    op.create_table(
        "reconciliation_rows",
        sa.Column("list_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reduction_g", number, nullable=True),
        sa.Column("points", number, nullable=True),
        sa.Column("quantity", sa.Text(), nullable=True),
        sa.Column("weight_kg", sa.Text(), nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("list_id", "key", "line", name=op.f("pk_reconciliation_rows")),
    )
    op.create_index("ix_reconciliation_rows_order", "reconciliation_rows", ["list_id", "order_no", "line"])
    op.create_table(
        "reconciliation_differences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("explained_by", sa.Uuid(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('missing_here', 'missing_there', 'status', 'amount', 'late', 'bad_row')",
            name=op.f("ck_reconciliation_differences_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'explained', 'resolved')", name=op.f("ck_reconciliation_differences_state")
        ),
        sa.CheckConstraint(
            "state <> 'explained' OR (explanation IS NOT NULL AND explained_by IS NOT NULL)",
            name=op.f("ck_reconciliation_differences_explained"),
        ),
        sa.ForeignKeyConstraint(
            ["partner", "day"], of_day, name=op.f("fk_reconciliation_differences_partner_reconciliation_days")
        ),
        sa.ForeignKeyConstraint(
            ["explained_by"], ["operators.id"], name=op.f("fk_reconciliation_differences_explained_by_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_differences")),
        sa.UniqueConstraint(
            *("partner", "day", "kind", "key", "line"),
            name=op.f("uq_reconciliation_differences_partner_day_kind_key_line"),
        ),
    )
    op.create_index(
        "ix_reconciliation_differences_open",
        "reconciliation_differences",
        ["partner", "day"],
        postgresql_where=sa.text("state = 'open'"),
        sqlite_where=sa.text("state = 'open'"),
    )
    _refuse_changes_of_closed_days()


def _create_reward_tables() -> None:
    """What is offered for points, under which terms, how much of it there is, and the pool of voucher codes."""
    op.create_table(
        "reward_providers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("hands_over", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_reward_providers")),
    )
    op.create_table(
        "reward_provider_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["provider"], ["reward_providers.code"], name=op.f("fk_reward_provider_keys_provider_reward_providers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_provider_keys")),
    )
    op.create_index(op.f("ix_reward_provider_keys_provider"), "reward_provider_keys", ["provider"], unique=False)
    op.create_table(
        "rewards",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("description_zh", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=False),
        sa.Column("provider_kind", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("stock_kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(provider_kind IN ('voucher_pool', 'recorded')) = (provider IS NULL)", name=op.f("ck_rewards_provider")
        ),
        sa.CheckConstraint("(stock_kind = 'pool') = (provider_kind = 'voucher_pool')", name=op.f("ck_rewards_pool")),
        sa.CheckConstraint(
            "kind IN ('voucher', 'platform_points', 'goods', 'charity', 'class_reward')", name=op.f("ck_rewards_kind")
        ),
        sa.CheckConstraint("stock_kind IN ('counted', 'pool', 'unlimited')", name=op.f("ck_rewards_stock_kind")),
        sa.CheckConstraint("(item IS NULL) = (provider IS NULL)", name=op.f("ck_rewards_item")),
        sa.ForeignKeyConstraint(
            ["provider"], ["reward_providers.code"], name=op.f("fk_rewards_provider_reward_providers")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_rewards")),
    )
    op.create_table(
        "reward_code_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("codes", sa.Integer(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("codes > 0", name=op.f("ck_reward_code_batches_codes")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_reward_code_batches_operator_id_operators")
        ),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_code_batches_reward_rewards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_code_batches")),
    )
    op.create_index(op.f("ix_reward_code_batches_reward"), "reward_code_batches", ["reward"], unique=False)
    op.create_table(
        "reward_stock",
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("pieces_left", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("pieces_left >= 0", name=op.f("ck_reward_stock_never_oversold")),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_stock_reward_rewards")),
        sa.PrimaryKeyConstraint("reward", name=op.f("pk_reward_stock")),
    )
    op.create_table(
        "reward_stock_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("pieces", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("pieces_left", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('restock', 'correction') AND (kind = 'correction' OR pieces > 0)",
            name=op.f("ck_reward_stock_changes_kind"),
        ),
        sa.CheckConstraint("pieces <> 0 AND pieces_left >= 0", name=op.f("ck_reward_stock_changes_pieces")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_reward_stock_changes_operator_id_operators")
        ),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_stock_changes_reward_rewards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_stock_changes")),
    )
    op.create_index("ix_reward_stock_changes_reward", "reward_stock_changes", ["reward", "id"], unique=False)
    op.create_table(
        "reward_terms",
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.Column("price_points", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("per_person_count", sa.Integer(), nullable=True),
        sa.Column("per_person_days", sa.Integer(), nullable=True),
        sa.Column("per_device_count", sa.Integer(), nullable=True),
        sa.Column("per_device_days", sa.Integer(), nullable=True),
        sa.Column("least_code_days", sa.Integer(), nullable=False),
        sa.Column("delivered_amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("delivered_unit", sa.Text(), nullable=True),
        sa.Column("terms_of_use_zh", sa.Text(), nullable=False),
        sa.Column("terms_of_use_en", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "delivered_amount > 0 AND delivered_unit IN ('platform_points', 'fen', 'trees')",
            name=op.f("ck_reward_terms_delivered_amount"),
        ),
        sa.CheckConstraint(
            "(delivered_amount IS NULL) = (delivered_unit IS NULL)", name=op.f("ck_reward_terms_delivered")
        ),
        sa.CheckConstraint("last_day IS NULL OR last_day >= in_force_from", name=op.f("ck_reward_terms_last_day")),
        sa.CheckConstraint("least_code_days >= 0", name=op.f("ck_reward_terms_least_code_days")),
        sa.CheckConstraint(
            "per_device_days IS NULL OR per_device_count IS NOT NULL", name=op.f("ck_reward_terms_device_window")
        ),
        sa.CheckConstraint(
            "per_person_count > 0 AND per_person_days > 0 AND per_device_count > 0 AND per_device_days > 0",
            name=op.f("ck_reward_terms_limits"),
        ),
        sa.CheckConstraint(
            "per_person_days IS NULL OR per_person_count IS NOT NULL", name=op.f("ck_reward_terms_person_window")
        ),
        sa.CheckConstraint(
            "version = 1 OR in_force_from > announced_on", name=op.f("ck_reward_terms_announced_before")
        ),
        sa.CheckConstraint("version > 0 AND price_points > 0", name=op.f("ck_reward_terms_price")),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_reward_terms_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_terms_reward_rewards")),
        sa.PrimaryKeyConstraint("reward", "version", name=op.f("pk_reward_terms")),
    )
    op.create_table(
        "reward_audiences",
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("account_kind", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "account_kind IN ('personal', 'staff', 'class')", name=op.f("ck_reward_audiences_account_kind")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_reward_audiences_programme_programmes")
        ),
        sa.ForeignKeyConstraint(
            ["reward", "version"],
            ["reward_terms.reward", "reward_terms.version"],
            name=op.f("fk_reward_audiences_reward_version_reward_terms"),
        ),
        sa.PrimaryKeyConstraint("reward", "version", "programme", "account_kind", name=op.f("pk_reward_audiences")),
    )
    op.create_index(
        "ix_reward_audiences_programme", "reward_audiences", ["programme", "account_kind", "reward"], unique=False
    )
    op.create_table(
        "reward_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(state IN ('reserved', 'taken')) = (redemption_id IS NOT NULL)", name=op.f("ck_reward_codes_redemption")
        ),
        sa.CheckConstraint("(state = 'taken') = (sealed_code IS NULL)", name=op.f("ck_reward_codes_sealed")),
        sa.CheckConstraint(
            "state IN ('free', 'reserved', 'taken', 'withdrawn')", name=op.f("ck_reward_codes_state")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["reward_code_batches.id"], name=op.f("fk_reward_codes_batch_id_reward_code_batches")
        ),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_codes_reward_rewards")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reward_codes")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_reward_codes_fingerprint")),
        sa.UniqueConstraint("redemption_id", name=op.f("uq_reward_codes_redemption_id")),
    )
    op.create_index(op.f("ix_reward_codes_batch_id"), "reward_codes", ["batch_id"], unique=False)
    op.create_index(
        "ix_reward_codes_free",
        "reward_codes",
        ["reward", "expires_on", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'free'"),
        sqlite_where=sa.text("state = 'free'"),
    )
    op.create_table(
        "reward_vouchers",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_code", sa.LargeBinary(), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("showings", sa.Integer(), nullable=False),
        sa.Column("showings_allowed", sa.Integer(), nullable=False),
        sa.Column("shown_for", sa.LargeBinary(), nullable=True),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "showings >= 0 AND showings <= showings_allowed", name=op.f("ck_reward_vouchers_shown_once")
        ),
        sa.ForeignKeyConstraint(["code_id"], ["reward_codes.id"], name=op.f("fk_reward_vouchers_code_id_reward_codes")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_reward_vouchers_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", name=op.f("pk_reward_vouchers")),
    )


def _refuse_changes_of_closed_days() -> None:
    """A closed day, and what was found before it was closed, are never changed or removed."""
    frozen = (
        "SELECT 1 FROM reconciliation_days AS d WHERE d.partner = OLD.partner AND d.day = OLD.day "
        "AND OLD.first_seen <= d.closed_at"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change_of_closed_day() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'the day is closed'; END $$"
        )
        op.execute(
            "CREATE FUNCTION refuse_change_of_difference() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN IF EXISTS ({frozen}) THEN RAISE EXCEPTION 'the day is closed'; END IF; "
            "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$"
        )
        op.execute(
            "CREATE TRIGGER reconciliation_days_closed BEFORE UPDATE OR DELETE ON reconciliation_days "
            "FOR EACH ROW WHEN (OLD.state = 'closed') EXECUTE FUNCTION refuse_change_of_closed_day()"
        )
        op.execute(
            "CREATE TRIGGER reconciliation_differences_closed BEFORE UPDATE OR DELETE ON reconciliation_differences "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_difference()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER reconciliation_days_closed_{verb.lower()} BEFORE {verb} ON reconciliation_days "
            "WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, 'the day is closed'); END"
        )
        op.execute(
            f"CREATE TRIGGER reconciliation_differences_closed_{verb.lower()} BEFORE {verb} "
            f"ON reconciliation_differences WHEN EXISTS ({frozen}) "
            "BEGIN SELECT RAISE(ABORT, 'the day is closed'); END"
        )


def _create_order_tables() -> None:
    """What outside providers of rewards are asked for, what they answered, and for whom."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "reward_orders",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("quantity", number, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("placed_at", moment, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_known_count", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", moment, nullable=True),
        sa.Column("claimed_until", moment, nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("shipped_at", moment, nullable=True),
        sa.Column("withdrawal", sa.Text(), nullable=True),
        sa.Column("withdrawal_asked_at", moment, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("finished_at", moment, nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'placing', 'withdrawing', 'done', 'refused', 'withdrawn', 'dropped')",
            name=op.f("ck_reward_orders_state"),
        ),
        sa.CheckConstraint(
            "(state = 'done') = (reference IS NOT NULL AND status IS NOT NULL)", name=op.f("ck_reward_orders_done")
        ),
        sa.CheckConstraint(
            "(placed_at IS NULL) = (state IN ('waiting', 'dropped'))", name=op.f("ck_reward_orders_placed")
        ),
        sa.CheckConstraint(
            "(finished_at IS NULL) = (state IN ('waiting', 'placing', 'withdrawing'))",
            name=op.f("ck_reward_orders_finished"),
        ),
        sa.CheckConstraint(
            "finished_at IS NOT NULL OR next_attempt_at IS NOT NULL", name=op.f("ck_reward_orders_never_in_limbo")
        ),
        sa.CheckConstraint("withdrawal IN ('asked', 'denied')", name=op.f("ck_reward_orders_withdrawal")),
        sa.CheckConstraint(
            "(withdrawal IS NULL) = (withdrawal_asked_at IS NULL)", name=op.f("ck_reward_orders_withdrawal_asked")
        ),
        sa.CheckConstraint(
            "withdrawal IS NULL OR placed_at IS NOT NULL", name=op.f("ck_reward_orders_withdrawal_placed")
        ),
        sa.CheckConstraint(
            "quantity > 0 AND attempts >= 0 AND not_known_count >= 0", name=op.f("ck_reward_orders_counts")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_reward_orders_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["provider"], ["reward_providers.code"], name=op.f("fk_reward_orders_provider_reward_providers")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "redemption_id"],
            ["redemptions.holder_id", "redemptions.id"],
            name=op.f("fk_reward_orders_holder_id_redemption_id_redemptions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", name=op.f("pk_reward_orders")),
    )
    followed = sa.text("next_attempt_at IS NOT NULL")
    with op.batch_alter_table("reward_orders", schema=None) as batch_op:
        batch_op.create_index(
            "ix_reward_orders_due",
            ["next_attempt_at", "holder_id", "redemption_id"],
            unique=False,
            postgresql_where=followed,
            sqlite_where=followed,
        )
        batch_op.create_index("ix_reward_orders_placed", ["provider", "placed_at"], unique=False)
        batch_op.create_index("ix_reward_orders_redemption_id", ["redemption_id"], unique=False)
    op.create_table(
        "reward_answers",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("heard_at", moment, nullable=False),
        sa.CheckConstraint(
            "asked IN ('place', 'query', 'withdraw', 'settle')", name=op.f("ck_reward_answers_asked")
        ),
        sa.CheckConstraint(
            "answer IN ('done', 'refused', 'withdrawn', 'cancelled', 'unknown', 'not_known')",
            name=op.f("ck_reward_answers_answer"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "redemption_id"],
            ["reward_orders.holder_id", "reward_orders.redemption_id"],
            name=op.f("fk_reward_answers_holder_id_redemption_id_reward_orders"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", "id", name=op.f("pk_reward_answers")),
    )
    op.create_table(
        "reward_recipients",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("agreed_at", moment, nullable=False),
        sa.Column("deleted_at", moment, nullable=True),
        sa.Column("deleted_because", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('address', 'reference')", name=op.f("ck_reward_recipients_kind")),
        sa.CheckConstraint(
            "(sealed IS NULL) = (deleted_at IS NOT NULL)", name=op.f("ck_reward_recipients_deleted")
        ),
        sa.CheckConstraint(
            "(deleted_at IS NULL) = (deleted_because IS NULL)", name=op.f("ck_reward_recipients_deleted_because")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_reward_recipients_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["holder_id", "redemption_id"],
            ["redemptions.holder_id", "redemptions.id"],
            name=op.f("fk_reward_recipients_holder_id_redemption_id_redemptions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", name=op.f("pk_reward_recipients")),
    )
    op.create_table(
        "reward_handovers",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("redemption_id", sa.Uuid(), nullable=False),
        sa.Column("reward", sa.Text(), nullable=False),
        sa.Column("quantity", number, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("carried_out_at", moment, nullable=True),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_reward_handovers_quantity")),
        sa.CheckConstraint(
            "(carried_out_at IS NULL) = (operator_id IS NULL)", name=op.f("ck_reward_handovers_carried_out")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_reward_handovers_holder_id_holders")),
        sa.ForeignKeyConstraint(["reward"], ["rewards.code"], name=op.f("fk_reward_handovers_reward_rewards")),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_reward_handovers_operator_id_operators")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "redemption_id"],
            ["redemptions.holder_id", "redemptions.id"],
            name=op.f("fk_reward_handovers_holder_id_redemption_id_redemptions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "redemption_id", name=op.f("pk_reward_handovers")),
    )
    waiting = sa.text("carried_out_at IS NULL")
    with op.batch_alter_table("reward_handovers", schema=None) as batch_op:
        batch_op.create_index("ix_reward_handovers_redemption_id", ["redemption_id"], unique=False)
        batch_op.create_index(
            "ix_reward_handovers_open", ["recorded_at"], unique=False, postgresql_where=waiting, sqlite_where=waiting
        )
    _refuse_changes("reward_answers")


def _create_points_rule_tables() -> None:
    """What acts earn: rules and multipliers; what was counted under caps, and what was cut."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "points_rules",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("in_force_from", sa.Date(), nullable=False),
        sa.Column("points_per_gram", sa.Text(), nullable=False),
        sa.Column("rates", sa.Text(), nullable=False),
        sa.Column("fixed_points", sa.Text(), nullable=False),
        sa.Column("caps", sa.Text(), nullable=False),
        sa.Column("expires_after_days", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("expires_after_days > 0", name=op.f("ck_points_rules_expiry")),
        sa.CheckConstraint(
            "version >= 1 AND (version = 1 OR in_force_from > announced_on)", name=op.f("ck_points_rules_announced")
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_points_rules_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_rules_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "version", name=op.f("pk_points_rules")),
    )
    op.create_table(
        "points_multipliers",
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("methodologies", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(version = 1 AND first_day > announced_on AND last_day >= first_day)"
            " OR (version > 1 AND last_day >= announced_on)",
            name=op.f("ck_points_multipliers_announced"),
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_points_multipliers_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_multipliers_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("programme", "campaign", "version", name=op.f("pk_points_multipliers")),
    )
    op.create_table(
        "points_cap_counts",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("cap", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("points", number, nullable=False),
        sa.CheckConstraint("period IN ('day', 'week', 'month')", name=op.f("ck_points_cap_counts_period")),
        sa.CheckConstraint("points >= 0", name=op.f("ck_points_cap_counts_not_negative")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_points_cap_counts_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_cap_counts_programme_programmes")
        ),
        sa.PrimaryKeyConstraint(
            "holder_id", "programme", "cap", "period", "starts_on", name=op.f("pk_points_cap_counts")
        ),
    )
    op.create_index("ix_points_cap_counts_starts_on", "points_cap_counts", ["starts_on"], unique=False)
    op.create_table(
        "points_cuts",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("issue_count", sa.SmallInteger(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("bound_by", sa.Text(), nullable=False),
        sa.Column("limit_points", number, nullable=True),
        sa.Column("budget", sa.Integer(), nullable=True),
        sa.Column("earned", number, nullable=False),
        sa.Column("granted", number, nullable=False),
        sa.Column("cut_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("granted >= 0 AND granted < earned", name=op.f("ck_points_cuts_less_than_earned")),
        sa.CheckConstraint(
            "(code IN ('POINTS_CAP_DAY', 'POINTS_CAP_WEEK', 'POINTS_CAP_MONTH')"
            " AND limit_points IS NOT NULL AND budget IS NULL)"
            " OR (code IN ('POINTS_BUDGET_USED_UP', 'POINTS_BUDGET_ENDED')"
            " AND limit_points IS NULL AND budget IS NOT NULL)",
            name=op.f("ck_points_cuts_code"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_points_cuts_holder_id_holders")),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_points_cuts_programme_programmes")),
        sa.PrimaryKeyConstraint(
            "holder_id", "activity_id", "issue_count", "campaign", "code", name=op.f("pk_points_cuts")
        ),
    )


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_claims")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index(
            "ix_claims_owner",
            ["holder_id", "activity_id"],
            unique=False,
            postgresql_where=sa.text("activity_id IS NOT NULL"),
            sqlite_where=sa.text("activity_id IS NOT NULL"),
        )

    op.create_table(
        "holders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('person', 'class')", name=op.f("ck_holders_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holders")),
    )
    _create_guardian_tables()
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "ledger_accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("system", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_accounts")),
        sa.UniqueConstraint("name", "asset", name=op.f("uq_ledger_accounts_name_asset")),
    )
    op.create_table(
        "operators",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("appointed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('viewer', 'reviewer', 'finance', 'administrator')", name=op.f("ck_operators_role")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operators")),
        sa.UniqueConstraint("name", name=op.f("uq_operators_name")),
    )
    op.create_table(
        "operator_log",
        sa.Column(
            "sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operators.id"], name=op.f("fk_operator_log_operator_id_operators")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_operator_log")),
    )
    op.create_table(
        "operator_log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_operator_log_head_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_log_head")),
    )
    op.create_table(
        "approval_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["operators.id"], name=op.f("fk_approval_requests_requested_by_operators")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval_requests")),
        sa.UniqueConstraint("id", "requested_by", name=op.f("uq_approval_requests_id_requested_by")),
    )
    op.create_table(
        "approval_decisions",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("decided_by <> requested_by", name=op.f("ck_approval_decisions_two_operators")),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["operators.id"], name=op.f("fk_approval_decisions_decided_by_operators")
        ),
        sa.ForeignKeyConstraint(
            ["request_id", "requested_by"],
            ["approval_requests.id", "approval_requests.requested_by"],
            name=op.f("fk_approval_decisions_request_id_requested_by_approval_requests"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_approval_decisions")),
    )
    op.create_table(
        "approval_executions",
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["approval_decisions.request_id"],
            name=op.f("fk_approval_executions_request_id_approval_decisions"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_approval_executions")),
    )
    op.create_table(
        "order_lines",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("partner", "order_no", "line", name=op.f("pk_order_lines")),
    )
    op.create_table(
        "orders",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("order_type", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("partner", "order_no", name=op.f("pk_orders")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("position", name=op.f("uq_outbox_position")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_holder", ["holder_id", "position"], unique=False)
        batch_op.create_index(
            "ix_outbox_without_position",
            ["id"],
            unique=False,
            postgresql_where=sa.text("position IS NULL"),
            sqlite_where=sa.text("position IS NULL"),
        )

    _create_sync_tables()
    op.create_table(
        "programmes",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('consumer', 'staff', 'school')", name=op.f("ck_programmes_kind")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_programmes")),
    )
    op.create_table(
        "partners",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("adapter", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("return_days", sa.Integer(), nullable=False),
        sa.Column("keeps_claims_from", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("list_url", sa.Text(), nullable=True),
        sa.Column("programme", sa.Text(), nullable=True),
        sa.CheckConstraint("return_days >= 0", name=op.f("ck_partners_return_days")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_partners_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_partners")),
    )
    op.create_table(
        "quantification_bases",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_quantification_bases")),
    )
    op.create_table(
        "spent_link_tickets",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("partner", "nonce", name=op.f("pk_spent_link_tickets")),
    )
    op.create_index(op.f("ix_spent_link_tickets_spent_at"), "spent_link_tickets", ["spent_at"])
    op.create_table(
        "activities",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("methodology", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending_days", sa.Integer(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("rests_on", sa.Text(), nullable=False),
        sa.Column("basis_hash", sa.LargeBinary(), nullable=True),
        sa.Column("baseline", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("leakage", sa.Text(), nullable=True),
        sa.Column("reduction", sa.Text(), nullable=True),
        sa.Column("reduction_g", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("offset_g", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("eac_wh", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("excluded_by", sa.Uuid(), nullable=True),
        sa.Column("issue_count", sa.SmallInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('issued', 'outdone', 'kept', 'refused', 'taken_back')", name=op.f("ck_activities_status")
        ),
        sa.CheckConstraint("claim IN ('transferred', 'kept')", name=op.f("ck_activities_claim")),
        sa.CheckConstraint("rests_on IN ('consent', 'agreement', 'own_act')", name=op.f("ck_activities_rests_on")),
        sa.CheckConstraint(
            "(status <> 'issued' OR claim = 'transferred') AND (status <> 'kept' OR claim = 'kept')",
            name=op.f("ck_activities_credited_or_kept"),
        ),
        sa.CheckConstraint(
            "reduction_g >= 0 AND offset_g >= 0 AND eac_wh >= 0", name=op.f("ck_activities_credits_not_negative")
        ),
        sa.CheckConstraint("started_at IS NULL OR ended_at > started_at", name=op.f("ck_activities_window")),
        sa.ForeignKeyConstraint(
            ["basis_hash"],
            ["quantification_bases.hash"],
            name=op.f("fk_activities_basis_hash_quantification_bases"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_activities_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_activities_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_activities")),
    )
    with op.batch_alter_table("activities", schema=None) as batch_op:
        batch_op.create_index("ix_activities_holder_day", ["holder_id", "day"], unique=False)

    op.create_table(
        "balances",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_balances_not_negative")),
        sa.ForeignKeyConstraint(
            ["account"], ["ledger_accounts.name"], name=op.f("fk_balances_account_ledger_accounts")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_balances_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_balances_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "programme", "account", name=op.f("pk_balances")),
    )
    op.create_table(
        "claim_contenders",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fingerprint"], ["claims.fingerprint"], name=op.f("fk_claim_contenders_fingerprint_claims")
        ),
        sa.PrimaryKeyConstraint("fingerprint", "holder_id", "activity_id", name=op.f("pk_claim_contenders")),
    )
    with op.batch_alter_table("claim_contenders", schema=None) as batch_op:
        batch_op.create_index("ix_claim_contenders_activity", ["holder_id", "activity_id"], unique=False)

    op.create_table(
        "consent_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "source IN ('member', 'guardian', 'wechat', 'deletion', 'age', 'guardian_left')",
            name=op.f("ck_consent_changes_source"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_consent_changes_holder_id_holders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_changes")),
    )
    with op.batch_alter_table("consent_changes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_consent_changes_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("scene", sa.Text(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("text_version", sa.Text(), nullable=False),
        sa.Column("counts_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_consents_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "partner", "scene", name=op.f("pk_consents")),
    )
    op.create_table(
        "enrolments",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("account_kind", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_kind IN ('personal', 'staff', 'class')", name=op.f("ck_enrolments_account_kind")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_enrolments_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_enrolments_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "programme", name=op.f("pk_enrolments")),
    )
    op.create_table(
        "holder_days",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_holder_days_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", "day", name=op.f("pk_holder_days")),
    )
    op.create_table(
        "partner_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("line_digests", sa.LargeBinary(), nullable=False),
        sa.Column("digests_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_partner_batches_partner_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_batches")),
        sa.UniqueConstraint(
            "partner", "message_id", "digests_sha256", name=op.f("uq_partner_batches_partner_message_id_digests_sha256")
        ),
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("batch_line", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("order_no", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parked_for", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_ref_index", sa.LargeBinary(), nullable=True),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'done', 'parked', 'dead')", name=op.f("ck_inbox_state")),
        sa.CheckConstraint("(batch_id IS NULL) = (batch_line IS NULL)", name=op.f("ck_inbox_batch_line")),
        sa.ForeignKeyConstraint(["batch_id"], ["partner_batches.id"], name=op.f("fk_inbox_batch_id_partner_batches")),
        sa.ForeignKeyConstraint(["partner"], ["partners.code"], name=op.f("fk_inbox_partner_partners")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("partner", "event_id", name=op.f("uq_inbox_partner_event_id")),
    )
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_awaiting_order",
            ["partner", "order_no"],
            unique=False,
            postgresql_where=sa.text("parked_for = 'ORDER'"),
            sqlite_where=sa.text("parked_for = 'ORDER'"),
        )
        batch_op.create_index("ix_inbox_deliveries", ["partner", "id"], unique=False)
        batch_op.create_index(
            "ix_inbox_dead",
            ["partner", "id"],
            unique=False,
            postgresql_where=sa.text("state = 'dead'"),
            sqlite_where=sa.text("state = 'dead'"),
        )
        batch_op.create_index("ix_inbox_day", ["partner", "day", "order_no", "received_at"], unique=False)
        batch_op.create_index(
            "ix_inbox_parked",
            ["partner", "user_ref_index"],
            unique=False,
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.create_index(
            "ix_inbox_holder",
            ["holder_id"],
            unique=False,
            postgresql_where=sa.text("holder_id IS NOT NULL"),
            sqlite_where=sa.text("holder_id IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_inbox_unowned",
            ["received_at"],
            unique=False,
            postgresql_where=sa.text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
            sqlite_where=sa.text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_inbox_waiting",
            ["next_attempt_at"],
            unique=False,
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "inbox_conflicts",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("batch_line", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["partner_batches.id"], name=op.f("fk_inbox_conflicts_batch_id_partner_batches")
        ),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_inbox_conflicts_partner_partners")
        ),
        sa.PrimaryKeyConstraint("partner", "event_id", "body_sha256", name=op.f("pk_inbox_conflicts")),
    )
    op.create_table(
        "ledger_transactions",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("input_hash", sa.LargeBinary(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("posted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id", "reverses_id"],
            ["ledger_transactions.holder_id", "ledger_transactions.id"],
            name=op.f("fk_ledger_transactions_holder_id_reverses_id_ledger_transactions"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_ledger_transactions_holder_id_holders")
        ),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_ledger_transactions_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_ledger_transactions")),
        sa.UniqueConstraint(
            "holder_id", "idempotency_key", name=op.f("uq_ledger_transactions_holder_id_idempotency_key")
        ),
        sa.UniqueConstraint(
            "holder_id", "reverses_id", name=op.f("uq_ledger_transactions_holder_id_reverses_id")
        ),
    )
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_transactions_activity", ["holder_id", "activity_id"], unique=False)
        batch_op.create_index("ix_ledger_transactions_posted", ["posted_at"], unique=False, postgresql_using="brin")

    op.create_table(
        "login_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("refresh_digest", sa.LargeBinary(), nullable=False),
        sa.Column("previous_digest", sa.LargeBinary(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_login_sessions_holder_id_holders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_sessions")),
        sa.UniqueConstraint("previous_digest", name=op.f("uq_login_sessions_previous_digest")),
        sa.UniqueConstraint("refresh_digest", name=op.f("uq_login_sessions_refresh_digest")),
    )
    with op.batch_alter_table("login_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_login_sessions_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "partner_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_partner_keys_partner_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_keys")),
    )
    with op.batch_alter_table("partner_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_keys_partner"), ["partner"], unique=False)

    op.create_table(
        "conformance_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("difficult_event", sa.Text(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_conformance_runs_partner_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conformance_runs")),
    )
    with op.batch_alter_table("conformance_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_conformance_runs_partner"), ["partner"], unique=False)

    op.create_table(
        "conformance_attempts",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["conformance_runs.id"],
            name=op.f("fk_conformance_attempts_run_id_conformance_runs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_conformance_attempts")),
    )
    op.create_table(
        "partner_key_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("others_end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(message_id IS NULL) = (body IS NULL) AND (message_id IS NULL) = (signature IS NULL)"
            " AND (message_id IS NULL) = (signed_at IS NULL)",
            name=op.f("ck_partner_key_changes_asked"),
        ),
        sa.ForeignKeyConstraint(
            ["key_id"], ["partner_keys.id"], name=op.f("fk_partner_key_changes_key_id_partner_keys")
        ),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_partner_key_changes_partner_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_key_changes")),
        sa.UniqueConstraint("partner", "message_id", name=op.f("uq_partner_key_changes_partner_message_id")),
    )
    op.create_table(
        "person_identities",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value_index", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("sealed_value", sa.LargeBinary(), nullable=False),
        sa.Column("recognised_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_person_identities_holder_id_holders")
        ),
        sa.PrimaryKeyConstraint("kind", "value_index", name=op.f("pk_person_identities")),
    )
    with op.batch_alter_table("person_identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_person_identities_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "person_keys",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(wrapped_key IS NULL) = (forgotten_at IS NOT NULL)", name=op.f("ck_person_keys_forgotten")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_person_keys_holder_id_holders")),
        sa.PrimaryKeyConstraint("holder_id", name=op.f("pk_person_keys")),
    )
    op.create_index(
        "ix_person_keys_forgotten",
        "person_keys",
        ["forgotten_at"],
        postgresql_where=sa.text("forgotten_at IS NOT NULL"),
        sqlite_where=sa.text("forgotten_at IS NOT NULL"),
    )
    op.create_table(
        "points_lots",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("methodology", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("drawn_from", sa.Text(), nullable=True),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("multiplier_version", sa.Integer(), nullable=True),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("remaining", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("reserved", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("expired", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("available_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(stage = 'closed') = (remaining = 0)", name=op.f("ck_points_lots_closed_is_empty")),
        sa.CheckConstraint("(campaign IS NULL) = (multiplier_version IS NULL)", name=op.f("ck_points_lots_bonus")),
        sa.CheckConstraint("stage IN ('pending', 'available', 'closed')", name=op.f("ck_points_lots_stage")),
        sa.CheckConstraint(
            "remaining >= 0 AND reserved >= 0 AND expired >= 0 AND remaining + reserved + expired <= amount "
            "AND amount > 0",
            name=op.f("ck_points_lots_amounts"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_points_lots_holder_id_holders")),
        sa.ForeignKeyConstraint(
            ["programme"], ["programmes.code"], name=op.f("fk_points_lots_programme_programmes")
        ),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_points_lots")),
    )
    with op.batch_alter_table("points_lots", schema=None) as batch_op:
        batch_op.create_index(
            "ix_points_lots_activity",
            ["holder_id", "activity_id"],
            unique=False,
            postgresql_include=["programme", "amount", "expired", "taken_back_at"],
        )
        batch_op.create_index(
            "ix_points_lots_available",
            ["expires_at", "holder_id", "id"],
            unique=False,
            postgresql_where=sa.text("stage = 'available'"),
            sqlite_where=sa.text("stage = 'available'"),
        )
        batch_op.create_index(
            "ix_points_lots_open",
            ["holder_id", "programme", "stage", "expires_at", "id"],
            unique=False,
            postgresql_where=sa.text("stage <> 'closed'"),
            sqlite_where=sa.text("stage <> 'closed'"),
        )
        batch_op.create_index(
            "ix_points_lots_pending",
            ["available_at"],
            unique=False,
            postgresql_where=sa.text("stage = 'pending'"),
            sqlite_where=sa.text("stage = 'pending'"),
        )

    _create_points_use_tables()
    op.create_table(
        "ledger_transfers",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("debit", sa.Text(), nullable=False),
        sa.Column("credit", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_ledger_transfers_amount_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_ledger_transfers_two_accounts")),
        sa.ForeignKeyConstraint(
            ["credit", "asset"],
            ["ledger_accounts.name", "ledger_accounts.asset"],
            name="fk_ledger_transfers_credit",
        ),
        sa.ForeignKeyConstraint(
            ["debit", "asset"],
            ["ledger_accounts.name", "ledger_accounts.asset"],
            name="fk_ledger_transfers_debit",
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "transaction_id"],
            ["ledger_transactions.holder_id", "ledger_transactions.id"],
            name=op.f("fk_ledger_transfers_holder_id_transaction_id_ledger_transactions"),
        ),
        sa.PrimaryKeyConstraint("holder_id", "transaction_id", "position", name=op.f("pk_ledger_transfers")),
    )
    op.create_table(
        "partner_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("user_ref_index", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_user_ref", sa.LargeBinary(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("linked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["holder_id", "programme"],
            ["enrolments.holder_id", "enrolments.programme"],
            name=op.f("fk_partner_links_holder_id_programme_enrolments"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id"], ["holders.id"], name=op.f("fk_partner_links_holder_id_holders")
        ),
        sa.ForeignKeyConstraint(
            ["partner"], ["partners.code"], name=op.f("fk_partner_links_partner_partners")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_links")),
    )
    with op.batch_alter_table("partner_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_partner_links_holder_id"), ["holder_id"], unique=False)
        batch_op.create_index(
            "uq_partner_links_open",
            ["partner", "user_ref_index"],
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )
    _create_link_code_tables()
    _create_idempotency_table()
    _create_message_tables()

    op.create_table(
        "restatement_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("methodology", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("library_digest", sa.LargeBinary(), nullable=False),
        sa.Column("cursor_holder_id", sa.Uuid(), nullable=True),
        sa.Column("cursor_activity_id", sa.Uuid(), nullable=True),
        sa.Column("examined", sa.Integer(), nullable=False),
        sa.Column("restated", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restatement_runs")),
    )
    op.create_table(
        "restatements",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("activity_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("previous_basis_hash", sa.LargeBinary(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)
            for name in ("previous_reduction_g", "previous_offset_g", "previous_eac_wh")
        ),
        sa.Column("basis_hash", sa.LargeBinary(), nullable=False),
        sa.Column("baseline", sa.Text(), nullable=True),
        sa.Column("project", sa.Text(), nullable=True),
        sa.Column("leakage", sa.Text(), nullable=True),
        sa.Column("reduction", sa.Text(), nullable=True),
        *(
            sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False)
            for name in ("reduction_g", "offset_g", "eac_wh")
        ),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("restated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "reduction_g >= 0 AND offset_g >= 0 AND eac_wh >= 0 AND "
            "previous_reduction_g >= 0 AND previous_offset_g >= 0 AND previous_eac_wh >= 0",
            name=op.f("ck_restatements_credits_not_negative"),
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_restatements_sequence")),
        sa.ForeignKeyConstraint(
            ["basis_hash"],
            ["quantification_bases.hash"],
            name=op.f("fk_restatements_basis_hash_quantification_bases"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "activity_id"],
            ["activities.holder_id", "activities.id"],
            name=op.f("fk_restatements_holder_id_activity_id_activities"),
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "transaction_id"],
            ["ledger_transactions.holder_id", "ledger_transactions.id"],
            name=op.f("fk_restatements_holder_id_transaction_id_ledger_transactions"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_basis_hash"],
            ["quantification_bases.hash"],
            name=op.f("fk_restatements_previous_basis_hash_quantification_bases"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["restatement_runs.id"], name=op.f("fk_restatements_run_id_restatement_runs")
        ),
        sa.PrimaryKeyConstraint("holder_id", "activity_id", "sequence", name=op.f("pk_restatements")),
    )
    with op.batch_alter_table("restatements", schema=None) as batch_op:
        batch_op.create_index("ix_restatements_run", ["run_id"], unique=False)

    op.bulk_insert(
        sa.table(
            "ledger_accounts",
            sa.column("name", sa.Text),
            sa.column("asset", sa.Text),
            sa.column("system", sa.Boolean),
        ),
        [
            {"name": "reduction", "asset": "co2e_reduction_g", "system": False},
            {"name": "offset", "asset": "co2e_offset_g", "system": False},
            {"name": "eac", "asset": "eac_wh", "system": False},
            {"name": "points.pending", "asset": "points", "system": False},
            {"name": "points.available", "asset": "points", "system": False},
            {"name": "points.reserved", "asset": "points", "system": False},
            {"name": "points.debt", "asset": "points", "system": False},
            {"name": "issuer.reduction", "asset": "co2e_reduction_g", "system": True},
            {"name": "issuer.offset", "asset": "co2e_offset_g", "system": True},
            {"name": "issuer.eac", "asset": "eac_wh", "system": True},
            {"name": "issuer.points", "asset": "points", "system": True},
            {"name": "expired.points", "asset": "points", "system": True},
            {"name": "spent.points", "asset": "points", "system": True},
            {"name": "written_off.points", "asset": "points", "system": True},
            {"name": "owed.points", "asset": "points", "system": True},
        ],
    )
    op.bulk_insert(
        sa.table(
            "operator_log_head",
            sa.column("id", sa.Integer),
            sa.column("sequence", sa.Integer),
            sa.column("hash", sa.LargeBinary),
        ),
        [{"id": 1, "sequence": 0, "hash": bytes(32)}],
    )
    _create_points_rule_tables()
    _create_reconciliation_tables()
    _create_reward_tables()
    _create_redemption_tables()
    _create_budget_tables()
    _create_order_tables()
    for table in APPEND_ONLY:
        _refuse_changes(table)
    _keep_consent_changes()


def downgrade() -> None:
    for table in ("reward_handovers", "reward_recipients", "reward_answers", "reward_orders"):
        op.drop_table(table)
    for table in ("redemption_limits", "redemption_devices", "redemption_steps", "redemptions"):
        op.drop_table(table)
    for table in ("reward_vouchers", "reward_codes", "reward_audiences", "reward_terms", "reward_stock_changes", "reward_stock", "reward_code_batches", "rewards", "reward_provider_keys", "reward_providers"):
        op.drop_table(table)
    for table in ("cuts", "cap_counts", "multipliers", "rules"):
        op.drop_table(f"points_{table}")
    for table in ("set_aside", "cover_switches", "liability", "budget_returns", "budget_changes", "budgets"):
        op.drop_table(f"points_{table}")
    for table in ("differences", "rows", "lists", "days"):
        op.drop_table(f"reconciliation_{table}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change_of_closed_day()")
        op.execute("DROP FUNCTION refuse_change_of_difference()")
    with op.batch_alter_table("restatements", schema=None) as batch_op:
        batch_op.drop_index("ix_restatements_run")

    op.drop_table("restatements")
    op.drop_table("restatement_runs")
    op.drop_table("idempotency_keys")
    for table in ("expiry_warnings", "message_permissions", "message_templates", "message_halts", "warning_rounds"):
        op.drop_table(table)
    op.drop_table("wechat_access_tokens")
    op.drop_table("wrong_link_codes")
    op.drop_table("link_codes")
    with op.batch_alter_table("partner_links", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_partner_links_open",
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_partner_links_holder_id"))

    op.drop_table("partner_links")
    op.drop_table("ledger_transfers")
    op.drop_table("points_use_parts")
    op.drop_table("points_uses")
    with op.batch_alter_table("points_lots", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_points_lots_open",
            postgresql_where=sa.text("stage <> 'closed'"),
            sqlite_where=sa.text("stage <> 'closed'"),
        )
        batch_op.drop_index(
            "ix_points_lots_pending",
            postgresql_where=sa.text("stage = 'pending'"),
            sqlite_where=sa.text("stage = 'pending'"),
        )
        batch_op.drop_index(
            "ix_points_lots_available",
            postgresql_where=sa.text("stage = 'available'"),
            sqlite_where=sa.text("stage = 'available'"),
        )
        batch_op.drop_index("ix_points_lots_activity")

    op.drop_table("points_lots")
    op.drop_table("person_keys")
    with op.batch_alter_table("person_identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_person_identities_holder_id"))

    op.drop_table("person_identities")
    op.drop_table("partner_key_changes")
    with op.batch_alter_table("partner_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partner_keys_partner"))

    op.drop_table("partner_keys")
    with op.batch_alter_table("login_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_sessions_holder_id"))
        batch_op.drop_index(batch_op.f("ix_login_sessions_expires_at"))

    op.drop_table("login_sessions")
    with op.batch_alter_table("ledger_transactions", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_transactions_posted", postgresql_using="brin")
        batch_op.drop_index("ix_ledger_transactions_activity")

    op.drop_table("ledger_transactions")
    op.drop_table("inbox_conflicts")
    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_inbox_dead",
            postgresql_where=sa.text("state = 'dead'"),
            sqlite_where=sa.text("state = 'dead'"),
        )
        batch_op.drop_index("ix_inbox_deliveries")
        batch_op.drop_index("ix_inbox_day")
        batch_op.drop_index(
            "ix_inbox_waiting",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(
            "ix_inbox_unowned",
            postgresql_where=sa.text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
            sqlite_where=sa.text("state = 'done' AND holder_id IS NULL AND sealed_body IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_inbox_holder",
            postgresql_where=sa.text("holder_id IS NOT NULL"),
            sqlite_where=sa.text("holder_id IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_inbox_parked",
            postgresql_where=sa.text("state = 'parked'"),
            sqlite_where=sa.text("state = 'parked'"),
        )
        batch_op.drop_index(
            "ix_inbox_awaiting_order",
            postgresql_where=sa.text("parked_for = 'ORDER'"),
            sqlite_where=sa.text("parked_for = 'ORDER'"),
        )

    op.drop_table("inbox")
    op.drop_table("partner_batches")
    op.drop_table("holder_days")
    op.drop_table("enrolments")
    op.drop_table("consents")
    with op.batch_alter_table("consent_changes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consent_changes_holder_id"))

    op.drop_table("consent_changes")
    with op.batch_alter_table("claim_contenders", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_contenders_activity")

    op.drop_table("claim_contenders")
    op.drop_table("balances")
    with op.batch_alter_table("activities", schema=None) as batch_op:
        batch_op.drop_index("ix_activities_holder_day")

    op.drop_table("activities")
    op.drop_table("spent_link_tickets")
    op.drop_table("quantification_bases")
    op.drop_table("conformance_attempts")
    with op.batch_alter_table("conformance_runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_conformance_runs_partner"))

    op.drop_table("conformance_runs")
    op.drop_table("partners")
    op.drop_table("programmes")
    with op.batch_alter_table("sync_deliveries", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sync_deliveries_waiting",
            postgresql_where=sa.text("state = 'waiting'"),
            sqlite_where=sa.text("state = 'waiting'"),
        )

    op.drop_table("sync_deliveries")
    op.drop_table("sync_comparisons")
    op.drop_table("sync_differences")
    op.drop_table("sync_sequences")
    with op.batch_alter_table("sync_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sync_keys_destination"))

    op.drop_table("sync_keys")
    op.drop_table("sync_destinations")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_holder")
        batch_op.drop_index(
            "ix_outbox_without_position",
            postgresql_where=sa.text("position IS NULL"),
            sqlite_where=sa.text("position IS NULL"),
        )

    op.drop_table("outbox")
    op.drop_table("orders")
    op.drop_table("order_lines")
    for table in ("approval_executions", "approval_decisions", "approval_requests"):
        op.drop_table(table)
    for table in ("operator_log_head", "operator_log", "operators"):
        op.drop_table(table)
    op.drop_table("ledger_accounts")
    op.drop_table("leases")
    for table in ("account_stewards", "guardian_invitations", "guardianships", "minors"):
        op.drop_table(table)
    op.drop_table("holders")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_claims_owner",
            postgresql_where=sa.text("activity_id IS NOT NULL"),
            sqlite_where=sa.text("activity_id IS NOT NULL"),
        )

    op.drop_table("claims")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")
