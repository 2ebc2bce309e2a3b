"""A row comes back from its line of JSON as it was, and becomes a film with its truth."""

from pathlib import Path

import pytest

from cxr.films.film import to_image
from cxr.results import CxrError, Observation
from cxr.training.rows import Row, open_case, read_row, write_row
from cxr.training.truth import Truth
from tests.tiny import noise_film

SEEN = (Observation("effusion", "left", "lower", "small"), Observation("support_devices"))
FULL = Row(
    Path("films/Müller \u2028 1.png"),
    "p 7",
    "val",
    Truth(SEEN, frozenset({"mass", "nodule"}), "AP", placed=True),
    report='Findings: "Fluid".\nImpression: Fluid.',
    indication="cough",
    pairs=(("Is there fluid?", "Yes."), ("Where?", "On the left.")),
)
BARE = Row(Path("a.png"), "1", "train", Truth((), frozenset()))


@pytest.mark.parametrize("row", [FULL, BARE])
def test_a_row_comes_back_as_it_was(row: Row) -> None:
    line = write_row(row)
    assert "\n" not in line
    assert read_row(line) == row


def test_the_same_row_is_the_same_line() -> None:
    """Sets have no order of their own; an index must not change with it."""
    keys = ["mass", "nodule", "hernia", "edema"]
    lines = {write_row(Row(Path("a"), "1", "train", Truth((), frozenset(order)))) for order in (keys, keys[::-1])}
    assert len(lines) == 1


def test_a_row_becomes_a_case_with_its_truth(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    to_image(noise_film()).save(path)
    case = open_case(Row(path, FULL.patient, "val", FULL.truth, FULL.report, FULL.indication, FULL.pairs))
    assert case.film.view == "AP" and case.film.pixels.shape == noise_film().pixels.shape
    assert case.present == {"effusion", "support_devices"} and case.absent == {"mass", "nodule"}
    assert case.observations == SEEN and case.patient == "p 7"
    assert (case.report, case.indication, case.pairs) == (FULL.report, FULL.indication, FULL.pairs)


def test_places_that_are_not_exact_are_not_measured_against(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    to_image(noise_film()).save(path)
    assert open_case(Row(path, "1", "val", Truth(SEEN, frozenset(), placed=False))).observations is None


def test_a_film_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(CxrError):
        open_case(Row(tmp_path / "a.png", "1", "val", BARE.truth))
