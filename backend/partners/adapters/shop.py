"""联想电商: computers sold with a footprint sheet or a carbon-neutral certificate."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from backend.activities import ActRefused
from backend.partners import translation
from backend.partners.contract import Event
from backend.partners.interfaces import Adapter
from backend.settlement import Draft

#: Certified carbon neutral in December 2023 (《产品碳中和实施通则》) and sold from 2024 on, by model key.
CERTIFIED_MODELS = {
    "LEGIONY9000KIRX9": "Legion Y9000K IRX9",
    "YOGABOOK913IMU9": "YOGA Book 9 13IMU9",
    "YOGAPRO16SIMH9": "YOGA Pro 16s IMH9",
    "THINKBOOKXIMH": "ThinkBook X IMH",
}
#: Models with a published footprint sheet: the methodology's name for them and for the segment they are compared with.
SHEET_MODELS = {
    "THINKPADX1CARBONGEN9": {"model": "thinkpad_x1_carbon_gen9"},
    "IDEAPAD314": {"model": "ideapad_3_14", "baseline_segment": "lenovo_laptop_2019"},
}


def model_key(model: str) -> str:
    """A model name without case, blanks and punctuation."""
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", model).upper())


def _purchase(partner: str, event: Event, number: str, line: Mapping[str, Any], return_days: int) -> Draft:
    translation.require_completed(event)
    model = translation.text(line, "model")
    key = model_key(model or "")
    if key not in CERTIFIED_MODELS and key not in SHEET_MODELS:
        raise ActRefused("UNKNOWN_CATEGORY", model=model)
    data: dict[str, str | int] = {"quantity": translation.quantity(line), **SHEET_MODELS.get(key, {})}
    data |= translation.numbers(line, "retired_kg")
    if line.get("footprint_kg") is not None:
        data["product_footprint_kg"] = translation.number(line["footprint_kg"])
    elif key in CERTIFIED_MODELS and "retired_kg" in data:
        # Their footprints are not published. The certificate says the whole footprint was retired, so without a
        # footprint in the event what was retired stands for it; retiring more than that cannot be seen here.
        data["product_footprint_kg"] = data["retired_kg"]
    named = translation.identity(partner, event, number, line, "serial", "certificate_no")
    return translation.draft(event, "low_carbon_pc", data, named, return_days=return_days)


ADAPTER = Adapter("shop", {"product.purchased": _purchase}, ("low_carbon_pc",))
