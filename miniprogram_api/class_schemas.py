"""What is sent and answered about classes; the operations stand in `classes`."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from backend import school
from miniprogram_api.fields import Day, Flag, bilingual, text

_DECIMAL = r"^[0-9]{1,3}(\.[0-9]{1,3})?$"


class ClassSchema(Schema):
    """A class as its school has it now. `role`: teacher, or pupil for who claimed a seat and guardians."""

    id = fields.UUID(required=True)
    programme = fields.String(required=True)
    school = fields.String(required=True)
    school_title = fields.String(required=True)
    school_year = fields.Integer(required=True, metadata={"description": "begins on 1 September of this year"})
    grade = fields.Integer(required=True)
    number = fields.Integer(required=True)
    role = fields.String(required=True, metadata={"enum": ["teacher", "pupil"]})


class ClassesSchema(Schema):
    """Every class the member sees."""

    classes = fields.List(fields.Nested(ClassSchema), required=True)


class TermSchema(Schema):
    """A term, both days included."""

    code = fields.String(required=True)
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)


class TermsSchema(Schema):
    """The terms of the class's school, oldest first."""

    terms = fields.List(fields.Nested(TermSchema), required=True)


class FigureSchema(Schema):
    """Grams of one scenario, methodology, version and evidence grade."""

    scenario = fields.String(required=True, metadata={"description": "trips, hand_ins, electricity or a scene"})
    methodology = fields.String(required=True)
    title = bilingual()
    version = fields.String(required=True)
    grade = fields.String(required=True)
    acts = fields.Integer(required=True)
    reduction_g = fields.Integer(required=True)


class ClassTotalsSchema(Schema):
    """A class from a day to a day. `average_g`: grams per pupil by the seats on each day, null in a small class."""

    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    seats = fields.Integer(required=True)
    average_g = fields.Integer(required=True, allow_none=True)
    smallest_class = fields.Integer(required=True, metadata={"description": "averages are told from so many seats on"})
    acts = fields.Integer(required=True)
    reduction_g = fields.Integer(required=True)
    figures = fields.List(fields.Nested(FigureSchema), required=True)


class TripsSchema(Schema):
    """How many pupils of the class went so; never who."""

    pupils = fields.Integer(required=True, strict=True, validate=validate.Range(1, 100))


class HandInSchema(Schema):
    """What was in the bag: a stream with its weight, or books."""

    day = Day(required=True)
    stream = fields.String(validate=validate.OneOf(school.STREAMS))
    weight_kg = text(7, _DECIMAL, metadata={"description": "decimal text such as 2.5"})
    books = fields.Integer(strict=True, validate=validate.Range(1, 200))

    @validates_schema
    def either(self, data: dict[str, Any], **_: Any) -> None:
        weighed = {"stream", "weight_kg"} & data.keys()
        if ("books" in data) == bool(weighed) or len(weighed) == 1:
            raise ValidationError("either stream and weight_kg, or books", "stream")


class ConfirmedSchema(Schema):
    """What became of it: issued 已入账, outdone 未计入 (`reason`), kept, duplicate 无变化, cancelled 已撤销."""

    status = fields.String(required=True)
    reason = fields.String(required=True, allow_none=True)
    revision = fields.Integer(required=True)
    reduction_g = fields.Integer(required=True)
    points = fields.Integer(required=True)


class SeatCodeSchema(Schema):
    """The code of a seat. A guardian says so, and may let their ward see the class as well."""

    code = text(40, required=True)
    as_guardian = Flag(load_default=False)
    ward_id = fields.UUID()


class ConfirmationSchema(Schema):
    """A confirmation that was not taken back. Trips have direction, mode and pupils; a hand-in has its bag."""

    kind = fields.String(required=True, metadata={"enum": ["trips", "hand_in"]})
    day = fields.Date(required=True)
    counts = fields.Boolean(required=True, metadata={"description": "是否计入 / whether it is credited"})
    reason = fields.String(required=True, allow_none=True, metadata={"description": "why it does not count"})
    reduction_g = fields.Integer(required=True)
    direction = fields.String(required=True, allow_none=True)
    mode = fields.String(required=True, allow_none=True)
    pupils = fields.Integer(required=True, allow_none=True)
    bag_code = fields.String(required=True, allow_none=True)
    stream = fields.String(required=True, allow_none=True)
    weight_kg = fields.String(required=True, allow_none=True)
    books = fields.Integer(required=True, allow_none=True)


class ConfirmationsSchema(Schema):
    """What was confirmed of some days, the newest day first."""

    confirmations = fields.List(fields.Nested(ConfirmationSchema), required=True)


class DaysQuery(Schema):
    """From a day to a day, at most 400 days."""

    first_day = Day(required=True)
    last_day = Day(required=True)

    @validates_schema
    def order(self, data: dict[str, Any], **_: Any) -> None:
        if not 0 <= (data["last_day"] - data["first_day"]).days < 400:
            raise ValidationError("not before first_day, and at most 400 days", "last_day")


class FewDaysQuery(DaysQuery):
    """From a day to a day, at most 62 days."""

    @validates_schema
    def few(self, data: dict[str, Any], **_: Any) -> None:
        if (data["last_day"] - data["first_day"]).days >= 62:
            raise ValidationError("at most 62 days", "last_day")
