"""`python -m methodologies check [--today YYYY-MM-DD]` · `python -m methodologies lock`: for authors of
methodologies."""

from __future__ import annotations

import argparse
import sys
from datetime import date

from methodologies import DocumentError, check, lock


def main(arguments: list[str]) -> int:
    """Run one command; 0 when all is well, 1 when something has to be mended."""
    parser = argparse.ArgumentParser(prog="python -m methodologies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="schema, units, sources, examples, lock")
    checking.add_argument(
        "--today", type=date.fromisoformat, dest="day", help="also list rows past their review day"
    )
    commands.add_parser("lock", help="add what is new to PUBLISHED.lock")
    options = parser.parse_args(arguments)
    if options.command == "lock":
        return _lock()
    findings = check(options.day)
    for finding in findings:
        print(finding)
    return 1 if any(finding.level == "error" for finding in findings) else 0


def _lock() -> int:
    try:
        added = lock()
    except DocumentError as error:
        print(error.message_en, file=sys.stderr)
        return 1
    for address in added:
        print(f"+ {address}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
