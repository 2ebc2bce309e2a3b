"""Which films a model knows: the distance, the file beside the adapter, and who is let through."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from cxr.evaluation.strangers import draw_stranger
from cxr.films.gate import STRANGERS, Inspection, inspect_film
from cxr.films.phantom import draw_film
from cxr.model.engine import Encoded
from cxr.model.gate import FILE, SURE, Familiarity, Gatekeeper, pool_states, read_familiarity, write_familiarity
from cxr.model.loading import load_named
from cxr.reader import Reader, load_reader
from cxr.results import CxrError, Reason
from cxr.settings import Settings
from cxr.training.gate import fit_familiarity
from tests.fakes import EMBEDDED
from tests.tiny import save_tiny, tiny_engine

WIDTH = 32
FILM = draw_film(10_000_003, size=128, view="PA").film
STRANGER = STRANGERS["not a chest"]


def plain_familiarity(intercept: float = -4.0) -> Familiarity:
    """Known films lie along the first axis; a film is strange where its distance and doubt together exceed 4."""
    return Familiarity(np.zeros(WIDTH, np.float32), np.eye(2, WIDTH, dtype=np.float32), np.array([9.0, 1.0]), 0.25,
                       (1.0, 1.0, intercept))  # fmt: skip


def encode(state: np.ndarray) -> Encoded:
    return Encoded(torch.tensor(np.tile(state, (1, 5, 1)), dtype=torch.float32), 1)


def test_the_distance_is_that_of_mahalanobis() -> None:
    """Held against the covariance written out."""
    known = plain_familiarity()
    covariance = known.axes.T @ np.diag(known.variances - known.noise) @ known.axes + known.noise * np.eye(WIDTH)
    state = np.random.default_rng(0).normal(size=WIDTH)
    along, rest = (state[:2] ** 2 / known.variances).sum(), (state[2:] ** 2).sum() / known.noise
    assert along + rest == pytest.approx(state @ np.linalg.inv(covariance) @ state)
    assert known.measure_distance(state) == pytest.approx(np.sqrt(along / 2 + rest / (WIDTH - 2)))


def test_what_was_fitted_tells_known_from_strange() -> None:
    rng = np.random.default_rng(0)
    stretch = np.linspace(3, 0.1, WIDTH)
    known = [(float(rng.normal(-4, 1)), rng.normal(size=WIDTH) * stretch) for _ in range(300)]
    strange = [(float(rng.normal(-2, 1)), rng.normal(size=WIDTH) * 2) for _ in range(100)]
    found = fit_familiarity(known[:200], np.ones(200), strange[:50])
    assert [found.weigh(*each) > 0 for each in known[200:]].count(True) <= 2
    assert [found.weigh(*each) > 0 for each in strange[50:]].count(True) >= 48


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = plain_familiarity()
    write_familiarity(written, tmp_path)
    found = read_familiarity(tmp_path, WIDTH)
    assert found is not None and np.array_equal(found.axes, written.axes) and found.weights == written.weights
    assert read_familiarity(tmp_path / "nowhere", WIDTH) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mean", np.zeros(WIDTH + 1, np.float32)),
        ("axes", np.zeros((2, WIDTH + 1), np.float32)),
        ("variances", np.array([1.0, -1.0], np.float32)),
        ("variances", np.zeros(0, np.float32)),
        ("figures", np.array([0.0, 1, 1, 1], np.float32)),
        ("figures", np.array([1.0, 1, 1], np.float32)),
        ("figures", np.array([1.0, 1, 1, np.nan], np.float32)),
        ("mean", None),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_sentence(
    tmp_path: Path, name: str, value: np.ndarray | None
) -> None:
    write_familiarity(plain_familiarity(), tmp_path)
    tensors = load_file(tmp_path / FILE)
    save_file({**tensors, name: value} if value is not None else {"axes": tensors["axes"]}, tmp_path / FILE)
    with pytest.raises(CxrError, match=FILE):
        read_familiarity(tmp_path, WIDTH)


def test_bytes_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no tensors")
    with pytest.raises(CxrError, match=FILE):
        read_familiarity(tmp_path, WIDTH)


def test_the_encoder_refuses_what_greys_let_through_and_the_other_way_round() -> None:
    keeper = Gatekeeper(plain_familiarity())
    seen = Inspection((), 0.0, STRANGER)
    near, far = encode(np.zeros(WIDTH)), encode(np.full(WIDTH, 9.0))
    assert keeper.judge(FILM, seen).reasons == keeper.judge(FILM, seen, near).reasons == ()
    assert keeper.judge(FILM, seen, far).reasons == (STRANGER,)
    sure = replace(seen, doubt=SURE + 1)
    assert keeper.judge(FILM, sure).refused and keeper.judge(FILM, sure, near).refused


def test_without_the_encoder_greys_decide_alone() -> None:
    keeper = Gatekeeper(None)
    assert not keeper.judge(FILM, Inspection((), -0.1, STRANGER), encode(np.full(WIDTH, 9.0))).refused
    assert keeper.judge(FILM, Inspection((), 0.1, STRANGER)).refused


def test_a_film_that_is_turned_is_not_called_a_stranger_as_well() -> None:
    turned = Reason("turned", True, "Turned.", "Turn it.", "turn left")
    seen = Inspection((turned,), 9.0, STRANGER)
    assert Gatekeeper(plain_familiarity()).judge(FILM, seen, encode(np.full(WIDTH, 9.0))).reasons == (turned,)


def test_who_wants_a_film_read_gets_it_with_its_reasons() -> None:
    gate = Gatekeeper(None).judge(replace(FILM, anyway=True), Inspection((), 9.0, STRANGER))
    assert gate.overruled and not gate.refused and gate.warnings == (f"{STRANGER.sentence} {STRANGER.step}",)


def test_a_state_is_the_mean_of_all_tokens() -> None:
    states = torch.arange(12, dtype=torch.bfloat16).reshape(1, 3, 4)
    assert pool_states(Encoded(states, 1)).tolist() == [4, 5, 6, 7]


def test_it_comes_with_the_adapter_and_an_adapter_without_it_says_so(tmp_path: Path) -> None:
    base, adapter = save_tiny(tmp_path)
    settings = Settings(base=str(base), adapter=str(adapter))
    off = load_named(settings)
    assert off.familiarity is None and not off.identity.gate
    write_familiarity(plain_familiarity(), adapter)
    on = load_named(settings)
    assert on.familiarity is not None and on.identity.gate
    (adapter / "cxr_config.json").write_text(json.dumps({"canvas": 56}))
    save_file({"mean": np.zeros(5, np.float32)}, adapter / FILE)
    with pytest.raises(CxrError, match=FILE):
        load_named(settings)


def test_the_reader_refuses_before_it_encodes_and_reads_all_the_same_when_told_to() -> None:
    engine = tiny_engine()
    page, runs = draw_stranger("page", 10_000_000), list[int]()
    hook = engine.model.model.vision_model.register_forward_hook(lambda *_: runs.append(1))
    try:
        reader = Reader(engine, EMBEDDED, None, gatekeeper=Gatekeeper(None))
        with pytest.raises(CxrError, match="does not look like"):
            reader.study(page)
        assert runs == []
        study = reader.study(replace(page, anyway=True))
        assert runs == [1] and study.gate.overruled and "does not look like" in reader.classify(study).warnings[0]
        lenient = Reader(engine, EMBEDDED, None, gatekeeper=Gatekeeper(None), anyway=True)
        assert lenient.study(page).gate == study.gate
    finally:
        hook.remove()


def test_a_reader_whose_encoder_knows_nothing_refuses_after_it_has_encoded() -> None:
    reader = Reader(tiny_engine(), EMBEDDED, None, gatekeeper=Gatekeeper(plain_familiarity(intercept=1e6)))
    assert reader.admit(FILM)[0] == FILM
    with pytest.raises(CxrError, match="does not look like"):
        reader.study(FILM)


def test_drawn_films_pass_the_gate_that_ships() -> None:
    reader = load_reader(Settings())
    for seed in range(10_000_200, 10_000_206):
        film = draw_film(seed, size=256, view="PA").film
        assert not reader.study(film).gate.reasons
    assert inspect_film(FILM).doubt < 0
