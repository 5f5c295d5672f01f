"""What the library says no to: one exception with a stable code and a sentence in Chinese and English."""

from __future__ import annotations

from pathlib import Path

_SHOWN_LENGTH = 80


def shown(value: object) -> str:
    """What was received, for a message: at most 80 characters, and the name of its type where it has no text of its own
    (an integer of thousands of digits, lists nested without end)."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):
        text = type(value).__name__
    if len(text) > _SHOWN_LENGTH:
        text = text[: _SHOWN_LENGTH - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode()


class MethodologyError(Exception):
    """A quantification, a claim or a document that is refused.

    `code` is stable and meant for programs (``NOT_IN_FORCE``, ``OUT_OF_BOUNDS`` …), the messages are meant for members,
    `facts` holds JSON-able details.
    """

    def __init__(self, code: str, message_zh: str, message_en: str, **facts: object) -> None:
        super().__init__(f"{code}: {message_zh} / {message_en}")
        self.code = code
        self.message_zh = message_zh
        self.message_en = message_en
        self.facts: dict[str, object] = facts


class DocumentError(MethodologyError):
    """A YAML document or formula the library refuses to load; always names file and line."""

    def __init__(self, file: Path, line: int, message: str, code: str = "INVALID_DOCUMENT") -> None:
        super().__init__(
            code, f"{file}:{line}: {message}", f"{file}:{line}: {message}", file=str(file), line=line
        )
        self.file = file
        self.line = line
        self.message = message
