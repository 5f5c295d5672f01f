"""The small world of the API's tests: receipts are about what came in through it."""

from tests.miniprogram_api.conftest import acted_at, moment, world

__all__ = ["acted_at", "moment", "world"]
