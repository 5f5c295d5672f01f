"""What is held about a member who learned, and how it is forgotten."""

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.orm import Session

from backend.holdings import Held, held_rows
from backend.learning.models import ArticleReading, QuizAttempt

_MODELS = (ArticleReading, QuizAttempt)


def holdings(tx: Session, holder_id: UUID) -> dict[str, Held]:
    """Table → its rows about this person, answers included."""
    return {model.__tablename__: held_rows(tx, model, holder_id) for model in _MODELS}


def forget(tx: Session, holder_id: UUID) -> None:
    """Erase what a person read and answered; what was credited stays in the books."""
    for model in _MODELS:
        tx.execute(delete(model).where(model.holder_id == holder_id))
