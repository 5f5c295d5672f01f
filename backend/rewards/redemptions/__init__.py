"""Redemptions: from a member's wish to its end, step by step, and what limits them."""
