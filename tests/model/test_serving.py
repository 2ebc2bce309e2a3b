"""A page whose model runs behind an endpoint: who answers, what it says, and what it cannot do.

The server is a stand-in that speaks SGLang's protocol on loopback, with the tiny untrained model in it.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest

from cxr.evaluation.strangers import draw_stranger
from cxr.films.film import MAX_SIDE, Film, to_image
from cxr.films.phantom import draw_film
from cxr.model import serving
from cxr.model.gate import Gatekeeper
from cxr.model.loading import EMBEDDED, load_embedded
from cxr.model.maps import NO_MAPS
from cxr.model.remote import RemoteEngine
from cxr.model.serving import DEVICE, load_endpoint
from cxr.probes import list_to_check
from cxr.reader import Reader, Study, load_reader
from cxr.results import Classification, CxrError, Gate, Identity
from cxr.serial import as_plain
from cxr.settings import Settings
from cxr.space import markup
from cxr.space.desk import Desk
from cxr.space.page import build_page
from cxr.space.serving import serve as serve_page
from cxr.space.shelf import Shelf
from tests.programs import find_port
from tests.server import KEY, serve, served_engine, stand_in
from tests.space.served import call, mark_file, upload

FITTED = EMBEDDED / "adapter"
NOBODY = "http://somebody:password@127.0.0.1:9/v1"  # discards what it gets, if there is one
WHO = Identity("tiny", None, None, None, "CPU", embedded=False, calibrated=False, llama=False)
QUESTION = "Is there a pleural effusion?"


@pytest.fixture(scope="module")
def here() -> Desk:
    return Desk(Reader(served_engine(), WHO, None, gatekeeper=Gatekeeper(None)))


@pytest.fixture(scope="module")
def served() -> Iterator[Desk]:
    with serve(stand_in(KEY)) as address:
        with pytest.MonkeyPatch.context() as patch:
            # The tiny model is untrained: yes and no are not among its 20 likeliest tokens.
            patch.setattr(serving, "RemoteEngine", lambda endpoint, _: RemoteEngine(endpoint, 56, top=10_000))
            reader = load_reader(Settings(endpoint=address, endpoint_key=KEY))
        yield Desk(reader)


@pytest.fixture(scope="module")
def film() -> Film:
    return draw_film(10_000_021, size=256, view="PA").film


def read(desk: Desk, film: Film) -> tuple[Study, Classification]:
    found = desk.read(film)
    assert not isinstance(found, Gate)
    return found


def test_the_page_says_what_it_would_say_itself(here: Desk, served: Desk, film: Film) -> None:
    study, found = read(served, film)
    own_study, expected = read(here, film)
    pairs = zip(found.scores, expected.scores, strict=True)
    assert all(abs(one.probability - other.probability) < 1e-3 for one, other in pairs) and found.level is None
    reports = list(served.caption(study, "", found))
    *_, last = here.caption(own_study, "", expected)
    assert reports[-1] == last and last.finished and len(reports) > 10
    *_, answer = served.answer(study, QUESTION, (), found)
    *_, same = here.answer(own_study, QUESTION, (), expected)
    assert answer == same and answer.finished


def test_checks_are_made_through_the_endpoint(here: Desk, served: Desk, film: Film) -> None:
    study, found = read(served, film)
    checks, expected = served.check_findings(study), here.check_findings(read(here, film)[0])
    pairs = list(zip(checks, expected, strict=True))
    assert len(pairs) == 14 and all(abs(one.probability - other.probability) < 1e-3 for one, other in pairs)  # type: ignore[operator]
    assert {check.finding for check in served.check_sides(study)} == set(list_to_check(found.scores)) != set()


def test_the_gate_goes_by_header_and_greys_and_says_so(served: Desk) -> None:
    refused = served.read(draw_stranger("page", 10_000_000))
    assert isinstance(refused, Gate) and refused.refused
    assert "stays at the endpoint, so only header and greys are checked" in markup.show_identity(served.identity)


def test_heat_maps_are_refused_with_the_reason(served: Desk, film: Film) -> None:
    study, _ = read(served, film)
    for ask in (lambda: served.locate(study, "effusion"), lambda: served.locate_sentence(study, "A.", "A. B.")):
        with pytest.raises(gr.Error, match=re.escape(NO_MAPS)):
            ask()


def test_the_public_endpoints_answer_and_say_why_there_is_no_map(served: Desk, film: Film, tmp_path: Path) -> None:
    to_image(film).save(tmp_path / "film.png")
    page = build_page(served, Shelf(served.open, []))
    try:
        address = serve_page(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
        file = mark_file(upload(address, tmp_path / "film.png"))
        found = call(address, "classify", file)
        assert len(found["scores"]) == 14 and found["answered_by"]["remote"] and found["level"] is None
        assert call(address, "locate", file, "effusion")["error"] == NO_MAPS
        assert NO_MAPS in httpx.get(f"{address}config", timeout=60).text  # in the heat map's tab
    finally:
        page.close(verbose=False)


def test_who_answers_is_named_and_nothing_secret_is(served: Desk) -> None:
    shown = f"{markup.show_identity(served.identity)} {as_plain(served.identity)} {served.identity}"
    assert "tiny-merged" in shown and DEVICE in shown and served.identity.remote and "Built with Llama" in shown
    assert "goes to the endpoint" in markup.show_licence(served.identity)
    assert "endpoint" not in markup.show_licence(WHO)
    assert KEY not in shown and "127.0.0.1" not in shown and "Not fine-tuned" not in shown


def test_without_scales_of_its_own_it_is_not_calibrated() -> None:
    loaded = load_endpoint(Settings(endpoint=NOBODY, endpoint_model="a/model", adapter=str(FITTED)))
    assert loaded.calibration is None and loaded.familiarity is None and not loaded.identity.gate
    assert loaded.engine.canvas == MAX_SIDE and loaded.identity.base == "a/model"
    assert ">Not calibrated<" in markup.show_identity(loaded.identity)


def test_scales_come_from_a_folder_or_the_file_with_what_is_recorded_beside(tmp_path: Path) -> None:
    wanted = load_embedded()
    for named in (FITTED, FITTED / "calibration.json"):
        loaded = load_endpoint(Settings(endpoint=NOBODY, endpoint_model="m", endpoint_calibration=str(named)))
        assert loaded.calibration == wanted.calibration and loaded.identity.calibrated
        assert (loaded.engine.canvas, loaded.guided) == (wanted.engine.canvas, wanted.guided)
    shutil.copy(FITTED / "calibration.json", tmp_path)
    alone = load_endpoint(Settings(endpoint=NOBODY, endpoint_model="m", endpoint_calibration=str(tmp_path)))
    assert alone.calibration == wanted.calibration and alone.engine.canvas == MAX_SIDE
    (tmp_path / "calibration.json").unlink()
    (tmp_path / "cxr_config.json").write_text('{"canvas": 560}', encoding="utf-8")
    fresh = load_endpoint(Settings(endpoint=NOBODY, endpoint_model="m", endpoint_calibration=str(tmp_path)))
    assert fresh.calibration is None and not fresh.identity.calibrated and fresh.engine.canvas == 560
    with pytest.raises(CxrError, match="must name a folder with a calibration"):
        load_endpoint(Settings(endpoint=NOBODY, endpoint_model="m", endpoint_calibration=str(tmp_path / "none")))


def test_where_no_server_answers_the_embedded_model_does_and_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("cxr.model.endpoint.time.sleep", lambda _: None)
    reader = load_reader(Settings(endpoint=NOBODY))
    assert reader.identity.embedded and "cannot be reached" in (reader.identity.problem or "")
    assert not reader.identity.remote and np.isfinite(reader.engine.canvas)
    assert "password" not in caplog.text and "somebody" not in caplog.text
