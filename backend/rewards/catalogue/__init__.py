"""What is offered: rewards, their terms from day to day, stock and voucher codes.

Knows nothing of redemptions, which use it; what needs both (`shelf`, `proving`) stands beside.
"""
