"""Codes that people read on one screen and type in on another."""

import secrets

#: Capital letters and digits that nobody mixes up: 50 random bits in ten of them.
_LETTERS, _LENGTH = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ", 10


def new_code(length: int = _LENGTH) -> str:
    """A fresh code of so many characters, five random bits in each."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def as_made(typed: str) -> str:
    """What somebody typed in as we would have written it: capitals, without blanks and hyphens."""
    return "".join(typed.upper().replace("-", "").split())
