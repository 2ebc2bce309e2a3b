"""Maps of findings and of sentences: scaled, the right way round, and by the best way that an adapter has."""

import numpy as np
import pytest

from cxr.films.phantom import draw_film
from cxr.model.map_head import WAYS
from cxr.model.maps import WITHOUT_HEAD, Mapper, scale_map
from cxr.model.ways import Method, draw_raw
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, Observation
from cxr.second_look import SecondLook
from cxr.settings import Settings
from tests.fakes import EMBEDDED
from tests.tiny import noise_film, tiny_engine


@pytest.fixture(scope="module")
def reader() -> Reader:
    return load_reader(Settings())


@pytest.mark.parametrize("side", ["left", "right"])
def test_left_is_the_patients_left(reader: Reader, side: str) -> None:
    """By anatomy: fluid around one lung, on a film that is no square; left is on the right of the picture."""
    seen = [Observation("effusion", side, size="large")]  # type: ignore[arg-type]
    film = draw_film(10_700_900, size=288, view="PA", observations=seen).film
    narrow = type(film)(film.pixels[:, 20:-20], film.view)
    found = SecondLook(reader).locate(reader.study(narrow), "effusion")
    left, right = (half.sum() for half in np.array_split(found.values, 2, axis=1))
    assert found.values.shape == narrow.pixels.shape
    assert (right > 3 * left) if side == "left" else (left > 3 * right)
    assert f"patient's {side}" in found.place and "lower" in found.place


def test_a_map_says_what_it_is_about(reader: Reader) -> None:
    study = reader.study(draw_film(10_700_901, size=256, view="PA").film)
    found = SecondLook(reader).locate(study, "cardiomegaly")
    assert found.values.dtype == np.float32 and found.values.min() >= 0 and found.values.max() == 1
    assert found.about == "cardiomegaly" and [score.finding for score in found.scores] == ["cardiomegaly"]
    asked = reader.classify(study).by_finding()["cardiomegaly"]
    assert found.scores[0].probability == pytest.approx(asked.probability, abs=1e-4)
    with pytest.raises(CxrError, match="effusion"):
        SecondLook(reader).locate(study, "fracture")


def test_a_sentence_has_the_map_of_what_it_asserts(reader: Reader) -> None:
    seen = [Observation("effusion", "left", size="large")]
    study = reader.study(draw_film(10_700_900, size=288, view="PA", observations=seen).film)
    says = "There is a large pleural effusion on the left."
    wrong, denies, neither = "Fluid: a pleural effusion on the right.", "No effusion or mass.", "The film is clear."
    report = f"Findings: {says} {wrong} {denies} {neither}"
    found = SecondLook(reader).locate_sentence(study, says, report)
    assert np.array_equal(found.values, SecondLook(reader).locate(study, "effusion").values)
    assert found.findings == ("effusion",) and found.about == says and found.warnings == study.warnings
    assert "patient's left" in SecondLook(reader).locate_sentence(study, wrong, report).warnings[-1]
    assert SecondLook(reader).locate_sentence(study, denies, report).findings == ("effusion", "mass")
    traced = SecondLook(reader).locate_sentence(study, neither, report)
    assert traced.findings == traced.scores == () and traced.method == Method.ATTENTION.value
    assert traced.values.max() == 1
    with pytest.raises(CxrError, match="report has changed"):
        SecondLook(reader).locate_sentence(study, "There is a hernia.", report)


def test_without_the_taught_part_and_for_own_findings_another_way_is_taken(reader: Reader) -> None:
    engine = tiny_engine(4)
    bare = Reader(engine, EMBEDDED, None, ["fracture"])
    study = bare.study(noise_film(3))
    for finding in ("effusion", "fracture"):
        found = SecondLook(bare).locate(study, finding)
        assert found.method == WITHOUT_HEAD.value and found.values.shape == (120, 100) and found.values.max() == 1
    assert WITHOUT_HEAD is not Method.TRAINED and reader.mapper.head is not None
    assert reader.mapper.choose_method("fracture") is WITHOUT_HEAD
    with pytest.raises(ValueError, match="taught"):
        draw_raw(engine, None, study.film, study.encoded, ["effusion"], Method.TRAINED)


def test_every_way_draws_a_map_of_the_film(reader: Reader) -> None:
    study = reader.study(draw_film(10_700_902, size=256, view="PA").film)
    assert len(Method) == WAYS
    drawn = [
        SecondLook(reader).locate(study, "edema", method).values for method in Method if method is not Method.OCCLUSION
    ]
    assert all(values.shape == (256, 256) and values.max() == 1 for values in drawn)


def test_a_finished_map_has_its_edge_at_one_half() -> None:
    values = np.array([0.0, 1.0, 2.0, 6.0, 10.0])
    assert scale_map(values, 0.2).tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert scale_map(np.zeros(3), 0.2).tolist() == [0, 0, 0]


def test_the_best_way_on_drawn_films_is_shown(reader: Reader) -> None:
    head = reader.mapper.head
    assert head is not None
    for best in Method:
        trials = head.trials.copy()
        trials[:, 1] = [float(method is best) for method in Method]
        mapper = Mapper(reader.engine, type(head)(head.low, head.low_bias, head.high, head.high_bias, trials))
        assert mapper.choose_method("mass") is best
