"""`python -m bench [name …]`, see `--help` for the names: results as JSON lines, progress apart.

Ratios against a reference measured in the same run, in alternating rounds: what they compare is the work, not the
machine. Rates of different machines, or of one machine on different days, say little.
"""

import argparse
import signal
import sys

from bench import batch, leaderboard, morning, points_view, quantify, reconciliation, redemption, settlement, webhook
from bench.server import postgresql

ON_DATABASE = {
    "settlement": settlement.run,
    "webhook": webhook.run,
    "batch": batch.run,
    "reconciliation": reconciliation.run,
    "redemption": redemption.run,
    "points_view": points_view.run,
    "leaderboard": leaderboard.run,
    "morning": morning.run,
}


def main() -> None:
    names = [*ON_DATABASE, "quantify"]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"{', '.join(names)}; all of them when none is named")
    wanted = parser.parse_args().names or names
    if unknown := set(wanted) - set(names):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are stopped on the way out
    if "quantify" in wanted:
        quantify.run()
    if set(wanted) & set(ON_DATABASE):
        with postgresql() as databases:
            durable = databases.settings("server_version", "fsync", "synchronous_commit")
            print("PostgreSQL", *(f"{name}={value}" for name, value in durable.items()), file=sys.stderr)
            for name, run in ON_DATABASE.items():
                if name in wanted:
                    run(databases)


if __name__ == "__main__":
    main()
