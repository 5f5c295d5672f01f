"""The platforms we understand: one module and one line each."""

from backend.partners.adapters import dangdang, office, school_device, shop, transit, zhuanzhuan
from backend.partners.interfaces import Adapter

ADAPTERS = {
    adapter.name: adapter
    for adapter in (
        *(dangdang.ADAPTER, office.ADAPTER, school_device.ADAPTER),
        *(shop.ADAPTER, transit.ADAPTER, zhuanzhuan.ADAPTER),
    )
}

__all__ = ["ADAPTERS", "Adapter"]
