"""Employers' login services, the logins begun at them, and WeCom's access tokens."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from backend.database import Base, Instant


class StaffLoginProvider(Base):
    """One employer's login service, for one staff programme. `settings`: canonical JSON, as its kind asks for.

    The secret is sealed under the vault's house key, and gone once the provider is retired.
    """

    __tablename__ = "staff_login_providers"
    __table_args__ = (
        CheckConstraint("kind IN ('wecom', 'oidc')", name="kind"),
        CheckConstraint("(sealed_secret IS NULL) = (retired_at IS NOT NULL)", name="retired"),
    )

    code: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    programme: Mapped[str] = mapped_column(ForeignKey("programmes.code"))
    title: Mapped[str] = mapped_column(Text)
    settings: Mapped[str] = mapped_column(Text)
    sealed_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    added_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class StaffLoginAttempt(Base):
    """A login that was begun and not finished: taken once, and gone. State and verifier are kept as digests only."""

    __tablename__ = "staff_login_attempts"

    state_digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    provider: Mapped[str] = mapped_column(ForeignKey("staff_login_providers.code"))
    verifier_digest: Mapped[bytes] = mapped_column(LargeBinary)
    redirect_uri: Mapped[str] = mapped_column(Text)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class StaffLoginToken(Base):
    """WeCom's access token for one provider's app, sealed under the vault's house key."""

    __tablename__ = "staff_login_tokens"

    provider: Mapped[str] = mapped_column(ForeignKey("staff_login_providers.code"), primary_key=True)
    sealed_token: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(Instant)
