"""The three kinds of damaged films, each opened in its own process, and the table of what became of them."""

import functools
from functools import partial

from tests.fuzz.dicom_bombs import DICOM_BOMBS
from tests.fuzz.mutants import find_real_dicoms, make_dicoms, make_pictures, mutate
from tests.fuzz.picture_bombs import PICTURE_BOMBS
from tests.fuzz.watch import HANG, MAX_CHILD, MAX_GROWTH, Tally, watch

BOMBS = {**DICOM_BOMBS, **PICTURE_BOMBS}
SLOW = {  # those that take a second, or all the time there is; the others make the short run
    "60 MB of zeros",
    "RLE, the largest film of 32 bits",
    "JPEG 2000 of 12,000 x 12,000",
    "a sequence of three million items",
    "PNG of 39 megapixels, all black",
    "PNG, three million empty chunks",
    "JPEG of 38 megapixels and 3,000 scans",
    "JPEG, fifteen million empty markers",
    "JPEG, 60 MB of nothing between markers",
}
QUICK = [name for name in BOMBS if name not in SLOW]


def run(dicoms: int, images: int, seed: int) -> dict[str, Tally]:
    """Open so many mutants of each kind, and every file made by hand."""
    return {
        "DICOM mutants": watch(partial(make_dicom_mutant, seed), dicoms),
        "image mutants": watch(partial(make_image_mutant, seed), images),
        "made by hand": watch(make_bomb, len(BOMBS)),
    }


def make_dicom_mutant(seed: int, number: int) -> bytes:
    """A damaged DICOM film."""
    films, large = _load_dicoms()
    return mutate(films, seed, number, large)


def make_image_mutant(seed: int, number: int) -> bytes:
    """A damaged picture; its seed is its own, so that it is not damaged as the DICOM film of its number is."""
    return mutate(_load_pictures(), seed + 1, number)


def make_bomb(number: int) -> bytes:
    """A file made by hand."""
    return list(BOMBS.values())[number]()


def make_quick_bomb(number: int) -> bytes:
    """A file made by hand that is soon read."""
    return BOMBS[QUICK[number]]()


@functools.cache
def _load_dicoms() -> tuple[list[bytes], int]:
    real = find_real_dicoms()
    return [*make_dicoms(), *real], len(real)


@functools.cache
def _load_pictures() -> list[bytes]:
    return make_pictures()


def write_table(tallies: dict[str, Tally]) -> str:
    """What became of the films, in Markdown."""
    rows = {
        "cases": ("", [f"{tally.cases:,}" for tally in tallies.values()]),
        "films": ("", [f"{tally.films:,}" for tally in tallies.values()]),
        "refused with a sentence": ("", [f"{tally.refused:,}" for tally in tallies.values()]),
        "neither a film nor a sentence": ("0", [f"{tally.unanswered:,}" for tally in tallies.values()]),
        "crashes of the program": ("0", [f"{tally.crashes:,}" for tally in tallies.values()]),
        f"hangs over {HANG:.0f} s": ("0", [f"{tally.hangs:,}" for tally in tallies.values()]),
        "refused because the child died": ("", [f"{tally.broken:,}" for tally in tallies.values()]),
        "refused because the time was up": ("", [f"{tally.slow:,}" for tally in tallies.values()]),
        "slowest answer, s": (f"{HANG:.0f}", [f"{tally.slowest:.1f}" for tally in tallies.values()]),
        "peak memory of the child, MB": (f"{MAX_CHILD}", [f"{tally.child:.0f}" for tally in tallies.values()]),
        "growth of the parent, MB": (f"{MAX_GROWTH}", [f"{tally.growth:.0f}" for tally in tallies.values()]),
        "minutes in all": ("", [f"{tally.seconds / 60:.1f}" for tally in tallies.values()]),
    }
    lines = [["", *tallies, "limit"], ["---", *["---:"] * len(tallies), "---:"]]
    lines += [[name, *cells, most] for name, (most, cells) in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
