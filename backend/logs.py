"""Logs as JSON lines: one event, its facts, no secrets and no personal data."""

import logging

import structlog


def configure_logs(level: str) -> None:
    """Set structlog and the standard library's logging up once."""
    logging.basicConfig(level=level, format="%(message)s")
    for library in ("alembic", "apscheduler"):
        logging.getLogger(library).setLevel(logging.WARNING)  # our own lines say what they did
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping().get(level, logging.INFO)),
        cache_logger_on_first_use=True,
    )
