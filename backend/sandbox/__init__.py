"""The sandbox: a programme to try everything with, twins of the outside world, and one command that runs it all."""

from backend.sandbox.commands import sandbox_group, send, simulate

__all__ = ["sandbox_group", "send", "simulate"]
