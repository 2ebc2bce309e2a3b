"""How well the gate tells frontal chest films from everything else, and whether it gives the right reason.

    python -m cxr.evaluation.gate --films FOLDER

By the reader that serves, on what nothing was fitted on: validation and test films of FOLDER/films.csv by source, the
half of FOLDER/not_chest that `is_fitted` leaves out, and drawn pictures of seeds that are kept to measure on; then the
same films turned, inverted, cropped, photographed, two in one picture. Intervals of 95 % are by patient.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cxr.evaluation.films import DRAWN_SEED, RealFilm, list_films
from cxr.evaluation.intervals import RESAMPLES, Figure, bootstrap
from cxr.evaluation.spoilt import WAYS, draw_lateral, join_films, spoil
from cxr.evaluation.strangers import KINDS, draw_stranger, open_strangers
from cxr.films.film import Film
from cxr.films.open import open_film
from cxr.films.phantom import draw_film
from cxr.reader import Reader, load_reader
from cxr.results import Gate, Mend, RefusalError
from cxr.settings import Settings

EXPECTED: dict[str, tuple[str, Mend | None]] = {  # the reason that is right, and what mends it
    "turned to the left": ("turned", "turn right"),
    "turned to the right": ("turned", "turn left"),
    "upside down": ("turned", "turn over"),
    "inverted": ("inverted", "invert"),
    "inverted and turned": ("inverted", "invert"),  # which way it lies is said once it is as it should be
    "cropped": ("cropped", None),
    "photo of a screen": ("photo of a screen", None),
    "photographed, turned to the left": ("turned", "turn right"),
    "photographed, turned to the right": ("turned", "turn left"),
    "photographed upside down": ("turned", "turn over"),
    "clipped": ("clipped", None),
    "unsharp": ("unsharp", None),
    "too small": ("too small", None),
    "lateral": ("lateral", None),
    "two films in one picture": ("several films", None),
}
READ = ("photographed",)  # spoilt films that are to be read nevertheless


@dataclass(frozen=True)
class Tally:
    """What the gate did with some pictures: a mark each, 1 or 0; `patients`: whose each is."""

    patients: np.ndarray
    marks: np.ndarray

    def take(self, films: np.ndarray) -> "Tally":
        """The same for some pictures, by index; a picture may come more than once."""
        return Tally(self.patients[films], self.marks[films])


@dataclass(frozen=True)
class Judged:
    """One picture: to which row of the table it belongs, whose it is, and what the gate said."""

    row: str
    patient: str
    gate: Gate


def judge(reader: Reader, film: Film) -> Gate:
    """What the gate says of a film, refused or not."""
    try:
        return reader.study(film).gate
    except RefusalError as refusal:
        return refusal.gate


def judge_films(reader: Reader, films: Iterable[RealFilm]) -> Iterator[Judged]:
    """Real films as they came, by source."""
    for film in films:
        yield Judged(film.source, film.patient, judge(reader, open_film(film.path)))


def judge_drawn(reader: Reader, count: int) -> Iterator[Judged]:
    """Drawn frontal films, which the page shows as examples."""
    for seed in range(DRAWN_SEED, DRAWN_SEED + count):
        film = draw_film(seed, size=256, view=("PA", "AP")[seed % 2]).film
        yield Judged("drawn films", str(seed), judge(reader, film))


def judge_strangers(reader: Reader, folder: Path, count: int) -> Iterator[Judged]:
    """Pictures that are no chest films: the files of a folder, and so many of each kind that is drawn."""
    for number, film in enumerate(open_strangers(folder, fitted=False) if folder.is_dir() else ()):
        yield Judged(folder.name, str(number), judge(reader, film))
    for kind in KINDS:
        for seed in range(DRAWN_SEED, DRAWN_SEED + count):
            yield Judged(kind, str(seed), judge(reader, draw_stranger(kind, seed)))


def judge_spoilt(reader: Reader, films: Sequence[RealFilm], laterals: int) -> Iterator[Judged]:
    """The same real films in each way in which they should not come, and drawn films from the side."""
    for number, film in enumerate(films):
        opened = open_film(film.path)
        for way in WAYS:
            yield Judged(way, film.patient, judge(reader, spoil(opened, way, number)))
    for seed in range(DRAWN_SEED, DRAWN_SEED + laterals):
        yield Judged("lateral", str(seed), judge(reader, draw_lateral(seed)))


def judge_pairs(reader: Reader, films: Sequence[RealFilm]) -> Iterator[Judged]:
    """Two real films in one picture, side by side or one above the other: to be refused by name."""
    for number, (one, other) in enumerate(zip(films, (*films[1:], *films[:1]), strict=True)):
        pair = join_films(open_film(one.path), open_film(other.path), stacked=number % 2 == 1)
        yield Judged("two films in one picture", one.patient, judge(reader, pair))


def is_right(judged: Judged) -> bool:
    """Whether a spoilt film got its own reason, and the button that mends it; or is read, where that is right."""
    if judged.row in READ:
        return not judged.gate.refused
    return any((reason.name, reason.mend) == EXPECTED[judged.row] for reason in judged.gate.reasons)


def measure_share(judged: Sequence[Judged], marks: Sequence[bool], resamples: int = RESAMPLES) -> Figure:
    """The share of marks that are set, with its interval."""
    return measure_tally(Tally(np.array([one.patient for one in judged]), np.array(marks, float)), resamples)


def measure_tally(tally: Tally, resamples: int = RESAMPLES) -> Figure:
    """The mean of the marks with its interval.

    Where all marks are alike a bootstrap has no width, so the interval's other end is the exact one of 95 %: what would
    still give such a run in one case of forty. Source: Clopper and Pearson, The use of confidence or fiducial limits
    illustrated in the case of the binomial, 1934.
    """
    share = float(tally.marks.mean())
    if share in (0.0, 1.0):
        bound = 1 - 0.025 ** (1 / len(np.unique(tally.patients)))
        return Figure(share, max(0.0, share - bound), min(1.0, share + bound))
    return bootstrap(tally, lambda drawn: float(drawn.marks.mean()), resamples)


def write_table(judged: Iterable[Judged], resamples: int = RESAMPLES) -> str:
    """A Markdown table: a row a group, how many, what share is refused, warned of, and given the right reason."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(one.row, []).append(one)
    lines = ["| what | how many | refused | warned of | right reason |", "|---" * 5 + "|"]
    for row, group in groups.items():
        refused = measure_share(group, [one.gate.refused for one in group], resamples)
        warned = np.mean([bool(one.gate.reasons) and not one.gate.refused for one in group])
        right = str(measure_share(group, list(map(is_right, group)), resamples)) if row in (*EXPECTED, *READ) else "-"
        lines.append(f"| {row} | {len(group)} | {refused} | {warned:.3f} | {right} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.gate", description=__doc__.partition("\n")[0])
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv and not_chest")
    parser.add_argument("--strangers", type=int, default=200, help="how many pictures of each drawn kind")
    parser.add_argument("--spoilt", type=int, default=150, help="how many films are turned, inverted and so on")
    options = parser.parse_args(arguments)
    reader = load_reader(Settings.from_env())
    films = [film for split in ("val", "test") for film in list_films(options.films, split)]
    some = films[:: max(1, len(films) // max(1, options.spoilt))]
    judged = [
        *judge_films(reader, films),
        *judge_drawn(reader, options.strangers),
        *judge_strangers(reader, options.films / "not_chest", options.strangers),
        *judge_spoilt(reader, some, options.strangers),
        *judge_pairs(reader, some),
    ]
    gate = "" if reader.identity.gate else " The gate is off, but for what header and greys tell."
    sys.stdout.write(f"{reader.identity.base}, {reader.identity.adapter or 'no adapter'}.{gate}\n\n")
    sys.stdout.write(write_table(judged) + "\n")


if __name__ == "__main__":
    main()
