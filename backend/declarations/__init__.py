"""Declarations 自行申报: acts that members enter themselves, with photos, reviewed before they are credited.

A declaration is judged at once by the same pipeline that will settle it (`settling`), waits for a reviewer
(`reviewing`), and is credited or refused with a reason; a refusal may be appealed once (`declaring`). Photos are sealed
under their member's key and deleted when they have done their work (`keeping`).
"""

from backend.declarations.declaring import appeal, declare, withdraw
from backend.declarations.errors import (
    AppealedBefore,
    AppealTooLate,
    DeclarationChanged,
    DeclarationRefused,
    DeclarationTermsTooEarly,
    InvalidActTime,
    NotDeclarable,
    OdometerUnproven,
    PhotoNeeded,
    PhotoUsed,
    TooManyDeclarations,
    TooManyPhotos,
)
from backend.declarations.forgetting import forget, holdings
from backend.declarations.keeping import PhotoView, delete_photos, keep_photo, picture, require_room
from backend.declarations.policy import PHOTOS_PER_DECLARATION, REVIEW_REASONS, SOURCE, STATES, Terms, Wish
from backend.declarations.reviewing import approve, refuse, see_photo
from backend.declarations.telling import declaration_of, declarations_of, in_full, photo_view, waiting
from backend.declarations.terms import announce_terms, terms_on

__all__ = [
    "PHOTOS_PER_DECLARATION",
    "REVIEW_REASONS",
    "SOURCE",
    "STATES",
    "AppealTooLate",
    "AppealedBefore",
    "DeclarationChanged",
    "DeclarationRefused",
    "DeclarationTermsTooEarly",
    "InvalidActTime",
    "NotDeclarable",
    "OdometerUnproven",
    "PhotoNeeded",
    "PhotoUsed",
    "PhotoView",
    "Terms",
    "TooManyDeclarations",
    "TooManyPhotos",
    "Wish",
    "announce_terms",
    "appeal",
    "approve",
    "declaration_of",
    "declarations_of",
    "declare",
    "delete_photos",
    "forget",
    "holdings",
    "in_full",
    "keep_photo",
    "photo_view",
    "picture",
    "refuse",
    "require_room",
    "see_photo",
    "terms_on",
    "waiting",
    "withdraw",
]
