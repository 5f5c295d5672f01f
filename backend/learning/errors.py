"""What learning says no with."""

from backend.errors import Refusal


class InvalidLesson(Refusal):
    """A file that describes no article and no quiz; `field` and `problem` say where and why."""

    code = "INVALID_LESSON"
    title = "文章或测验内容不合规 / Not an article and not a quiz"


class LessonPublished(Refusal):
    code = "LESSON_PUBLISHED"
    status = 409
    title = "该版本已发布，请先添加新版本 / This version is published; add a new one first"


class LessonChanged(Refusal):
    """Another `version` is in force than the one that was answered or read."""

    code = "LESSON_CHANGED"
    status = 409
    title = "内容已有新版本，请重新打开 / There is a newer version; open it again"


class InvalidAnswers(Refusal):
    """One list of letters for each of the `questions`, each letter one of its options and named once."""

    code = "INVALID_ANSWERS"
    title = "答案与题目不符 / The answers do not fit the questions"


class AttemptedToday(Refusal):
    """One attempt a day is scored; `next_day` is when the next one can be."""

    code = "ATTEMPTED_TODAY"
    status = 409
    title = "今天已答过这份测验，请明天再来 / You have answered this quiz today; come back tomorrow"


class ReadTooFast(Refusal):
    """The article was not opened, or so short ago that nobody has read it: `seconds` are missing."""

    code = "READ_TOO_FAST"
    status = 409
    title = "阅读时间过短，请读完再提交 / Nobody reads that fast; please read it to the end"
