"""The kinds of providers: one module and one line each."""

from backend.rewards.interfaces import Inside, Lists, Outside
from backend.rewards.providers import http_order, points_platform, recorded, sandbox, voucher_pool

OUTSIDE: dict[str, Outside] = {
    kind.kind: kind for kind in (http_order.PROVIDER, points_platform.PROVIDER, sandbox.PROVIDER)
}
#: Kinds that can be asked for the list of a day.
LISTS: dict[str, Lists] = {kind.kind: kind for kind in (points_platform.PROVIDER, sandbox.PROVIDER)}

INSIDE: dict[str, Inside] = {kind.kind: kind for kind in (recorded.PROVIDER, voucher_pool.PROVIDER)}

__all__ = ["INSIDE", "LISTS", "OUTSIDE"]
