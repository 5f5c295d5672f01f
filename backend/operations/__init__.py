"""Operations: is it alive, is it ready, how is it doing."""

from backend.operations.views import blueprint

__all__ = ["blueprint"]
