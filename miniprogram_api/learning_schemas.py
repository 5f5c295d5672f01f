"""What is read and answered about learning. Schemas only; the views are in `learning.py`."""

from marshmallow import Schema, fields, validate

from miniprogram_api.fields import CODE, Instant, QueryNumber, bilingual, text

LESSON_CODE = r"^[a-z0-9][a-z0-9-]*$"
_ACCOUNT = {"description": "an account of mine other than the one I logged in with"}


class LessonQuery(Schema):
    """In which programme, and for which account."""

    programme = text(64, CODE, required=True)
    account_id = fields.UUID(metadata=_ACCOUNT)


class LessonsQuery(LessonQuery):
    """Which page of the list, which is in the order of the codes."""

    after = text(64, LESSON_CODE, metadata={"description": "`next_after` of the page before"})
    limit = QueryNumber(load_default=20, validate=validate.Range(1, 100))


class LessonSchema(Schema):
    """A lesson in a list: the version that is in force, and since when."""

    code = fields.String(required=True)
    version = fields.Integer(required=True)
    published_on = fields.Date(required=True)
    title = bilingual()


class ArticleItemSchema(LessonSchema):
    """An article; `read` when this version was read to the end."""

    summary = bilingual()
    read = fields.Boolean(required=True)


class ArticlesSchema(Schema):
    items = fields.List(fields.Nested(ArticleItemSchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class LessonSourceSchema(Schema):
    """Where it is written."""

    title = bilingual()
    url = fields.String(required=True, allow_none=True)


class ArticleSchema(ArticleItemSchema):
    """An article in full: plain paragraphs, no markup. `least_reading_s`: sooner it does not count as read."""

    paragraphs = fields.List(bilingual(), required=True)
    sources = fields.List(fields.Nested(LessonSourceSchema), required=True)
    least_reading_s = fields.Integer(required=True)


class ReadingSchema(Schema):
    """Which version was read."""

    programme = text(64, CODE, required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1, 1_000_000))
    account_id = fields.UUID(metadata=_ACCOUNT)


class QuizAnswersSchema(ReadingSchema):
    """The letters chosen for each question, in its order; an empty list leaves a question unanswered."""

    answers = fields.List(
        fields.List(text(1, r"^[A-H]$"), required=True, validate=validate.Length(0, 8)),
        required=True,
        validate=validate.Length(1, 50),
    )


class NotCreditedSchema(Schema):
    """Why it is not credited."""

    code = fields.String(required=True)
    zh = fields.String(required=True)
    en = fields.String(required=True)


class LessonCreditSchema(Schema):
    """What it earned: points by the programme's rule and never a gram. `why` where it was not credited."""

    credited = fields.Boolean(required=True)
    points = fields.Integer(required=True)
    why = fields.Nested(NotCreditedSchema, required=True, allow_none=True)


class ArticleReadSchema(LessonCreditSchema):
    """That the article was read."""

    version = fields.Integer(required=True)
    finished_at = Instant(required=True)


class QuizzesSchema(Schema):
    items = fields.List(fields.Nested(LessonSchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class OptionSchema(Schema):
    letter = fields.String(required=True)
    text = bilingual()


class QuestionSchema(Schema):
    """A question with its options, always in the same order; `several` when more than one of them is right."""

    question = bilingual()
    options = fields.List(fields.Nested(OptionSchema), required=True)
    several = fields.Boolean(required=True)


class QuizSchema(LessonSchema):
    """A quiz without its answers. `pass_mark`: how many questions have to be right."""

    article = fields.String(required=True, allow_none=True, metadata={"description": "the article it is about"})
    pass_mark = fields.Integer(required=True)
    earns = fields.String(required=True, metadata={"enum": ["once", "daily"]})
    questions = fields.List(fields.Nested(QuestionSchema), required=True)


class AttemptSchema(LessonCreditSchema):
    """An attempt: how many questions were right, and whether that passed."""

    day = fields.Date(required=True)
    version = fields.Integer(required=True)
    correct = fields.Integer(required=True)
    questions = fields.Integer(required=True)
    passed = fields.Boolean(required=True)


class MarkedSchema(Schema):
    """A question after it was answered."""

    chosen = fields.List(fields.String(), required=True)
    answer = fields.List(fields.String(), required=True)
    correct = fields.Boolean(required=True)
    explanation = bilingual()


class MarkedAttemptSchema(AttemptSchema):
    """The attempt just made, with the right answers and why."""

    marked = fields.List(fields.Nested(MarkedSchema), required=True)


class AttemptsSchema(Schema):
    items = fields.List(fields.Nested(AttemptSchema), required=True)
