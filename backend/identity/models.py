"""Who there is, how they are recognised, what they agreed to."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class Programme(Base):
    """计划: who takes part and by which baseline profile their acts are quantified."""

    __tablename__ = "programmes"
    __table_args__ = (CheckConstraint("kind IN ('consumer', 'staff', 'school')", name="kind"),)

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    title_zh: Mapped[str] = mapped_column(Text)
    title_en: Mapped[str] = mapped_column(Text)
    profile: Mapped[str] = mapped_column(Text)


class Holder(Base):
    """Whoever can hold carbon accounts and points: a person, or a school class."""

    __tablename__ = "holders"
    __table_args__ = (CheckConstraint("kind IN ('person', 'class')", name="kind"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant)


class PersonKey(Base):
    """The wrapped key under which a person's evidence and references are sealed; NULL once they were forgotten."""

    __tablename__ = "person_keys"
    __table_args__ = (
        CheckConstraint("(wrapped_key IS NULL) = (forgotten_at IS NOT NULL)", name="forgotten"),
        Index(
            "ix_person_keys_forgotten",
            "forgotten_at",
            postgresql_where=text("forgotten_at IS NOT NULL"),
            sqlite_where=text("forgotten_at IS NOT NULL"),
        ),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    forgotten_at: Mapped[datetime | None] = mapped_column(Instant)


class PersonIdentity(Base):
    """One way a person is recognised (a WeChat openid or unionid): a keyed index to find, a sealed value to show."""

    __tablename__ = "person_identities"

    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    value_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    sealed_value: Mapped[bytes] = mapped_column(LargeBinary)
    recognised_at: Mapped[datetime] = mapped_column(Instant)


class Enrolment(Base):
    """A holder's account in a programme: one per programme, personal 会员, staff 员工 or class 班级."""

    __tablename__ = "enrolments"
    __table_args__ = (CheckConstraint("account_kind IN ('personal', 'staff', 'class')", name="account_kind"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"), primary_key=True)
    account_kind: Mapped[str] = mapped_column(Text)
    enrolled_at: Mapped[datetime] = mapped_column(Instant)


class Operator(Base):
    """Who runs the house. Never removed: the log and the approvals name them."""

    __tablename__ = "operators"
    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'reviewer', 'finance', 'administrator')", name="role"),
        UniqueConstraint("name"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    active: Mapped[bool]
    token_digest: Mapped[bytes] = mapped_column(LargeBinary)
    appointed_at: Mapped[datetime] = mapped_column(Instant)


class LoginSession(Base):
    """A logged-in device. Its refresh token changes at every use; when an old one returns, the session ends."""

    __tablename__ = "login_sessions"
    __table_args__ = (UniqueConstraint("refresh_digest"), UniqueConstraint("previous_digest"))

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    refresh_digest: Mapped[bytes] = mapped_column(LargeBinary)
    previous_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    started_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class PartnerLink(Base):
    """A partner's user is this member, and their acts go to this one account."""

    __tablename__ = "partner_links"
    __table_args__ = (
        Index(
            "uq_partner_links_open",
            "partner",
            "user_ref_index",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        ForeignKeyConstraint(["holder_id", "programme"], ["enrolments.holder_id", "enrolments.programme"]),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"))
    user_ref_index: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_user_ref: Mapped[bytes] = mapped_column(LargeBinary)
    programme: Mapped[str] = mapped_column(Text)
    linked_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class SpentLinkTicket(Base):
    """A link ticket works once."""

    __tablename__ = "spent_link_tickets"

    partner: Mapped[str] = mapped_column(Text, primary_key=True)
    nonce: Mapped[str] = mapped_column(Text, primary_key=True)
    spent_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Minor(Base):
    """A person who is under fourteen until that day, their fourteenth birthday; the birth date itself is not kept."""

    __tablename__ = "minors"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    minor_until: Mapped[date]
    stated_at: Mapped[datetime] = mapped_column(Instant)


class Guardianship(Base):
    """Who consents for a person under fourteen: one guardian each."""

    __tablename__ = "guardianships"
    __table_args__ = (CheckConstraint("holder_id <> guardian_id", name="not_oneself"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    guardian_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    since: Mapped[datetime] = mapped_column(Instant)


class AccountSteward(Base):
    """Who acts for a class account (`holder_id`), a teacher say, since when and until when."""

    __tablename__ = "account_stewards"
    __table_args__ = (CheckConstraint("holder_id <> person_id", name="not_itself"),)

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True, index=True)
    since: Mapped[datetime] = mapped_column(Instant)
    until: Mapped[datetime | None] = mapped_column(Instant)


class GuardianInvitation(Base):
    """A code by which a guardian is found, as a keyed index. Removed when it is used."""

    __tablename__ = "guardian_invitations"

    code_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)


class LinkCode(Base):
    """关联码: what a member types in at a partner to be linked. One per member and partner; a new one takes its place.

    It is spent once it has a `link_id`; `request_id` is the partner's request that spent it.
    """

    __tablename__ = "link_codes"
    __table_args__ = (
        UniqueConstraint("digest"),
        CheckConstraint("(link_id IS NULL) = (request_id IS NULL)", name="spent"),
        ForeignKeyConstraint(["holder_id", "programme"], ["enrolments.holder_id", "enrolments.programme"]),
    )

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    programme: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(SmallInteger)
    link_id: Mapped[UUID | None] = mapped_column(ForeignKey("partner_links.id"))
    request_id: Mapped[str | None] = mapped_column(Text)


class WrongLinkCodes(Base):
    """How many wrong link codes a partner has presented since an instant; locked while it presents one."""

    __tablename__ = "wrong_link_codes"

    partner: Mapped[str] = mapped_column(ForeignKey("partners.code"), primary_key=True)
    since: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int] = mapped_column(Integer)


class Consent(Base):
    """What a member allows now, per partner and scene. Locked while an act is credited under it.

    `partner` is a partner's code or, in the scene `sharing`, that of a platform that is told.
    `counts_from`: acts from then on count; the look-back of the text before the first of the consents in a row.
    `counts_until`: from then on it has to be given anew; a guardian's, from the ward's fourteenth birthday.
    """

    __tablename__ = "consents"

    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), primary_key=True)
    partner: Mapped[str] = mapped_column(Text, primary_key=True)
    scene: Mapped[str] = mapped_column(Text, primary_key=True)
    granted: Mapped[bool]
    text_version: Mapped[str] = mapped_column(Text)
    counts_from: Mapped[datetime] = mapped_column(Instant)
    counts_until: Mapped[datetime | None] = mapped_column(Instant)
    decided_by: Mapped[UUID] = mapped_column(Uuid)
    changed_at: Mapped[datetime] = mapped_column(Instant)


class ConsentChange(Base):
    """Every change of a consent: what was agreed to or withdrawn, under which text, when. Never altered, and kept for
    three years at least.

    `source`: whose doing it was; `decided_by`: the person themselves or their guardian.
    """

    __tablename__ = "consent_changes"
    __table_args__ = (
        CheckConstraint(
            "source IN ('member', 'guardian', 'wechat', 'deletion', 'age', 'guardian_left')", name="source"
        ),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    holder_id: Mapped[UUID] = mapped_column(ForeignKey("holders.id"), index=True)
    partner: Mapped[str] = mapped_column(Text)
    scene: Mapped[str] = mapped_column(Text)
    granted: Mapped[bool]
    text_version: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    decided_by: Mapped[UUID] = mapped_column(Uuid)
    changed_at: Mapped[datetime] = mapped_column(Instant)
