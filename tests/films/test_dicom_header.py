"""What a DICOM header says, and that nothing of the patient is left."""

import logging
import pickle
import traceback
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForProcessing,
    MediaStorageDirectoryStorage,
    MRImageStorage,
    SecondaryCaptureImageStorage,
)

from cxr.films.dicom import read_dataset, read_dicom
from cxr.films.dicom_header import BURNT_IN, LYING, NOT_CHEST, OBLIQUE, TURNED
from cxr.films.gate import inspect_film
from cxr.films.open import open_film
from cxr.model.gate import Gatekeeper
from cxr.results import CxrError
from tests.data import DATA, needs_data
from tests.films.dicoms import IDENTIFIERS, RAMP8, make_dicom, put_bytes, read, to_bytes, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "film"


# --- header -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "view"),
    [
        ("PA", "PA"),
        ("AP", "AP"),
        ("LL", "lateral"),
        ("RL", "lateral"),
        ("LATERAL", "lateral"),
        ("LLO", None),
        ("", None),
    ],
)
def test_the_view_is_read(path: Path, word: str, view: str | None) -> None:
    assert read(path, RAMP8, ViewPosition=word).view == view


def test_the_view_is_read_from_its_code(path: Path) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "R-10206", "SNM3", "antero-posterior"
    assert read(path, RAMP8, ViewCodeSequence=[code]).view == "AP"
    code.CodeValue, code.CodeMeaning = "99HOSPITAL", "left lateral"
    assert read(path, RAMP8, ViewCodeSequence=[code]).view == "lateral"


@pytest.mark.parametrize(
    ("elements", "warning"),
    [
        ({"BodyPartExamined": "KNEE"}, NOT_CHEST),
        ({"BodyPartExamined": "T SPINE"}, NOT_CHEST),
        ({"ViewPosition": "AP LLD"}, LYING),
        ({"ViewPosition": "RAO"}, OBLIQUE),
        ({"BurnedInAnnotation": "YES"}, BURNT_IN),
        ({"PatientOrientation": ["R", "F"]}, TURNED),
        ({"PatientOrientation": ["L", "H"]}, TURNED),
        ({"ViewPosition": "PA", "PatientOrientation": ["F", "L"]}, TURNED),
    ],
)
def test_a_strange_header_is_warned_of(path: Path, elements: dict[str, Any], warning: str) -> None:
    assert warning in read(path, RAMP8, SOPClassUID=SecondaryCaptureImageStorage, **elements).warnings


@pytest.mark.parametrize(
    "elements",
    [
        {"BodyPartExamined": "CHEST"},
        {"BodyPartExamined": "THORAX"},
        {"BodyPartExamined": ""},
        {"Modality": "CR"},
        {"Modality": "RF"},
        {"PatientOrientation": ["L", "F"]},
        {"ViewPosition": "LL", "PatientOrientation": ["A", "F"]},
        {"BurnedInAnnotation": "NO"},
        {"LossyImageCompressionRatio": 12},
        {"WindowCenter": None, "WindowWidth": None},
    ],
)
def test_an_ordinary_header_is_not(path: Path, elements: dict[str, Any]) -> None:
    film = read(path, RAMP8, **elements)
    assert film.warnings == film.reasons == ()


CHESTS = ("TÓRAX", "Brust", "PULMÓN", "PECHO", "PEITO", "Poumons", "TORACE", "KLATKA PIERSIOWA", "HRUDNÍK", "BRÖSTKORG")
OTHERS = (
    "BREAST",
    "Brustdrüse",
    "THORACIC SPINE",
    "T SPINE",
    "COLUNA TORÁCICA",
    "BWS",
    "RACHIS DORSAL",
    "RIBCAGE",
    "HAND",
)


@pytest.mark.parametrize(
    ("part", "encoding", "chest"),
    [
        *((part, encoding, True) for part in CHESTS for encoding in ("utf-8", "latin-1")),
        *((part, "utf-8", True) for part in ("Göğüs", "AKCİĞER", "ГРУДНАЯ КЛЕТКА", "胸部", "흉부", "ΘΩΡΑΚΑΣ")),
        ("ГРУДЬ", "iso8859_5", True),
        *((part, "utf-8", False) for part in OTHERS),
    ],
)
def test_the_chest_is_known_in_many_languages_and_the_spine_is_not_it(
    path: Path, part: str, encoding: str, chest: bool
) -> None:
    said = {"iso8859_5": "ISO_IR 144", "latin-1": "ISO_IR 100"}.get(encoding)
    dataset = make_dicom(RAMP8, BodyPartExamined="X", SpecificCharacterSet=said)
    path.write_bytes(put_bytes(dataset, "BodyPartExamined", part.encode(encoding)))
    assert (NOT_CHEST not in read_dicom(path).warnings) is chest


