"""`python -m tools.catalogue [FOLDER]`: build the catalogue of methodologies as a static site."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import methodologies
from tools.catalogue.site import build


def main(arguments: list[str]) -> int:
    """Build the site; 0 when it stands, 1 with a sentence when it cannot be built."""
    parser = argparse.ArgumentParser(prog="python -m tools.catalogue", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("build/docs"))
    folder = parser.parse_args(arguments).folder
    try:
        build(methodologies.library(), folder, lambda line: print(line, flush=True))
    except (FileExistsError, methodologies.DocumentError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"docs: open {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
