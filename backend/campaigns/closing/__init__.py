"""Closing: the result of a campaign, frozen from a clean count, signed, and corrected beside itself."""

from backend.campaigns.closing.following import correct_finals, counted_today, hold_finals, standing
from backend.campaigns.closing.freezing import close, close_due, freeze, require_closed
from backend.campaigns.closing.models import CampaignCorrection, CampaignFinal, CampaignFinalScore
from backend.campaigns.closing.statement import final_of, line_of, scores_sha256, statement_of
from backend.campaigns.closing.verifying import verify

#: The table of frozen places.
final_scores = CampaignFinalScore

__all__ = [
    "CampaignCorrection",
    "CampaignFinal",
    "CampaignFinalScore",
    "close",
    "close_due",
    "correct_finals",
    "counted_today",
    "final_of",
    "final_scores",
    "freeze",
    "hold_finals",
    "line_of",
    "require_closed",
    "scores_sha256",
    "standing",
    "statement_of",
    "verify",
]
