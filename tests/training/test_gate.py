"""Both parts of the gate are fitted by a command, on training films alone."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from cxr.films import look
from cxr.films.look import read_weights
from cxr.model.gate import FILE, read_familiarity
from cxr.model.loading import load_named
from cxr.settings import Settings
from cxr.training import gate, looks
from cxr.training.looks import vary
from tests.evaluation.test_gate import write_data
from tests.films.test_gate import FILMS
from tests.tiny import save_tiny


@pytest.mark.slow
def test_the_gate_of_an_adapter_is_fitted_on_training_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base, adapter = save_tiny(tmp_path)
    data = write_data(tmp_path)
    opened: list[str] = []
    monkeypatch.setattr(gate, "open_film", lambda path: (opened.append(path.name), FILMS[0])[1])
    monkeypatch.setattr(gate, "DRAWN", 24)
    monkeypatch.setattr(gate, "SPOILT", 6)
    monkeypatch.setattr(gate.fit_gate, "__defaults__", (24,))
    gate.main(["--base", str(base), "--adapter", str(adapter), "--films", str(data)])
    assert set(opened) == {"0.png"} and len(opened) == 1 + 6 and "axes of 32" in capsys.readouterr().out
    assert (adapter / FILE).stat().st_size < 20_000 and read_familiarity(adapter, 32) is not None
    assert load_named(Settings(base=str(base), adapter=str(adapter))).identity.gate


def test_a_gaussian_finds_the_axes_it_was_drawn_from() -> None:
    rng = np.random.default_rng(0)
    states = rng.normal(size=(4000, 5)) * [3, 2, 0.5, 0.5, 0.5] + 1
    mean, axes, variances, noise = gate.fit_gaussian(states, np.ones(4000))
    assert np.abs(mean - 1).max() < 0.2 and variances[:2] == pytest.approx([9, 4], rel=0.1)
    assert np.abs(axes[:2]).round(1).tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]] and noise == pytest.approx(
        0.25, 0.1
    )


def test_films_that_came_badly_are_not_to_be_refused_and_not_known() -> None:
    rng = np.random.default_rng(0)
    known, strangers, spoilt = (
        [(doubt + rng.normal(), rng.normal(size=6) + away) for _ in range(80)]
        for doubt, away in ((-6.0, 0.0), (4.0, 6.0), (-1.0, 4.5))
    )
    without = gate.fit_familiarity(known, np.ones(80), strangers)
    found = gate.fit_familiarity(known, np.ones(80), strangers, spoilt)
    assert np.array_equal(found.mean, without.mean) and np.array_equal(found.variances, without.variances)
    odds, before = (np.array([fitted.weigh(*each) for each in spoilt]) for fitted in (found, without))
    assert (odds < before).all() and (odds < 0).mean() > 0.95 and (before < 0).mean() < 0.5
    assert all(found.weigh(*each) > 0 for each in strangers)


def test_looks_are_fitted_on_training_films_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(looks, "open_film", lambda path: (opened.append(path.name), FILMS[0])[1])
    monkeypatch.setattr(looks.collect_samples, "__defaults__", (4,))
    monkeypatch.setattr(looks.train_looks, "__defaults__", (40,))  # passes over few pictures
    monkeypatch.setattr(looks, "FILE", tmp_path / "look.safetensors")
    looks.main(["--films", str(write_data(tmp_path))])
    assert opened == ["0.png"] and "pictures" in capsys.readouterr().out
    found = load_file(tmp_path / "look.safetensors")
    assert {name: value.shape for name, value in found.items()} == {
        name: value.shape for name, value in read_weights().items()
    }
    assert look.tell_looks(FILMS[0].pixels, found)["upright"] > 0.5


def test_variations_stay_films() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        varied = vary(FILMS[0].pixels, rng)
        assert varied.dtype == np.float32 and varied.min() >= 0 and varied.max() <= 1 and min(varied.shape) > 150
