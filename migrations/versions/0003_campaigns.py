"""Campaigns: environment weeks, car-free days, PK, and what is derived from them.

House rules for a migration:
* It must not break the release before it: add first, use later, remove in a third migration.
* It runs on PostgreSQL and on SQLite, and says what happens to rows that exist.
* Published facts (ledger, activities, quantification bases) are never rewritten.

Only new tables: no row that exists is touched. One function per room.

Revision: 0003, after: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

#: Whole numbers that may exceed 32 bits.
AMOUNT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
#: What is written here is never changed or removed: corrections are new rows.
APPEND_ONLY: tuple[str, ...] = (
    *("campaign_finals", "campaign_final_scores", "campaign_corrections"),
    *("campaign_challenge_scores", "campaign_challenge_results"),
    "points_grants",
)
#: Every table of this migration, each behind those it refers to.
TABLES = (
    *("campaigns", "campaign_teams", "campaign_participants", "campaign_groups"),
    "campaign_screens",
    "campaign_invitations",
    *("friendships", "friend_codes"),
    *("campaign_scores", "campaign_group_scores", "campaign_buckets", "campaign_followers", "campaign_heads"),
    "campaign_comparisons",
    "names_to_check",
    *("campaign_finals", "campaign_final_scores", "campaign_counts", "campaign_corrections"),
    *("campaign_challenges", "campaign_challenge_days", "campaign_challenge_members", "campaign_challenge_scores"),
    *("campaign_challenge_results", "campaign_challenge_standings", "campaign_captains"),
    *("campaign_pledges", "campaign_car_free_days"),
    *("points_grants", "campaign_award_runs", "campaign_awards"),
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


def _holder(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f(f"fk_{table}_holder_id_holders"))


def _campaign(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["campaign"], ["campaigns.code"], name=op.f(f"fk_{table}_campaign_campaigns"))


def _create_screen_tables() -> None:
    op.create_table(
        "campaign_screens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("ticket_digest", sa.LargeBinary(), nullable=False),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.CheckConstraint("opened_at < ends_at", name=op.f("ck_campaign_screens_time")),
        _campaign("campaign_screens"),
        sa.ForeignKeyConstraint(["opened_by"], ["operators.id"], name=op.f("fk_campaign_screens_opened_by_operators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_screens")),
        sa.UniqueConstraint("ticket_digest", name=op.f("uq_campaign_screens_ticket_digest")),
    )
    op.create_index("ix_campaign_screens_campaign", "campaign_screens", ["campaign"])


def _create_campaign_tables() -> None:
    op.create_table(
        "campaigns",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("joining", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("closes_at", INSTANT, nullable=False),
        sa.Column("drafted_at", INSTANT, nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=True),
        sa.Column("announced_at", INSTANT, nullable=True),
        sa.Column("cancelled_at", INSTANT, nullable=True),
        sa.Column("final_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('environment_week', 'car_free_day', 'challenge')", name=op.f("ck_campaigns_kind")),
        sa.CheckConstraint("joining IN ('open', 'departments', 'invitation')", name=op.f("ck_campaigns_joining")),
        sa.CheckConstraint("starts_at < ends_at AND ends_at <= closes_at", name=op.f("ck_campaigns_order")),
        sa.CheckConstraint(
            "announced_at IS NOT NULL OR (cancelled_at IS NULL AND final_at IS NULL)",
            name=op.f("ck_campaigns_announced"),
        ),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_campaigns_approval_id_approval_requests")
        ),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_campaigns_programme_programmes")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_campaigns")),
    )
    op.create_table(
        "campaign_teams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_passed", sa.Boolean(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("captain_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", INSTANT, nullable=False),
        _campaign("campaign_teams"),
        sa.ForeignKeyConstraint(["captain_id"], ["holders.id"], name=op.f("fk_campaign_teams_captain_id_holders")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_teams")),
        sa.UniqueConstraint("code_index", name=op.f("uq_campaign_teams_code_index")),
    )
    op.create_index("ix_campaign_teams_campaign", "campaign_teams", ["campaign"])
    op.create_table(
        "campaign_participants",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("takes_challenges", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_passed", sa.Boolean(), nullable=False),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("joined_at", INSTANT, nullable=False),
        sa.Column("left_at", INSTANT, nullable=True),
        _campaign("campaign_participants"),
        _holder("campaign_participants"),
        sa.ForeignKeyConstraint(
            ["team_id"], ["campaign_teams.id"], name=op.f("fk_campaign_participants_team_id_campaign_teams")
        ),
        sa.PrimaryKeyConstraint("holder_id", "campaign", name=op.f("pk_campaign_participants")),
        sa.UniqueConstraint("campaign", "id", name=op.f("uq_campaign_participants_campaign_id")),
    )
    op.create_index("ix_campaign_participants_team", "campaign_participants", ["team_id"])
    op.create_table(
        "campaign_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('department', 'class', 'city', 'team')", name=op.f("ck_campaign_groups_kind")),
        _campaign("campaign_groups"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_groups")),
        sa.UniqueConstraint("campaign", "kind", "key", name=op.f("uq_campaign_groups_campaign_kind_key")),
    )


def _create_invitation_table() -> None:
    op.create_table(
        "campaign_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("uses_allowed", sa.Integer(), nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint("0 <= uses AND uses <= uses_allowed", name=op.f("ck_campaign_invitations_uses")),
        _campaign("campaign_invitations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_invitations")),
        sa.UniqueConstraint("code_index", name=op.f("uq_campaign_invitations_code_index")),
    )
    op.create_index("ix_campaign_invitations_campaign", "campaign_invitations", ["campaign"])


def _create_friend_tables() -> None:
    op.create_table(
        "friendships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("friend_id", sa.Uuid(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.CheckConstraint("holder_id <> friend_id", name=op.f("ck_friendships_two")),
        sa.ForeignKeyConstraint(
            ["friend_id", "holder_id"],
            ["friendships.holder_id", "friendships.friend_id"],
            name=op.f("fk_friendships_friend_id_friendships"),
        ),
        _holder("friendships"),
        sa.PrimaryKeyConstraint("id", "holder_id", name=op.f("pk_friendships")),
        sa.UniqueConstraint("holder_id", "friend_id", name=op.f("uq_friendships_holder_id_friend_id")),
    )
    op.create_table(
        "friend_codes",
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        _holder("friend_codes"),
        sa.PrimaryKeyConstraint("code_index", name=op.f("pk_friend_codes")),
    )
    op.create_index("ix_friend_codes_holder_id", "friend_codes", ["holder_id"])
    op.create_index("ix_friend_codes_expires_at", "friend_codes", ["expires_at"])


def _create_score_tables() -> None:
    op.create_table(
        "campaign_scores",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("grams", AMOUNT, nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("acts", sa.Integer(), nullable=False),
        sa.Column("grams_at", sa.Integer(), nullable=False),
        sa.Column("points_at", sa.Integer(), nullable=False),
        sa.Column("groups", sa.Text(), nullable=True),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("grams >= 0 AND points >= 0 AND acts > 0", name=op.f("ck_campaign_scores_amounts")),
        _campaign("campaign_scores"),
        _holder("campaign_scores"),
        sa.PrimaryKeyConstraint("holder_id", "campaign", "period", name=op.f("pk_campaign_scores")),
    )
    for measure in ("grams", "points"):
        op.create_index(
            f"ix_campaign_scores_{measure}",
            "campaign_scores",
            ["campaign", "period", measure, f"{measure}_at", "participant_id"],
            postgresql_where=sa.text("listed"),
            sqlite_where=sa.text("listed"),
        )
    op.create_table(
        "campaign_group_scores",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("grams", AMOUNT, nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("acts", AMOUNT, nullable=False),
        _campaign("campaign_group_scores"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["campaign_groups.id"], name=op.f("fk_campaign_group_scores_group_id_campaign_groups")
        ),
        sa.PrimaryKeyConstraint("campaign", "period", "group_id", name=op.f("pk_campaign_group_scores")),
    )
    op.create_table(
        "campaign_buckets",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.CheckConstraint("measure IN ('grams', 'points')", name=op.f("ck_campaign_buckets_measure")),
        _campaign("campaign_buckets"),
        sa.PrimaryKeyConstraint("campaign", "period", "measure", "bucket", name=op.f("pk_campaign_buckets")),
    )
    op.create_table(
        "campaign_followers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", AMOUNT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_campaign_followers")),
    )
    op.create_table(
        "campaign_heads",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.CheckConstraint("people >= 0 AND participants >= 0", name=op.f("ck_campaign_heads_counts")),
        _campaign("campaign_heads"),
        sa.PrimaryKeyConstraint("campaign", "kind", "key", "day", name=op.f("pk_campaign_heads")),
    )
    op.create_table(
        "campaign_comparisons",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("compared_at", INSTANT, nullable=False),
        sa.Column("participants", sa.Integer(), nullable=False),
        sa.Column("differences", sa.Integer(), nullable=False),
        _campaign("campaign_comparisons"),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_campaign_comparisons")),
    )


def _create_name_tables() -> None:
    op.create_table(
        "names_to_check",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("use", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("chosen_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_check_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'for_operator')", name=op.f("ck_names_to_check_state")),
        _holder("names_to_check"),
        sa.PrimaryKeyConstraint("holder_id", "use", "subject", name=op.f("pk_names_to_check")),
        sa.UniqueConstraint("holder_id", "id", name=op.f("uq_names_to_check_holder_id_id")),
    )
    op.create_index("ix_names_to_check_due", "names_to_check", ["state", "next_check_at"])


def _challenge(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["challenge_id"], ["campaign_challenges.id"], name=op.f(f"fk_{table}_challenge_id_campaign_challenges")
    )


def _create_challenge_tables() -> None:
    op.create_table(
        "campaign_challenges",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("challenger_id", sa.Uuid(), nullable=False),
        sa.Column("opponent_id", sa.Uuid(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("invited_at", INSTANT, nullable=False),
        sa.Column("lapses_at", INSTANT, nullable=False),
        sa.Column("accepted_at", INSTANT, nullable=True),
        sa.Column("declined_at", INSTANT, nullable=True),
        sa.Column("withdrawn_at", INSTANT, nullable=True),
        sa.Column("final_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind IN ('person', 'team', 'department')", name=op.f("ck_campaign_challenges_kind")),
        sa.CheckConstraint("measure IN ('grams', 'points')", name=op.f("ck_campaign_challenges_measure")),
        sa.CheckConstraint("challenger_id <> opponent_id", name=op.f("ck_campaign_challenges_two_sides")),
        sa.CheckConstraint("first_day <= last_day", name=op.f("ck_campaign_challenges_days")),
        sa.CheckConstraint(
            "(accepted_at IS NULL) = (accepted_by IS NULL)", name=op.f("ck_campaign_challenges_accepted")
        ),
        sa.CheckConstraint(
            "declined_at IS NULL OR (accepted_at IS NULL AND withdrawn_at IS NULL)",
            name=op.f("ck_campaign_challenges_declined"),
        ),
        sa.CheckConstraint(
            "final_at IS NULL OR (accepted_at IS NOT NULL AND withdrawn_at IS NULL)",
            name=op.f("ck_campaign_challenges_final"),
        ),
        _campaign("campaign_challenges"),
        sa.ForeignKeyConstraint(["invited_by"], ["holders.id"], name=op.f("fk_campaign_challenges_invited_by_holders")),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["holders.id"], name=op.f("fk_campaign_challenges_accepted_by_holders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_challenges")),
    )
    for side in ("challenger", "opponent"):
        op.create_index(f"ix_campaign_challenges_{side}", "campaign_challenges", [f"{side}_id"])
    waiting = sa.text("accepted_at IS NOT NULL AND withdrawn_at IS NULL AND final_at IS NULL")
    op.create_index(
        "ix_campaign_challenges_due",
        "campaign_challenges",
        ["due_at"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
    op.create_table(
        "campaign_challenge_days",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("side_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        _campaign("campaign_challenge_days"),
        _challenge("campaign_challenge_days"),
        sa.PrimaryKeyConstraint("campaign", "side_id", "day", name=op.f("pk_campaign_challenge_days")),
    )
    op.create_index("ix_campaign_challenge_days_challenge", "campaign_challenge_days", ["challenge_id"])
    op.create_table(
        "campaign_challenge_members",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.CheckConstraint("side IN ('challenger', 'opponent')", name=op.f("ck_campaign_challenge_members_side")),
        _challenge("campaign_challenge_members"),
        _holder("campaign_challenge_members"),
        sa.PrimaryKeyConstraint("holder_id", "challenge_id", name=op.f("pk_campaign_challenge_members")),
    )
    op.create_index("ix_campaign_challenge_members_challenge", "campaign_challenge_members", ["challenge_id"])


def _create_challenge_result_tables() -> None:
    op.create_table(
        "campaign_challenge_scores",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.CheckConstraint("side IN ('challenger', 'opponent')", name=op.f("ck_campaign_challenge_scores_side")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_campaign_challenge_scores_amount")),
        _challenge("campaign_challenge_scores"),
        _holder("campaign_challenge_scores"),
        sa.PrimaryKeyConstraint("holder_id", "challenge_id", "day", name=op.f("pk_campaign_challenge_scores")),
    )
    op.create_index("ix_campaign_challenge_scores_challenge", "campaign_challenge_scores", ["challenge_id"])
    op.create_table(
        "campaign_challenge_results",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("winner", sa.Text(), nullable=True),
        *(
            sa.Column(f"{side}_{name}", kind, nullable=False)
            for side in ("challenger", "opponent")
            for name, kind in (("people", sa.Integer()), ("taking_part", sa.Integer()), ("amount", AMOUNT))
        ),
        sa.Column("document", sa.Text(), nullable=False),
        sa.CheckConstraint("winner IN ('challenger', 'opponent')", name=op.f("ck_campaign_challenge_results_winner")),
        _challenge("campaign_challenge_results"),
        sa.PrimaryKeyConstraint("challenge_id", "number", name=op.f("pk_campaign_challenge_results")),
    )
    op.create_table(
        "campaign_challenge_standings",
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", INSTANT, nullable=False),
        *(
            sa.Column(f"{side}_{name}", kind, nullable=False)
            for side in ("challenger", "opponent")
            for name, kind in (("people", sa.Integer()), ("taking_part", sa.Integer()), ("amount", AMOUNT))
        ),
        _challenge("campaign_challenge_standings"),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_campaign_challenge_standings")),
    )
    op.create_table(
        "campaign_captains",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("named_at", INSTANT, nullable=False),
        _campaign("campaign_captains"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["campaign_groups.id"], name=op.f("fk_campaign_captains_group_id_campaign_groups")
        ),
        sa.ForeignKeyConstraint(
            ["holder_id", "campaign"],
            ["campaign_participants.holder_id", "campaign_participants.campaign"],
            name=op.f("fk_campaign_captains_holder_id_campaign_campaign_participants"),
        ),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_campaign_captains")),
        sa.UniqueConstraint("campaign", "holder_id", name=op.f("uq_campaign_captains_campaign_holder_id")),
    )


def _scored() -> list[sa.Column[object]]:
    """What a frozen score and its draft have in common."""
    return [
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("grams", AMOUNT, nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("acts", "days", "grams_at", "points_at")),
    ]


def _create_closing_tables() -> None:
    op.create_table(
        "campaign_finals",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("frozen_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("participants", "scored", "listed")),
        sa.Column("grams", AMOUNT, nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("scores_sha256", "statement_sha256", "signature")),
        _campaign("campaign_finals"),
        sa.PrimaryKeyConstraint("campaign", name=op.f("pk_campaign_finals")),
    )
    final = "campaign_final_scores"
    op.create_table(
        final,
        *_scored(),
        sa.Column("rank_grams", sa.Integer(), nullable=False),
        sa.Column("rank_points", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "grams >= 0 AND points >= 0 AND acts > 0 AND days > 0", name=op.f("ck_campaign_final_scores_amounts")
        ),
        sa.CheckConstraint("rank_grams > 0 AND rank_points > 0", name=op.f("ck_campaign_final_scores_ranks")),
        _campaign(final),
        _holder(final),
        sa.PrimaryKeyConstraint("holder_id", "campaign", name=op.f("pk_campaign_final_scores")),
        sa.UniqueConstraint(
            "campaign", "participant_id", name=op.f("uq_campaign_final_scores_campaign_participant_id")
        ),
    )
    for measure in ("grams", "points"):
        op.create_index(f"ix_campaign_final_scores_{measure}", final, ["campaign", f"rank_{measure}"])
    op.create_table(
        "campaign_counts",
        *_scored(),
        _campaign("campaign_counts"),
        _holder("campaign_counts"),
        sa.PrimaryKeyConstraint("holder_id", "campaign", name=op.f("pk_campaign_counts")),
    )
    op.create_table(
        "campaign_corrections",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("sequence", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("participant_id", sa.Uuid(), nullable=False),
        sa.Column("grams", AMOUNT, nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("acts", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("corrected_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "grams >= 0 AND points >= 0 AND acts >= 0 AND days >= 0", name=op.f("ck_campaign_corrections_amounts")
        ),
        sa.CheckConstraint("sequence > 0", name=op.f("ck_campaign_corrections_sequence")),
        sa.ForeignKeyConstraint(
            ["campaign"], ["campaign_finals.campaign"], name=op.f("fk_campaign_corrections_campaign_campaign_finals")
        ),
        _holder("campaign_corrections"),
        sa.PrimaryKeyConstraint("holder_id", "campaign", "sequence", name=op.f("pk_campaign_corrections")),
    )
    op.create_index("ix_campaign_corrections_campaign", "campaign_corrections", ["campaign", "participant_id"])


def _create_pledge_tables() -> None:
    op.create_table(
        "campaign_pledges",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pledged_at", INSTANT, nullable=False),
        _campaign("campaign_pledges"),
        _holder("campaign_pledges"),
        sa.PrimaryKeyConstraint("holder_id", "campaign", "day", name=op.f("pk_campaign_pledges")),
    )
    op.create_index("ix_campaign_pledges_day", "campaign_pledges", ["campaign", "day"])
    op.create_table(
        "campaign_car_free_days",
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("pledged", sa.Integer(), nullable=False),
        sa.Column("kept", sa.Integer(), nullable=False),
        sa.Column("parked", sa.Integer(), nullable=False),
        sa.Column("reduction_g", AMOUNT, nullable=False),
        sa.Column("counted_at", INSTANT, nullable=False),
        sa.CheckConstraint(
            "0 <= kept AND kept <= pledged AND parked >= 0", name=op.f("ck_campaign_car_free_days_people")
        ),
        _campaign("campaign_car_free_days"),
        sa.PrimaryKeyConstraint("campaign", "day", name=op.f("pk_campaign_car_free_days")),
    )


def _create_grant_tables() -> None:
    op.create_table(
        "points_grants",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("lot_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", INSTANT, nullable=False),
        sa.CheckConstraint("points > 0", name=op.f("ck_points_grants_points")),
        sa.ForeignKeyConstraint(
            ["holder_id", "lot_id"],
            ["points_lots.holder_id", "points_lots.id"],
            name=op.f("fk_points_grants_holder_id_points_lots"),
        ),
        sa.ForeignKeyConstraint(["programme"], ["programmes.code"], name=op.f("fk_points_grants_programme_programmes")),
        _holder("points_grants"),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_points_grants")),
        sa.UniqueConstraint("holder_id", "lot_id", name=op.f("uq_points_grants_holder_id_lot_id")),
    )


def _final(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_campaign_campaign_finals")
    return sa.ForeignKeyConstraint(["campaign"], ["campaign_finals.campaign"], name=name)


def _create_award_tables() -> None:
    runs, awards = "campaign_award_runs", "campaign_awards"
    op.create_table(
        runs,
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("approval_id", sa.Uuid(), nullable=False),
        sa.Column("awards", sa.Integer(), nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(
            ["approval_id"], ["approval_requests.id"], name=op.f("fk_campaign_award_runs_approval_id_approval_requests")
        ),
        _final(runs),
        sa.PrimaryKeyConstraint("campaign", "number", name=op.f("pk_campaign_award_runs")),
        sa.UniqueConstraint("approval_id", name=op.f("uq_campaign_award_runs_approval_id")),
    )
    op.create_table(
        awards,
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("run", sa.SmallInteger(), nullable=False),
        sa.Column("reward", sa.SmallInteger(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("points", AMOUNT, nullable=False),
        sa.Column("least", AMOUNT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("planned_at", INSTANT, nullable=False),
        sa.Column("paid_at", INSTANT, nullable=True),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'paid', 'withheld', 'taken_back')", name=op.f("ck_campaign_awards_state")
        ),
        sa.CheckConstraint("points > 0", name=op.f("ck_campaign_awards_points")),
        sa.CheckConstraint(
            "(paid_at IS NOT NULL) = (state IN ('paid', 'taken_back'))", name=op.f("ck_campaign_awards_paid")
        ),
        sa.CheckConstraint(
            "(ended_at IS NOT NULL) = (state IN ('withheld', 'taken_back'))", name=op.f("ck_campaign_awards_ended")
        ),
        _final(awards),
        _holder(awards),
        sa.PrimaryKeyConstraint("holder_id", "id", name=op.f("pk_campaign_awards")),
        sa.UniqueConstraint(
            *("holder_id", "campaign", "reward", "challenge"),
            name=op.f("uq_campaign_awards_holder_id_campaign_reward_challenge"),
        ),
    )
    planned, pk = sa.text("state = 'planned'"), sa.text("challenge <> ''")
    op.create_index(
        "ix_campaign_awards_planned",
        awards,
        ["campaign", "holder_id", "id"],
        postgresql_where=planned,
        sqlite_where=planned,
    )
    op.create_index("ix_campaign_awards_challenge", awards, ["challenge"], postgresql_where=pk, sqlite_where=pk)


def upgrade() -> None:
    _create_campaign_tables()
    _create_screen_tables()
    _create_invitation_table()
    _create_friend_tables()
    _create_score_tables()
    _create_name_tables()
    _create_closing_tables()
    _create_challenge_tables()
    _create_challenge_result_tables()
    _create_pledge_tables()
    _create_grant_tables()
    _create_award_tables()
    for table in APPEND_ONLY:
        _refuse_changes(table)


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
