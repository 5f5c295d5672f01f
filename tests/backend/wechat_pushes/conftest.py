"""The world of the API: what a push does is seen by members."""

from tests.miniprogram_api.conftest import acted_at, moment, world

__all__ = ["acted_at", "moment", "world"]
