"""What is offered: rewards, their terms from day to day, stock and voucher codes, and how they are told."""
