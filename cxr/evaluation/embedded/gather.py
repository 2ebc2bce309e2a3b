"""Which films are read, and what they are asked: real ones, drawn ones, those of VQA-RAD, and pictures of nothing.

Each is encoded once and read by the reader that serves. Knows nothing about figures.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from cxr.evaluation.answers import Exchange, write_both
from cxr.evaluation.embedded.kept import Plan, mark_program, read_on
from cxr.evaluation.films import CHESTXRAY14, DRAWN_SEED, Case, RealFilm, draw_cases, list_films, open_cases, read_films
from cxr.evaluation.readings import Reading, read_cases
from cxr.films.film import Film
from cxr.findings import FINDINGS
from cxr.model.engine import Engine
from cxr.model.loading import EMBEDDED
from cxr.prompts import write_report
from cxr.reader import Reader, load_reader
from cxr.results import CxrError
from cxr.settings import Settings

VQA = "vqa_rad"
QUESTIONS = "vqa_rad.json"  # beside films.csv: the file of a film -> its questions with their answers
NO = "Is there no {} on this chest film? Answer yes or no."  # yes means absent
SIDE = 512  # px of a picture of nothing

Pairs = dict[str, list[tuple[str, str]]]  # file of a film -> questions and answers


@dataclass(frozen=True)
class Wanted:
    """What is to be read. `limit`: at most so many real films of each kind; 0: all."""

    films: Path  # folder of films.csv
    split: str
    drawn: int
    first: int = DRAWN_SEED  # seed of the first drawn film
    limit: int = 0

    def choose_real(self) -> list[RealFilm]:
        """The films of ChestX-ray14 in the split."""
        return self._cut([film for film in read_films(self.films, self.split) if film.source == CHESTXRAY14])

    def choose_asked(self) -> list[RealFilm]:
        """The films of VQA-RAD: the validation ones, or for the test all whose patients are not in train."""
        splits = ("val", "test") if self.split == "test" else (self.split,)
        return self._cut([film for split in splits for film in list_films(self.films, split) if film.source == VQA])

    def _cut(self, films: list[RealFilm]) -> list[RealFilm]:
        """Spread over all, since a patient's films stand together."""
        return films[:: max(1, len(films) // self.limit)][: self.limit] if self.limit else films


@dataclass(frozen=True)
class Heard:
    """What was said. `real` and `off` (without the adapter) are of `films`; `blank`: VQA-RAD's questions of nothing."""

    films: Sequence[RealFilm]
    real: Sequence[Reading]
    off: Sequence[Reading]
    drawn: Sequence[Reading]
    asked: Sequence[Reading]
    blank: Sequence[Reading]


def load_model(folder: Path, adapted: bool = True) -> Reader:
    """The reader of a folder like `cxr/model/embedded`, in float32, reading also what the gate refuses.

    `adapted`: whether its adapter is switched on; without it canvas and calibration stay the same.

    Raises:
        CxrError: the folder's model cannot be loaded.
    """
    ships = folder.resolve() == EMBEDDED.resolve()
    named = Settings(base=str(folder), adapter=str(folder / "adapter"), precision="float32")
    served = load_reader(Settings() if ships else named, anyway=True)
    bare = None if adapted else load_reader(replace(named, adapter=None), anyway=True)
    for reader in filter(None, (served, bare)):
        if reader.identity.problem:
            raise CxrError(reader.identity.problem)
    if bare is None:
        return served
    engine = Engine(bare.engine.model, served.engine.processor, served.engine.canvas)
    return Reader(engine, bare.identity, served.calibration, guided=served.guided, set_questions=served.set_questions)


def gather(wanted: Wanted, model: Path, reader: Reader, work: Path) -> Heard:
    """Everything, from what `work` keeps and by reading the rest."""
    bare = load_model(model, adapted=False)
    place = work / mark_program(model, reader.identity.device)
    place.mkdir(parents=True, exist_ok=True)
    films, asked = wanted.choose_real(), wanted.choose_asked()
    seeds = range(wanted.first, wanted.first + wanted.drawn)
    pairs = read_pairs(wanted.films)
    real, drawn = plan_real(films, {}), {f"drawn:{seed}": partial(draw_one, seed) for seed in seeds}
    told, nothing = plan_real(asked, pairs), {film.path.name: partial(ask_nothing, film, pairs) for film in asked}
    heard = [
        read_on(place / f"{name}.jsonl", plan, partial(_read, reader, ask))
        for name, plan, ask in (
            ("real", real, ask_each),
            ("drawn", drawn, ask_none),
            ("asked", told, ask_data),
            ("blank", nothing, ask_data),
        )
    ]
    off = read_on(place / "off.jsonl", real, partial(_read, bare, ask_none))
    return Heard(films, heard[0], off, *heard[1:])


def _read(reader: Reader, ask: Callable[[Case], Sequence[Exchange]], case: Case) -> Reading:
    return next(read_cases(reader, [case], ask))


def read_pairs(folder: Path) -> Pairs:
    """VQA-RAD's questions and answers, by the file of their film; none where the folder has none."""
    path = folder / QUESTIONS
    told = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    # Some answers are numbers: "How many ...?"
    return {name: [(item["question"], str(item["answer"])) for item in items] for name, items in told.items()}


def plan_real(films: Sequence[RealFilm], pairs: Pairs) -> Plan:
    """Real films with the questions that belong to them."""
    return {film.path.name: partial(open_one, film, pairs) for film in films}


def open_one(film: RealFilm, pairs: Pairs) -> Case:
    """A real film with its name."""
    (case,) = open_cases([film])
    return replace(case, name=film.path.name, pairs=tuple(pairs.get(film.path.name, ())))


def ask_nothing(film: RealFilm, pairs: Pairs) -> Case:
    """The questions of a film, but a grey picture instead of it."""
    name, pixels = film.path.name, draw_nothing()["grey"]
    return Case(pixels, film.patient, frozenset(), frozenset(), name=name, pairs=tuple(pairs.get(name, ())))


def draw_one(seed: int) -> Case:
    """A drawn film; its report says exactly what is on it."""
    (case,) = draw_cases(1, seed)
    return replace(case, name=case.patient, report=write_report(case.observations or ()))


def draw_nothing() -> dict[str, Film]:
    """Pictures on which there is nothing to be found."""
    noise = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    return {
        "grey": Film(np.full((SIDE, SIDE), 0.5, np.float32)),
        "black": Film(np.zeros((SIDE, SIDE), np.float32)),
        "noise": Film(noise),
    }


def ask_none(case: Case) -> list[Exchange]:
    """No question."""
    return []


def ask_data(case: Case) -> list[Exchange]:
    """The questions that came with a film."""
    return [Exchange(*pair) for pair in case.pairs]


def ask_each(case: Case) -> list[Exchange]:
    """For each of the 14 whether it is there, whether the film is free of it, and whether there is none of it."""
    asked = []
    for finding in FINDINGS:
        plain, free = write_both(finding.key, finding.key in case.present)
        asked += [plain, free, replace(free, question=NO.format(finding.bare_noun))]
    return asked
