"""A bag of recyclables, as claims know it: by the code printed on it, whoever reports it."""


def bag_named(bag_code: str) -> dict[str, str]:
    """What names a bag, so that it counts once: a teacher's word and a scale's are about the same bag."""
    return {"partner": "bag", "order_no": bag_code.strip().upper(), "line": "1"}
