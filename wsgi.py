"""The composition root: settings → the application → the mini-program's API. `FLASK_APP=wsgi`, `gunicorn wsgi:app`."""

import sys

import miniprogram_api
from backend import create_app
from backend.errors import Misconfigured
from backend.settings import Settings

try:
    app = create_app(Settings.from_environment())
except Misconfigured as fault:
    sys.exit(f"refusing to start: {fault}")
miniprogram_api.register(app)
