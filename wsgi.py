"""The composition root: settings → the application → the mini-program's API. `FLASK_APP=wsgi`, `gunicorn wsgi:app`."""

import miniprogram_api
from backend import create_app
from backend.settings import Settings

app = create_app(Settings.from_environment())
miniprogram_api.register(app)
