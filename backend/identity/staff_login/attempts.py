"""Logins that were begun: each is finished once, within ten minutes, where it began, by whoever began it.

The state travels through the browser and the employer's login service; the verifier stays with the client that began,
so that nobody can slip somebody else their own login (RFC 6749, section 10.12). Here both are kept as digests.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.identity.staff_login.errors import StaffLoginInvalid
from backend.identity.staff_login.interfaces import Attempt
from backend.identity.staff_login.models import StaffLoginAttempt
from backend.vault import Unreadable, Vault

ATTEMPT_LIFE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Begun:
    """What the client needs: where to send the browser, and what to come back with."""

    authorization_url: str = field(repr=False)
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    expires_at: datetime


def new_attempt(redirect_uri: str) -> Attempt:
    """256 random bits each for what binds the ID token and for what binds the code (RFC 7636)."""
    return Attempt(redirect_uri, secrets.token_urlsafe(32), secrets.token_urlsafe(48))


def keep_attempt(tx: Session, vault: Vault, provider: str, attempt: Attempt, *, now: datetime) -> tuple[str, str]:
    """Remember a login that begins; returns its state and verifier."""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    kept = json.dumps({"nonce": attempt.nonce, "code_verifier": attempt.code_verifier}).encode()
    tx.add(
        StaffLoginAttempt(
            state_digest=_digest(state),
            provider=provider,
            verifier_digest=_digest(verifier),
            redirect_uri=attempt.redirect_uri,
            sealed=vault.house.seal(kept, _context(provider)),
            expires_at=now + ATTEMPT_LIFE,
        )
    )
    tx.flush()
    return state, verifier


def take_attempt(
    tx: Session, vault: Vault, provider: str, state: str | None, verifier: str | None, *, now: datetime
) -> Attempt | None:
    """The login of this state, which is gone with it, right or wrong; None where it is not to be finished so.

    Whoever takes it commits before anything else is asked: of two who come with one state, one goes on.
    """
    if state is None or verifier is None:
        return None
    row = StaffLoginAttempt
    taken = delete(row).where(row.state_digest == _digest(state))
    found = tx.execute(
        taken.returning(row.provider, row.verifier_digest, row.redirect_uri, row.sealed, row.expires_at)
    ).one_or_none()
    if found is None or found.provider != provider or found.expires_at <= now:
        return None
    if not secrets.compare_digest(found.verifier_digest, _digest(verifier)):
        return None
    try:
        kept = json.loads(vault.house.open(found.sealed, _context(provider)))
    except Unreadable:
        raise StaffLoginInvalid("begun under another vault key") from None
    return Attempt(found.redirect_uri, kept["nonce"], kept["code_verifier"])


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _context(provider: str) -> bytes:
    return b"staff login attempt:" + provider.encode()
