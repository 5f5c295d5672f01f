"""What may stand on a certificate, and how gathered steps become trees. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.forest.errors import CertificateNameRefused

LONGEST_NAME = 20
#: Letters and digits of any script, blanks, and a few marks between them.
_NAME = re.compile(r"\w(?:[\w ·•'’.-]*\w)?")
#: More digits than this in a name are a telephone or an identity number.
_MOST_DIGITS = 4


def certificate_name(typed: str) -> str:
    """A pen name 署名 as it may be shown to everybody. Raises CertificateNameRefused.

    It is the donor's own choice and public, so it holds nothing by which somebody could be called or found.
    """
    name = unicodedata.normalize("NFC", " ".join(typed.split()))
    digits = sum(letter.isdigit() for letter in name)
    if not 0 < len(name) <= LONGEST_NAME or not _NAME.fullmatch(name) or "_" in name:
        raise CertificateNameRefused(longest=LONGEST_NAME)
    if digits > _MOST_DIGITS or re.search(r"(?i)www|\.com|\.cn|http", name):
        raise CertificateNameRefused(longest=LONGEST_NAME)
    return name


@dataclass(frozen=True, slots=True)
class Open:
    """A donation that is not wholly in trees yet: how many of its steps are still free."""

    holder_id: UUID
    donation_id: UUID
    free: int


def next_tree(donations: Sequence[Open], price: int) -> list[Open] | None:
    """The steps that make up one tree, taken from the earliest donations; None while they do not suffice."""
    if sum(donation.free for donation in donations) < price:
        return None
    parts, missing = [], price
    for donation in donations:
        taken = min(donation.free, missing)
        if taken:
            parts.append(Open(donation.holder_id, donation.donation_id, taken))
        missing -= taken
    return parts