@pytest.mark.parametrize(
    ("elements", "name"),
    [
        ({"Modality": "CT"}, "not a radiograph"),
        ({"Modality": "us "}, "not a radiograph"),
        ({"Modality": "MG"}, "not a radiograph"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "not for reading"),
        ({"SOPClassUID": DigitalXRayImageStorageForProcessing}, "not for reading"),
    ],
)
def test_what_the_header_says_against_a_film_refuses_it_unless_overruled(
    path: Path, elements: dict[str, Any], name: str
) -> None:
    write(path, make_dicom(RAMP8, **elements))
    film = open_film(path)  # through the child process
    assert [reason.name for reason in film.reasons] == [name] and film.reasons[0].refuses
    seen = inspect_film(film)
    assert Gatekeeper(None).judge(film, seen).refused
    assert not Gatekeeper(None).judge(replace(film, anyway=True), seen).refused


@pytest.mark.parametrize(
    ("elements", "word"),
    [
        ({"SOPClassUID": CTImageStorage}, "a CT image"),
        ({"SOPClassUID": MRImageStorage}, "an MR image"),
        ({"PixelData": None}, "no picture"),
        ({"SOPClassUID": MediaStorageDirectoryStorage, "PixelData": None}, "DICOMDIR"),
        ({"Rows": None}, "how large"),
        ({"Rows": 0}, "small"),
        ({"Rows": 60000, "Columns": 60000}, "too large"),
    ],
)
def test_what_is_no_film_is_refused(path: Path, elements: dict[str, Any], word: str) -> None:
    with pytest.raises(CxrError, match=word):
        read(path, RAMP8, **elements)


# --- privacy ----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Invalid value for VR")  # by the writing
def test_nothing_of_the_patient_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "Roentgen_Bertha_MRN4711.dcm"
    private = {
        **IDENTIFIERS,
        "BodyPartExamined": "Bertha hand",
        "ViewPosition": "Roentgen",
        "Modality": "MRN4711",
        "ImageComments": "Bertha",
    }
    whole = to_bytes(make_dicom(RAMP8, **private))
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    path.write_bytes(whole)
    said = [pickle.dumps(open_film(path)).decode("latin-1")]
    for damaged in (whole[:900], whole[:900] + bytes(200), b"%PDF Bertha", b"\x89PNG\r\n\x1a\n Bertha"):
        path.write_bytes(damaged)
        with pytest.raises(CxrError) as refusal:
            open_film(path)
        said += [str(refusal.value), "".join(traceback.format_exception(refusal.value)).replace(__file__, "")]
    captured = capfd.readouterr()
    said += [caplog.text, captured.out, captured.err]
    for secret in {*IDENTIFIERS.values(), "Roentgen", "Bertha", "MRN4711"}:
        assert not any(secret in text for text in said), secret


# --- real films -------------------------------------------------------------------------------------------------------


def test_no_identifier_is_even_read(path: Path) -> None:
    kept = read_dataset(write(path, make_dicom(RAMP8)))
    assert "PixelData" in kept
    assert not [name for name in IDENTIFIERS if name in kept]


@needs_data
@pytest.mark.parametrize(
    ("name", "view", "warning"),
    [
        ("nema_wg04_RG1_chest_PA_jpeg2000_15bit_MONOCHROME1", "PA", None),
        ("nema_wg04_RG3_NOT_CHEST_distal_tibia_jpeg2000", "AP", NOT_CHEST),
        ("nih_udacity_test1_no_finding_PA", None, None),
        ("nih_udacity_test2_cardiomegaly_AP", None, None),
        ("nih_udacity_test4_WRONG_bodypart_RIBCAGE", None, NOT_CHEST),
        ("nih_udacity_test5_WRONG_modality_CT_tag", None, None),
        ("rsna_sample_PA_jpegbaseline_MONOCHROME1_faked_tag", "PA", None),
        ("rsna_sample_PA_jpegbaseline_MONOCHROME2", "PA", None),
    ],
)
def test_real_films_open_and_strange_ones_are_warned_of(name: str, view: str | None, warning: str | None) -> None:
    film = open_film(DATA / "dicom" / f"{name}.dcm")
    assert film.view == view
    assert film.pixels.dtype == np.float32 and 0 <= film.pixels.min() < 0.2 and 0.9 < film.pixels.max() <= 1
    assert warning in film.warnings if warning else film.warnings == ()


@needs_data
def test_a_real_film_is_that_of_its_decoded_pixels() -> None:
    path = DATA / "dicom" / "rsna_sample_PA_jpegbaseline_MONOCHROME2.dcm"
    assert np.allclose(open_film(path).pixels, pydicom.dcmread(path).pixel_array / 255, atol=1e-6)
