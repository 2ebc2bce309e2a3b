"""`python -m tests.fuzz`: damaged and hostile films in great numbers; prints a table, fails when a limit is broken."""

import argparse
import sys

from tests.fuzz.campaign import BOMBS, run, write_table


def main() -> None:
    """Read the arguments, open the films, print what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--dicom", type=int, default=100_000, help="DICOM mutants")
    parser.add_argument("--images", type=int, default=10_000, help="mutants of PNG, JPEG, TIFF and WebP")
    parser.add_argument("--seed", type=int, default=0, help="the same seed makes the same mutants")
    arguments = parser.parse_args()
    tallies = run(arguments.dicom, arguments.images, arguments.seed)
    print(f"{len(BOMBS)} files made by hand, seed {arguments.seed}\n\n{write_table(tallies)}")
    faults = [f"{name}: {fault}" for name, tally in tallies.items() for fault in tally.find_faults()]
    notes = [f"{name}, {note}" for name, tally in tallies.items() for note in tally.notes[:20]]
    sys.exit("\n".join(["", *faults, *notes]) if faults else 0)


if __name__ == "__main__":
    main()
