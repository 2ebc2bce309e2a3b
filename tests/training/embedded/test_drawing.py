"""A drawn film's number is all that decides it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxr.evaluation.films import DRAWN_SEED, draw_cases
from cxr.films.film import letterbox
from cxr.films.phantom import draw_film
from cxr.films.phantom.drawing import SMALLEST
from cxr.films.phantom.mix import BILATERAL, choose_observations
from cxr.films.phantom.patient import draw_patient
from cxr.findings import FINDINGS
from cxr.training.embedded import drawing
from cxr.training.embedded.build import Size
from cxr.training.embedded.drawing import BOTH, Plan, draw_chunk, draw_chunks, draw_example, load_writer
from cxr.training.embedded.examples import Examples
from cxr.training.embedded.material import Options, plan_drawing
from tests.tiny import tiny_engine

PLAN = Plan(700, 56, 4)


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    tiny_engine().processor.tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of two films, drawn by threads in the place of processes."""

    def pool(workers: int, mp_context: Any) -> ThreadPoolExecutor:
        assert mp_context.get_start_method() == "spawn"  # a fork of a process with a GPU or threads would hang
        return ThreadPoolExecutor(workers)

    monkeypatch.setattr(drawing, "CHUNK", 2)
    monkeypatch.setattr(drawing, "ProcessPoolExecutor", pool)


def same(one: Examples, other: Examples) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def take(chunks: Iterator[Examples], count: int) -> list[Examples]:
    return list(islice(chunks, count))


def test_film_number_n_is_the_same_whoever_draws_it(threads: None, tokenizer: Path) -> None:
    taken = {workers: (chunks := draw_chunks(PLAN, tokenizer, workers), take(chunks, 3))[1] for workers in (1, 2)}
    writer = load_writer(tokenizer)
    for i in range(6):
        alone = draw_example(PLAN, i, writer)
        for chunks in taken.values():
            assert same(alone, {name: array[i % 2] for name, array in chunks[i // 2].items()})


def test_chunks_come_in_order_and_films_differ(threads: None, tokenizer: Path) -> None:
    chunks = draw_chunks(PLAN, tokenizer, 1)
    taken = take(chunks, 5)  # past those that are drawn ahead
    chunks.close()
    assert all(same(chunk, draw_chunk(PLAN, i, tokenizer)) for i, chunk in enumerate(taken))
    assert len({image.tobytes() for chunk in taken for image in chunk["images"]}) == 10


def test_plans_that_overlap_draw_the_same_films(tokenizer: Path) -> None:
    writer = load_writer(tokenizer)
    assert same(draw_example(PLAN, 3, writer), draw_example(Plan(703, 56, 4), 0, writer))


def test_the_truth_is_that_of_the_drawn_film(tokenizer: Path) -> None:
    writer = load_writer(tokenizer)
    for number in range(4):
        example, drawn = draw_example(PLAN, number, writer), draw_film(700 + number, size=SMALLEST)
        np.testing.assert_array_equal(example["images"], np.asarray(letterbox(drawn.film, 56)))
        present = {item.finding for item in drawn.observations}
        assert (example["findings"] >= 0).all() and example["findings"].sum() == len(present)
        assert (example["maps"] >= 0).all()  # exact, so nothing is unknown
        assert (example["maps"].any((1, 2)) == (example["findings"] == 1)).all()
        assert (example["ends"] > 0).all()


def test_of_a_picture_of_nothing_nothing_is_said(tokenizer: Path) -> None:
    writer = load_writer(tokenizer)
    assert 700 % drawing.NOTHING == 20
    example = draw_example(PLAN, 19, writer)
    assert (example["findings"] == 0).all() and (example["maps"] == 0).all() and (example["ends"] > 0).all()
    pictures = [drawing.draw_nothing(seed).pixels for seed in range(20)]
    assert all(picture.min() >= 0 and picture.max() <= 1 for picture in pictures)
    assert {bool(picture.std() < 1e-6) for picture in pictures} == {True, False}  # plain greys and noise


@pytest.mark.parametrize("seed", [0, 1, 9])
def test_films_that_measure_are_never_drawn_for_training(seed: int) -> None:
    options = Options(Path(), Path(), seed=seed)
    plan = plan_drawing(options, Size())
    assert plan.first + options.drawn <= DRAWN_SEED
    assert next(draw_cases(1, size=128)).patient == f"drawn:{DRAWN_SEED}"


def test_runs_of_two_seeds_share_no_film() -> None:
    one, two = (Options(Path(), Path(), seed=seed) for seed in (0, 1))
    assert plan_drawing(one, Size()).first + one.drawn <= plan_drawing(two, Size()).first


@pytest.mark.parametrize("told", [{"seed": 10}, {"seed": -1}, {"seed": 9, "steps": 600_000}])
def test_a_run_that_would_reach_them_is_refused(told: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="evaluation"):
        plan_drawing(Options(Path(), Path(), **told), Size())  # type: ignore[arg-type]


def test_one_film_in_six_has_on_both_sides_what_can_be(tokenizer: Path) -> None:
    writer = load_writer(tokenizer)
    every = range(6 * 117, 10**6, BOTH)
    frontal = (seed for seed in every if draw_patient(seed, None, None, None).view != "lateral")
    seen = 0
    for seed in islice(frontal, 4):
        by_chance = {item.finding for item in choose_observations(seed, True, None)}
        example = draw_example(PLAN, seed - PLAN.first, writer)
        for finding, sides in zip(FINDINGS, example["sides"].tolist(), strict=True):
            if finding.key in by_chance & BILATERAL.keys():
                assert sides == [1, 1]
                seen += 1
    assert seen > 1
