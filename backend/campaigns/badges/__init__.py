"""Badges 徽章: what a member's acts have come to, by dated rules in `badges.yaml`, read from the books each time."""

from backend.campaigns.badges.policy import Badge, Rule, Standing
from backend.campaigns.badges.reading import badges_of
from backend.campaigns.badges.rules import all_badges

__all__ = ["Badge", "Rule", "Standing", "all_badges", "badges_of"]
