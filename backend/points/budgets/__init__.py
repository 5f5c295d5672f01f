"""Budgets: how many points acts may earn, what is drawn of it, who puts more in, and what people are told of it."""
