"""Learning: articles and quizzes, from draft to publication, and what members did with them.

`describing` reads what authors write, `publishing` keeps its versions, `articles` and `quizzes` are what members do,
`submitting` does it in one transaction, `crediting` settles it. It is ENGAGEMENT: points by rule, no gram.
"""

from backend.learning.articles import Read, least_reading_s, open_article, read_versions
from backend.learning.crediting import SOURCE
from backend.learning.describing import ARTICLE, QUIZ, Described, read_lesson
from backend.learning.errors import (
    AttemptedToday,
    InvalidAnswers,
    InvalidLesson,
    LessonChanged,
    LessonPublished,
    ReadTooFast,
)
from backend.learning.holding import forget, holdings
from backend.learning.publishing import (
    Edition,
    VersionView,
    add_version,
    edition,
    in_force,
    publish,
    retire,
    versions,
)
from backend.learning.quizzes import Attempt, Marked, attempts, shown
from backend.learning.submitting import Learner, answer_quiz, finish_article

__all__ = [
    "ARTICLE",
    "QUIZ",
    "SOURCE",
    "Attempt",
    "AttemptedToday",
    "Described",
    "Edition",
    "InvalidAnswers",
    "InvalidLesson",
    "Learner",
    "LessonChanged",
    "LessonPublished",
    "Marked",
    "Read",
    "ReadTooFast",
    "VersionView",
    "add_version",
    "answer_quiz",
    "attempts",
    "edition",
    "finish_article",
    "forget",
    "holdings",
    "in_force",
    "least_reading_s",
    "open_article",
    "publish",
    "read_lesson",
    "read_versions",
    "retire",
    "shown",
    "versions",
]
