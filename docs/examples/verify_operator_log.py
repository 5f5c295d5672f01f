"""Verify an export of the operator log (`flask operator export`, JSON lines or CSV) with nothing but Python.

python verify_operator_log.py FILE [the hash its last row has to have]
"""

import csv
import hashlib
import json
import sys

HASHED = ("sequence", "at", "operator_id", "action", "subject", "reason", "before", "after")
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    text = list(file)
if text and text[0].startswith("{"):
    rows = [json.loads(line) for line in text]
else:
    rows = [{name: cell.removeprefix("'") for name, cell in row.items()} for row in csv.DictReader(text)]
last = rows[0]["previous"] if rows and int(rows[0]["sequence"]) > 1 else "0" * 64
for row in rows:
    said = {name: row[name] or None if name in ("operator_id", "before", "after") else row[name] for name in HASHED}
    line = json.dumps(
        said | {"sequence": int(row["sequence"])}, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    if row["previous"] != last or hashlib.sha256(bytes.fromhex(last) + line.encode()).hexdigest() != row["hash"]:
        sys.exit(f"row {row['sequence']} is not as it was written, or a row before it is missing")
    last = row["hash"]
if len(sys.argv) > 2 and sys.argv[2] != last:
    sys.exit(f"the last hash is {last}")
sys.stdout.write(f"{len(rows)} rows hold, the last hash is {last}\n")
