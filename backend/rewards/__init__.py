"""Rewards: what points can be redeemed for, and everything that happens from the wish to the thing in hand."""
