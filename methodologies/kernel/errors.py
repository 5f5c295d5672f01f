"""What the library says no to: one exception with a stable code and a sentence in Chinese and English."""

from __future__ import annotations

from pathlib import Path


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
