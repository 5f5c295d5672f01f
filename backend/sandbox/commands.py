"""`flask sandbox …`"""

from flask.cli import AppGroup

sandbox_group = AppGroup("sandbox", help="Try everything on this machine.")
