"""The kinds of providers: one module and one line each."""

from backend.rewards.interfaces import Lists, Outside
from backend.rewards.providers import http_order, points_platform, sandbox

OUTSIDE: dict[str, Outside] = {
    kind.kind: kind for kind in (http_order.PROVIDER, points_platform.PROVIDER, sandbox.PROVIDER)
}
#: Kinds that can be asked for the list of a day.
LISTS: dict[str, Lists] = {kind.kind: kind for kind in (points_platform.PROVIDER, sandbox.PROVIDER)}

__all__ = ["LISTS", "OUTSIDE"]
