"""The pointing game, the overlap, the boxes, and the command that prints them."""

from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation import localisation
from cxr.evaluation.films import list_films
from cxr.evaluation.localisation import draw_centre, draw_lungs, main, shuffle_weights
from cxr.evaluation.localisation_table import write_report
from cxr.evaluation.places import average_lungs, draw_places, mark_boxes, open_boxes, read_boxes
from cxr.evaluation.placing import Marks, Place, choose_share, collect_marks, measure_hit, measure_overlap
from cxr.films.film import Film
from cxr.model import occlusion
from cxr.model.maps import Mapper
from cxr.reader import Reader
from tests.data import DATA, needs_data
from tests.fakes import EMBEDDED
from tests.tiny import noise_film, tiny_engine

MASK = np.zeros((8, 8), bool)
MASK[2:4, 2:6] = True


def make_place(patient: str = "a") -> Place:
    return Place(Film(np.zeros((8, 8), np.float32)), patient, {"mass": MASK}, np.ones((8, 8), np.float32))


def test_a_map_hits_by_its_maximum_and_by_chance_where_it_has_many() -> None:
    values = np.zeros((8, 8))
    assert measure_hit(values, MASK) == 8 / 64  # a map that shows nothing points anywhere
    values[3, 3] = 1
    assert measure_hit(values, MASK) == 1
    values[7, 7] = 1
    assert measure_hit(values, MASK) == 0.5


def test_overlap_is_intersection_over_union_from_a_share_of_the_maximum() -> None:
    values = MASK * 10.0
    values[0, :4] = 4
    assert measure_overlap(values, MASK, 0.5) == 1 and measure_overlap(values, MASK, 0.3) == 8 / 12
    assert measure_overlap(np.zeros((8, 8)), MASK, 0.5) == 0


def test_the_share_is_the_one_that_overlaps_best() -> None:
    values = MASK * 10.0 + 4 * ~MASK
    share, overlap = choose_share(lambda place: {"mass": values}, [make_place()])
    assert share > 0.4 and overlap == 1


def test_differences_are_paired_and_by_patient() -> None:
    places = [make_place(str(number // 2)) for number in range(10)]
    marks = collect_marks([(lambda place: {"mass": MASK * 1.0}, 0.5), (draw_lungs, 0.5), (draw_centre, 0.5)], places)
    assert marks.hits[:, 0].tolist() == [1] * 10 and marks.hits[0, 1] == 8 / 64
    text = write_report({"drawn films": marks}, ["TRAINED", "lungs", "centre"], "TRAINED", resamples=20)
    assert "10 findings of 5 patients (mass 10)" in text
    assert "| lung prior | +0.875 [+0.875, +0.875] | +0.875 [+0.875, +0.875] |" in text
    assert "| Mass | 10 | 1.00, 1.00 |" in text
    assert isinstance(marks.take(np.array([0, 0])), Marks)


def test_boxes_are_read_by_position_and_scaled(tmp_path: Path) -> None:
    table = tmp_path / "boxes.csv"
    table.write_text(
        "Image Index,Finding Label,Bbox [x,y,w,h],,,\n"
        "00000001_000.png,Infiltrate,512,256,256,128\n00000001_000.png,Infiltrate,0,0,64,64\n"
    )
    boxes = read_boxes(table)
    masks = mark_boxes(Film(np.zeros((64, 64), np.float32)), boxes["00000001_000"])
    assert set(masks) == {"infiltration"}
    assert masks["infiltration"].sum() == 16 * 8 + 16 and masks["infiltration"][16:24, 32:48].all()


@needs_data
def test_no_film_that_was_trained_on_is_measured() -> None:
    places = list(open_boxes(DATA, np.ones((4, 4), np.float32)))
    trained = {film.patient for film in list_films(DATA, "train")}
    assert len(places) >= 5 and not trained & {place.patient for place in places}
    assert all(mask.any() and mask.shape == each.film.pixels.shape for each in places for mask in each.masks.values())


def test_drawn_places_know_their_lungs() -> None:
    places = list(draw_places(9_790_000, 6))
    assert places and all(mask.any() for place in places for mask in place.masks.values())
    lungs = average_lungs(places)
    assert lungs[20:40, 10:25].mean() > 0.5 > 0.1 > lungs[:, :3].mean()


def test_shuffled_weights_are_as_large_and_know_nothing() -> None:
    engine = tiny_engine()
    other = shuffle_weights(engine)
    old, new = (each.model.model.multi_modal_projector.weight.detach() for each in (engine, other))
    assert np.allclose(np.sort(old.flatten()), np.sort(new.flatten())) and not np.allclose(old, new)
    assert not np.allclose(engine.encode(noise_film()).states, other.encode(noise_film()).states)


@pytest.mark.parametrize("headed", [False, True])
def test_the_command_prints_every_way_beside_every_baseline(
    headed: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = tiny_engine()
    films = [localisation.draw_frontal(9_700_000 + number) for number in range(2)]
    learn = localisation.learn_head
    monkeypatch.setattr(occlusion, "BLOCKS", 2)
    monkeypatch.setattr(localisation, "learn_head", lambda lessons: learn(lessons, steps=1))
    head = learn(localisation.gather_lessons(engine, films), steps=1) if headed else None
    reader = Reader(engine, EMBEDDED, None, mapper=Mapper(engine, head))
    monkeypatch.setattr(localisation, "load_reader", lambda settings, anyway: reader)
    main(["--drawn", "3", "--tried", "2", "--taught", "2"])
    said = capsys.readouterr().out
    assert ("| taught on drawn masks | " in said) == headed
    for row in ("cross-attention", "Grad-CAM", "occlusion", "occlusion, random weights", "centre prior", "lung prior"):
        assert f"\n| {row} | " in said
