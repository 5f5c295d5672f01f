"""What the ledger says no with."""

from backend.errors import Refusal


class IdempotencyConflict(Refusal):
    code = "IDEMPOTENCY_CONFLICT"
    status = 409
    title = "相同的幂等键带来了不同的内容 / The same idempotency key came with another input"


class InsufficientBalance(Refusal):
    code = "INSUFFICIENT_BALANCE"
    status = 409
    title = "余额不足 / Insufficient balance"


class InvalidTransfer(Refusal):
    code = "INVALID_TRANSFER"
    title = "无效的转账 / Invalid transfer"
