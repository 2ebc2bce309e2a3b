"""A short run of `python -m tests.fuzz`, and that it notices what it looks for."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from cxr.films.decoder import SAY_SLOW, Decoder
from cxr.films.film import Film
from cxr.results import CxrError
from tests.fuzz.campaign import (
    BOMBS,
    QUICK,
    SLOW,
    make_dicom_mutant,
    make_image_mutant,
    make_quick_bomb,
    write_table,
)
from tests.fuzz.mutants import make_dicoms, make_pictures, mutate
from tests.fuzz.watch import MAX_CHILD, MAX_GROWTH, Tally, is_sentence, is_sound, watch


def test_damaged_dicom_films_give_a_film_or_a_sentence() -> None:
    tally = watch(partial(make_dicom_mutant, 1), 300)
    assert not tally.find_faults(), tally.notes
    assert tally.cases == 300 == tally.films + tally.refused and tally.films > 50


def test_damaged_pictures_give_a_film_or_a_sentence() -> None:
    tally = watch(partial(make_image_mutant, 1), 200)
    assert not tally.find_faults(), tally.notes
    assert tally.cases == 200 == tally.films + tally.refused and tally.films > 20


def test_every_bomb_gives_a_film_or_a_sentence() -> None:
    tally = watch(make_quick_bomb, len(QUICK))
    assert not tally.find_faults(), tally.notes
    assert tally.cases == len(QUICK) == tally.films + tally.refused and tally.films == 3
    assert len(QUICK) >= 40 and set(BOMBS) >= SLOW


def test_a_bomb_that_takes_all_the_time_is_refused_in_time(tmp_path: Path) -> None:
    path = tmp_path / "film"
    for name in ("a sequence of three million items", "JPEG, fifteen million empty markers"):
        path.write_bytes(BOMBS[name]())
        with pytest.raises(CxrError, match=SAY_SLOW):
            Decoder(seconds=0.2).read(path, "picture" if name.startswith("JPEG") else "dicom")


# --- what the watcher notices -----------------------------------------------------------------------------------------


def name(number: int) -> bytes:
    return str(number).encode()


def misbehave(path: Path) -> Film:
    """Every number does something else."""
    match int(path.read_text()):
        case 1:
            os.kill(os.getpid(), signal.SIGSEGV)
        case 3:
            time.sleep(60)
        case 5:
            raise KeyError("no sentence")
        case 6:
            raise CxrError("no sentence")
        case 7:
            return Film(np.full((8, 8), np.nan, np.float32))
        case 8:
            raise CxrError("This file cannot be read.")
    return Film(np.zeros((8, 8), np.float32))


def test_a_crash_a_hang_and_what_is_no_sentence_are_noticed() -> None:
    tally = watch(name, 10, misbehave, patience=1.0)
    assert (tally.cases, tally.films, tally.refused) == (10, 4, 1)
    assert (tally.crashes, tally.hangs, tally.unanswered) == (1, 1, 3)
    assert [note.split(":")[0] for note in tally.notes] == [f"number {place}" for place in (1, 3, 5, 6, 7)]
    assert len(tally.find_faults()) == 3


def hoard(path: Path, kept: list[bytes] = []) -> Film:  # noqa: B006 (it is to grow)
    kept.append(os.urandom(10**7))
    return Film(np.zeros((8, 8), np.float32))


def test_growth_is_noticed() -> None:
    tally = watch(name, 20, hoard)
    assert tally.growth > MAX_GROWTH and tally.find_faults()


def test_a_large_child_is_a_fault() -> None:
    assert Tally(child=MAX_CHILD).find_faults() and not Tally(child=MAX_CHILD - 1).find_faults()


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("This file cannot be read.", True),
        ("KeyError", False),
        ("this file cannot be read at all.", False),
        ("This file cannot be read. It is broken.", False),
        ("Traceback:\n a film cannot be read.", False),
    ],
)
def test_a_sentence_is_known_when_it_is_seen(text: str, right: bool) -> None:
    assert is_sentence(text) is right


@pytest.mark.parametrize(
    ("pixels", "right"),
    [
        (np.zeros((4, 4), np.float32), True),
        (np.zeros((4, 4)), False),
        (np.zeros((4, 4, 3), np.float32), False),
        (np.full((4, 4), 1.5, np.float32), False),
        (np.zeros((4, 5000), np.float32), False),
    ],
)
def test_a_film_is_known_when_it_is_seen(pixels: np.ndarray, right: bool) -> None:
    assert is_sound(Film(pixels)) is right


def test_mutants_are_told_by_their_seed_and_number() -> None:
    films = [*make_dicoms(), *make_pictures()]
    assert [mutate(films, 3, number) for number in range(20)] == [mutate(films, 3, number) for number in range(20)]
    assert len({mutate(films, seed, number) for seed in range(2) for number in range(20)}) > 35


def test_the_table_names_every_kind_and_limit() -> None:
    table = write_table({"DICOM mutants": Tally(cases=1000, films=400, refused=600), "made by hand": Tally()})
    assert "| cases | 1,000 | 0 |  |" in table and "| hangs over 10 s | 0 | 0 | 0 |" in table
    assert len({line.count("|") for line in table.splitlines()}) == 1
