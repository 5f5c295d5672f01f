"""The platforms we understand: one module and one line each."""

from backend.partners.adapters import dangdang, shop, transit, zhuanzhuan
from backend.partners.interfaces import Adapter

ADAPTERS = {adapter.name: adapter for adapter in (dangdang.ADAPTER, shop.ADAPTER, transit.ADAPTER, zhuanzhuan.ADAPTER)}

__all__ = ["ADAPTERS", "Adapter"]
