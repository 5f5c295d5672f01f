"""Lessons as authors write them: plain texts only, and whatever is odd is told with its field."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from backend.commands.learning import read_file
from backend.learning import InvalidLesson, read_lesson

QUIZ: dict[str, Any] = {
    "kind": "quiz",
    "code": "metro-quiz",
    "title": {"zh": "地铁小测验", "en": "Metro quiz"},
    "pass_mark": 1,
    "questions": [
        {"question": "一加一？", "options": ["二", "三"], "answer": "A", "explanation": "一加一等于二。"},
        {"question": "哪些是偶数？", "options": ["二", "三", "四"], "answer": ["C", "A"], "explanation": "二和四。"},
    ],
}
ARTICLE: dict[str, Any] = {
    "kind": "article",
    "code": "metro",
    "title": "地铁为什么低碳",
    "summary": "一段话",
    "paragraphs": ["坐地铁比开车排放少；气温 < 30 度时更舒服。"],
    "sources": [{"title": "标准", "url": "https://example.org/a?b=1"}],
}


def test_what_is_stored_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    yaml = tmp_path / "quiz.yaml"
    yaml.write_text(
        "kind: quiz\ncode: metro-quiz\ntitle: {zh: 地铁小测验, en: Metro quiz}\npass_mark: 1\nquestions:\n"
        "- {question: 一加一？, options: [二, 三], answer: A, explanation: 一加一等于二。}\n"
        "- {question: 哪些是偶数？, options: [二, 三, 四], answer: [C, A], explanation: 二和四。}\n",
        "utf-8",
    )
    (tmp_path / "quiz.json").write_text(json.dumps(QUIZ), "utf-8")
    first, second = (read_lesson(read_file(tmp_path / name)) for name in ("quiz.yaml", "quiz.json"))
    assert first == second
    content = json.loads(first.content)
    assert content["questions"][1]["answer"] == ["A", "C"] and content["earns"] == "once"
    assert json.loads(read_lesson(ARTICLE).content)["paragraphs"][0]["en"] == ARTICLE["paragraphs"][0]


def changed(lesson: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    made: Any = copy.deepcopy(lesson)
    here, *_ = [made]
    *steps, last = path.split(".")
    for step in steps:
        here = here[int(step)] if step.isdigit() else here[step]
    here[int(last) if last.isdigit() else last] = value
    return dict(made)


@pytest.mark.parametrize(
    ("lesson", "path", "value", "field"),
    [
        (ARTICLE, "paragraphs.0", "<script>alert(1)</script>", "paragraphs.1.zh"),
        (ARTICLE, "paragraphs.0", "看这里 <IMG src=x onerror=1>", "paragraphs.1.zh"),
        (ARTICLE, "paragraphs.0", "&#60;script", "paragraphs.1.zh"),
        (ARTICLE, "paragraphs.0", "方向\u202e反转", "paragraphs.1.zh"),
        (ARTICLE, "paragraphs.0", {"zh": "好", "de": "gut"}, "paragraphs.1"),
        (ARTICLE, "paragraphs.0", "长" * 2_001, "paragraphs.1.zh"),
        (ARTICLE, "paragraphs", [], "paragraphs"),
        (ARTICLE, "title", {"en": "no Chinese"}, "title"),
        (ARTICLE, "sources.0.url", "javascript:alert(1)", "sources.1.url"),
        (ARTICLE, "sources.0.url", "https://a b", "sources.1.url"),
        (ARTICLE, "questions", [], "questions"),
        (ARTICLE, "code", "Metro!", "code"),
        (ARTICLE, "kind", ["quiz"], "kind"),
        (QUIZ, "pass_mark", 3, "pass_mark"),
        (QUIZ, "pass_mark", "1.0", "pass_mark"),
        (QUIZ, "pass_mark", True, "pass_mark"),
        (QUIZ, "earns", "always", "earns"),
        (QUIZ, "questions.0.answer", "C", "questions.1.answer"),
        (QUIZ, "questions.0.answer", [], "questions.1.answer"),
        (QUIZ, "questions.0.answer", [["A"]], "questions.1.answer"),
        (QUIZ, "questions.0.answer", ["A", "A"], "questions.1.answer"),
        (QUIZ, "questions.0.answer", "AB", "questions.1.answer"),
        (QUIZ, "questions.0.options", ["二", "二"], "questions.1.options"),
        (QUIZ, "questions.0.options", ["二"], "questions.1.options"),
        (QUIZ, "questions.0", "一加一？", "questions.1"),
    ],
)
def test_what_no_lesson_may_be(lesson: dict[str, Any], path: str, value: Any, field: str) -> None:
    with pytest.raises(InvalidLesson) as refused:
        read_lesson(changed(lesson, path, value))
    assert refused.value.facts["field"] == field


@pytest.mark.parametrize(
    "content",
    [
        b"a: &x [1]\nb: [*x, *x]\n",
        b"kind: quiz\nkind: article\n",
        b"? [a]\n: b\n",
        b"[" * 100_000,
        b"a: [",
        b"\xff\xfe",
        b"x" * 300_000,
    ],
)
def test_files_that_are_bombs_or_broken_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "lesson.yaml"
    file.write_bytes(content)
    with pytest.raises(InvalidLesson):
        read_file(file)


def test_an_empty_file_is_no_lesson(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_bytes(b"")
    with pytest.raises(InvalidLesson):
        read_lesson(read_file(tmp_path / "empty.yaml"))
