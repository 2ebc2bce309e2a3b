"""Many films at once are read as each alone, whatever stands beside them."""

import copy
from dataclasses import replace

import numpy as np
import pytest

from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import Film
from cxr.findings import FINDINGS
from cxr.many import classify_all, report_all, study_all
from cxr.model.calibration import Calibration, Scale, logit
from cxr.model.engine import Engine
from cxr.reader import Reader, Study
from cxr.results import Classification, RefusalError, Report
from tests.fakes import EMBEDDED, fake_reader
from tests.tiny import noise_film, tiny_engine

FILMS = [noise_film(seed) for seed in range(5)]


def read_alone(reader: Reader, film: Film) -> tuple[Classification, str]:
    study = reader.study(film)
    return reader.classify(study), list(reader.caption(study))[-1].text


def read_together(reader: Reader, films: list[Film]) -> tuple[list[Classification], list[Report]]:
    studies = [study for study in study_all(reader, films) if isinstance(study, Study)]
    results = classify_all(reader, studies)
    return results, report_all(reader, studies, results)


@pytest.mark.parametrize("tiles", [1, 4])
@pytest.mark.parametrize("fast", [False, True])
def test_films_together_are_read_as_each_alone_in_any_order(
    tiles: int, fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tiny_engine(tiles)
    alone = Reader(Engine(tiny.model, tiny.processor, tiny.canvas, fast=False), EMBEDDED, None)
    together = Reader(Engine(copy.deepcopy(tiny.model), tiny.processor, tiny.canvas, fast=fast), EMBEDDED, None)
    stream, write_all = Engine.stream, Engine.write_all  # short texts will do
    monkeypatch.setattr(Engine, "stream", lambda self, one, asked, limit=8: stream(self, one, asked, limit))
    monkeypatch.setattr(Engine, "write_all", lambda self, all_of, asked: write_all(self, all_of, asked, limit=8))
    expected = [read_alone(alone, film) for film in FILMS[:3]]
    for order in ((0, 1, 2), (2, 0, 1)):
        results, reports = read_together(together, [FILMS[place] for place in order])
        for place, result, report in zip(order, results, reports, strict=True):
            told, text = expected[place]
            np.testing.assert_allclose(
                [score.probability for score in result.scores], [score.probability for score in told.scores], atol=1e-4
            )
            assert report.text == text and report.finished
    assert len({text for _, text in expected}) > 1


def test_states_of_more_films_than_are_encoded_at_once_are_their_own() -> None:
    tiny = tiny_engine(4)
    engine = Engine(copy.deepcopy(tiny.model), tiny.processor, tiny.canvas, fast=True)
    together = engine.encode_all(FILMS)
    for film, encoded in zip(FILMS, together, strict=True):
        np.testing.assert_allclose(encoded.states, tiny.encode(film).states, atol=1e-4)
        assert encoded.states.untyped_storage().nbytes() == encoded.states.nbytes  # pickled, it takes no other along


def test_what_is_refused_stands_in_its_place_and_the_others_are_read() -> None:
    reader = fake_reader(gated=True)
    wanted = [replace(film, anyway=True) for film in FILMS[:2]]
    seen = study_all(reader, [wanted[0], draw_stranger("page", 10_000_000), wanted[1]])
    assert [type(each) for each in seen] == [Study, RefusalError, Study]
    assert seen[2].film.pixels is wanted[1].pixels  # type: ignore[union-attr]
    assert classify_all(reader, []) == []


def test_each_film_is_reported_after_its_own_guide(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny = tiny_engine()
    plain = Reader(tiny, EMBEDDED, None)
    middle = np.mean(
        [[logit(score.probability) for score in plain.classify(plain.study(film)).scores] for film in FILMS], 0
    )
    # What lies above the films' mean is likely, below it not even possible.
    scales = {finding.key: Scale(99.0, -99.0 * at, 0.6, 0.4) for finding, at in zip(FINDINGS, middle, strict=True)}
    some = Calibration(scales, "nobody")
    readers = [
        Reader(Engine(copy.deepcopy(tiny.model), tiny.processor, tiny.canvas, fast=fast), EMBEDDED, some, guided=True)
        for fast in (False, True)
    ]
    stream, write_all = Engine.stream, Engine.write_all
    monkeypatch.setattr(Engine, "stream", lambda self, one, asked, limit=8: stream(self, one, asked, limit))
    monkeypatch.setattr(Engine, "write_all", lambda self, all_of, asked: write_all(self, all_of, asked, limit=8))
    expected = [read_alone(readers[0], film) for film in FILMS]
    assert len({str(readers[0].ask_report(result)) for result, _ in expected}) > 1
    assert [report.text for report in read_together(readers[1], FILMS)[1]] == [text for _, text in expected]
