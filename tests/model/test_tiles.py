"""Real tiles alone: what stock Mllama refuses, equal on both paths, another film where there was padding."""

import copy
import json
from pathlib import Path

import pytest
import torch

from cxr.evaluation.encoder import main
from cxr.films.film import letterbox
from cxr.model.engine import Engine
from cxr.model.loading import load_named
from cxr.model.pixels import cut_as_stock
from cxr.model.recorded import CONFIG, check_tiles, read_tiles
from cxr.model.sources import Source
from cxr.results import CxrError
from cxr.settings import Settings
from tests.model.test_fast import plain_engine
from tests.tiny import noise_film, save_tiny


def engines(side: int) -> tuple[Engine, Engine]:
    """With real tiles alone, plain and fast, of a base that is built for 4; `side` of the canvas in tiles."""
    plain = plain_engine(4)
    canvas = plain.canvas // 2 * side
    plain_real, fast_real = (
        Engine(copy.deepcopy(plain.model), plain.processor, canvas, fast=fast, real_tiles=True)
        for fast in (False, True)
    )
    return plain_real, fast_real


@pytest.mark.parametrize(("side", "tiles"), [(1, 1), (2, 4)])
def test_both_paths_agree_and_four_real_tiles_are_what_they_were(side: int, tiles: int) -> None:
    plain, fast = engines(side)
    stock = Engine(plain_engine(4).model, plain.processor, plain.canvas, fast=False).encode(noise_film())
    one, other = plain.encode(noise_film()), fast.encode(noise_film())
    assert one.tiles == other.tiles == tiles and one.states.shape == stock.states.shape
    assert fast.fast and fast.fast.runs
    torch.testing.assert_close(other.states, one.states, atol=1e-4, rtol=1e-4)
    away = float((one.states - stock.states).abs().max())
    assert away < 1e-4 if tiles == 4 else away > 1e-2


def test_a_film_of_one_tile_equals_that_of_a_base_built_for_one() -> None:
    """The stock model itself is the measure: built for one tile, with the first tile's embeddings."""
    real = engines(1)[0]
    config = copy.deepcopy(real.model.config)
    config.vision_config.max_num_tiles = 1
    config.vision_config.supported_aspect_ratios = [[1, 1]]
    small = type(real.model)(config).eval()
    weights = real.model.state_dict()
    for name, tensor in small.state_dict().items():
        kept = weights[name]
        tensor.copy_(kept if kept.shape == tensor.shape else kept[: tensor.shape[0], : tensor.shape[1]])
    cut = cut_as_stock(real.processor, letterbox(noise_film(), real.canvas), torch.device("cpu")).keep_real()
    with torch.inference_mode():
        seen = small.model.vision_model(cut.pixels, aspect_ratio_ids=cut.aspect, aspect_ratio_mask=cut.mask)
        states = small.model.multi_modal_projector(seen.last_hidden_state)[0, 0]
    torch.testing.assert_close(real.encode(noise_film()).states, states, atol=1e-5, rtol=1e-5)


def test_what_is_recorded_is_served_and_nothing_else_where_it_was_calibrated(tmp_path: Path) -> None:
    base, adapter = save_tiny(tmp_path)
    source = Source(adapter, "mine", None)
    assert read_tiles(source) == "all" and read_tiles(None) is None
    asked = Settings(base=str(base), adapter=str(adapter))
    assert not load_named(asked).engine.real_tiles
    canvas = json.loads((adapter / CONFIG).read_text())["canvas"]
    (adapter / CONFIG).write_text(json.dumps({"canvas": canvas, "tiles": "real"}))
    assert load_named(asked).engine.real_tiles
    (adapter / CONFIG).write_text(json.dumps({"canvas": canvas, "tiles": "some"}))
    with pytest.raises(CxrError, match="records tiles 'some'"):
        load_named(asked)


def test_a_setting_that_would_break_a_calibration_is_refused() -> None:
    assert check_tiles(None, None, False) == "all" and check_tiles("real", None, False) == "real"
    assert check_tiles(None, "real", True) == "real" and check_tiles("real", "real", True) == "real"
    assert check_tiles("all", "real", False) == "all"  # nothing was fitted; a sentence is logged
    with pytest.raises(CxrError, match="trained and calibrated with real tiles encoded, so CXR_TILES=all would make"):
        check_tiles("all", "real", True)
    with pytest.raises(CxrError, match="CXR_TILES must be all or real, not one"):
        check_tiles("one", None, False)


def test_the_command_says_how_far_states_move(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = plain_engine(4)
    engine.model.save_pretrained(tmp_path)
    engine.processor.save_pretrained(tmp_path)
    main(["--gpu", str(tmp_path), "--repeats", "1"])
    rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines() if "as served" in line]
    assert [row[:2] for row in rows] == [["1", "all"], ["1", "real"], ["4", "all"], ["4", "real"]]
    assert all(float(row[5]) < 1e-4 for row in rows)
    assert [float(row[6]) > 1e-3 for row in rows] == [False, True, False, False]
