"""Drawn films as files.

`python -m cxr.films.phantom --examples FOLDER` writes those of the gallery and their truth,
`python -m cxr.films.phantom --set FOLDER --count 200` a set to train on, with dataset.jsonl.
"""

import argparse
import sys
from pathlib import Path

from cxr.films.phantom.drawing import LARGEST, SMALLEST
from cxr.films.phantom.sets import FIRST, write_examples, write_set


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m cxr.films.phantom", description=__doc__)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--examples", type=Path, metavar="FOLDER", help="where the films of the gallery go")
    kind.add_argument("--set", type=Path, metavar="FOLDER", help="where the films of a set to train on go")
    parser.add_argument("--count", type=int, default=200, help="how many films the set has")
    parser.add_argument("--size", type=int, default=512, metavar="PX", help=f"{SMALLEST} to {LARGEST}")
    parser.add_argument("--opacity", action="store_true", help="also label a finding of its own")
    parser.add_argument("--first", type=int, default=FIRST, metavar="SEED", help="the films of other seeds are others")
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count must be at least 1")
    try:
        if options.examples:
            for entry in write_examples(options.examples):
                sys.stdout.write(f"{entry['file']}: {entry['words']}\n")
            return
        write_set(options.set, options.count, options.size, options.first, options.opacity)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    sys.stdout.write(f"{options.count} films and dataset.jsonl are in {options.set}\n")


if __name__ == "__main__":
    main()
