"""Imports 导入: files of an employer's travel system and of a shuttle's boarding list, settled row by row.

What a file means is in `kinds`; `importing` goes through it page by page. Both rest on an agreement of the programme
with the source (`house:travel`, `house:boarding`), and call people by staff number.
"""

from backend.imports.importing import Import, Told
from backend.imports.kinds import BOARDING, TRAVEL, Kind

__all__ = ["BOARDING", "TRAVEL", "Import", "Kind", "Told"]
