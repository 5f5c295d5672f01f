"""Articles and quizzes as their authors write them down, read strictly into what is stored and shown.

Texts are plain: a paragraph is a paragraph, and no markup of any kind is taken, so that nothing can be hidden in one.
A text is `{zh, en}`, or one text that stands for both.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backend.learning.errors import InvalidLesson
from backend.strict_json import canonical

ARTICLE, QUIZ = "article", "quiz"
ONCE, DAILY = "once", "daily"
LETTERS = "ABCDEFGH"
MOST_PARAGRAPHS, MOST_QUESTIONS, MOST_SOURCES = 60, 50, 20
LONGEST_TITLE, LONGEST_TEXT = 100, 2_000

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_MARKUP = re.compile(r"<[A-Za-z/!?]|&#|javascript:", re.IGNORECASE)
_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?")
#: Control characters, characters nobody sees (zero width, direction), half characters, separators of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"}


@dataclass(frozen=True, slots=True)
class Described:
    """A lesson as it was written: `content` is canonical JSON without the code."""

    kind: str
    code: str
    content: str


def read_lesson(said: object) -> Described:
    """An article or a quiz from the mapping a file holds. Raises InvalidLesson."""
    fields = _Fields(said, "")
    kind = fields.one_of("kind", (ARTICLE, QUIZ))
    code = fields.code("code")
    content: dict[str, Any] = {"title": fields.text("title", LONGEST_TITLE)}
    content |= _article(fields) if kind == ARTICLE else _quiz(fields)
    fields.end()
    return Described(kind, code, canonical(content))


def _article(fields: "_Fields") -> dict[str, Any]:
    found = {"summary": fields.text("summary", 300)}
    paragraphs = [
        _bilingual(item, f"paragraphs.{number}", LONGEST_TEXT)
        for number, item in enumerate(fields.listed("paragraphs", 1, MOST_PARAGRAPHS), 1)
    ]
    sources = [
        _source(item, f"sources.{number}") for number, item in enumerate(fields.listed("sources", 1, MOST_SOURCES), 1)
    ]
    return found | {"paragraphs": paragraphs, "sources": sources}


def _source(said: object, at: str) -> dict[str, Any]:
    fields = _Fields(said, at)
    title, url = fields.text("title", 300), fields.take("url")
    if url is not None and not (isinstance(url, str) and len(url) <= 500 and _URL.fullmatch(url)):
        raise fields.refuse("url", "an https address is needed")
    fields.end()
    return {"title": title, "url": url}


def _quiz(fields: "_Fields") -> dict[str, Any]:
    article = fields.code("article") if fields.has("article") else None
    earns = fields.one_of("earns", (ONCE, DAILY), default=ONCE)
    questions = [
        _question(item, f"questions.{number}")
        for number, item in enumerate(fields.listed("questions", 1, MOST_QUESTIONS), 1)
    ]
    pass_mark = fields.whole("pass_mark", 1, len(questions))
    return {"article": article, "earns": earns, "pass_mark": pass_mark, "questions": questions}


def _question(said: object, at: str) -> dict[str, Any]:
    fields = _Fields(said, at)
    question, explanation = fields.text("question", 500), fields.text("explanation", 1_000)
    options = [
        _bilingual(item, f"{at}.options.{number}", 300)
        for number, item in enumerate(fields.listed("options", 2, len(LETTERS)), 1)
    ]
    if len({option["zh"] for option in options}) < len(options):
        raise fields.refuse("options", "two options are the same")
    letters = fields.take("answer")
    letters = [letters] if isinstance(letters, str) else letters
    known = LETTERS[: len(options)]
    fits = (
        isinstance(letters, list) and letters and all(isinstance(one, str) and one in tuple(known) for one in letters)
    )
    if not fits or len(set(letters)) < len(letters):
        raise fields.refuse("answer", f"one or more of the letters {', '.join(known)}, each once")
    fields.end()
    return {"question": question, "options": options, "answer": sorted(letters), "explanation": explanation}


def _bilingual(said: object, at: str, longest: int) -> dict[str, str]:
    given = {"zh": said} if isinstance(said, str) else said
    if not isinstance(given, Mapping) or not {"zh"} <= given.keys() <= {"zh", "en"}:
        raise InvalidLesson(field=at, problem="a text, or zh and en, is needed")
    found = {name: _plain(given.get(name, given["zh"]), f"{at}.{name}", longest) for name in ("zh", "en")}
    return found


def _plain(said: object, at: str, longest: int) -> str:
    if not isinstance(said, str) or not said.strip() or len(said) > longest:
        raise InvalidLesson(field=at, problem=f"a text of 1 to {longest} characters is needed")
    text = said.strip()
    if _MARKUP.search(text):
        raise InvalidLesson(field=at, problem="plain text is needed, without any markup")
    for character in text:
        if unicodedata.category(character) in _UNSEEN:
            raise InvalidLesson(field=at, problem=f"holds the character U+{ord(character):04X}, which nobody sees")
    return text


class _Fields:
    """The fields of a mapping, taken one by one; what nobody takes is a mistake."""

    def __init__(self, said: object, at: str) -> None:
        if not isinstance(said, Mapping):
            raise InvalidLesson(field=at or "file", problem="a mapping is needed")
        self._left, self._at = dict(said), at

    def refuse(self, field: str, problem: str) -> InvalidLesson:
        return InvalidLesson(field=f"{self._at}.{field}" if self._at else field, problem=problem)

    def has(self, field: str) -> bool:
        return self._left.get(field) is not None

    def take(self, field: str) -> Any:
        return self._left.pop(field, None)

    def one_of(self, field: str, known: tuple[str, ...], default: str | None = None) -> str:
        said = self.take(field)
        said = default if said is None else said
        if not isinstance(said, str) or said not in known:
            raise self.refuse(field, f"one of {', '.join(known)} is needed")
        return said

    def code(self, field: str) -> str:
        said = self.take(field)
        if not isinstance(said, str) or not _CODE.fullmatch(said):
            raise self.refuse(field, "a code of 1 to 64 lower-case letters, digits and hyphens is needed")
        return said

    def text(self, field: str, longest: int) -> dict[str, str]:
        return _bilingual(self.take(field), f"{self._at}.{field}" if self._at else field, longest)

    def listed(self, field: str, least: int, most: int) -> list[Any]:
        said = self.take(field)
        if not isinstance(said, list) or not least <= len(said) <= most:
            raise self.refuse(field, f"a list of {least} to {most} is needed")
        return said

    def whole(self, field: str, least: int, most: int) -> int:
        """A whole number, or its digits: YAML is read as texts."""
        said = self.take(field)
        if isinstance(said, str) and said.isascii() and said.isdigit() and len(said) < 6:
            said = int(said)
        if type(said) is not int or not least <= said <= most:
            raise self.refuse(field, f"a whole number from {least} to {most} is needed")
        return said

    def end(self) -> None:
        for field in self._left:
            raise self.refuse(str(field)[:40], "unknown")
