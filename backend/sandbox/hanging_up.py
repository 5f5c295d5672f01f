"""Ending a connection without an answer, as a platform does that breaks down in the middle."""

import socket
from contextlib import suppress

from flask import request


def hang_up() -> None:
    """End the connection of this request; what the server still writes goes nowhere."""
    for server in ("gunicorn", "werkzeug"):
        connection = request.environ.get(f"{server}.socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
