"""The part that draws maps is taught and tried by a command, on drawn films below those that are measured on."""

from pathlib import Path

import pytest

from cxr.evaluation.films import DRAWN_SEED
from cxr.model import occlusion
from cxr.model.loading import load_named
from cxr.model.map_head import read_head
from cxr.settings import Settings
from cxr.training import maps
from tests.tiny import save_tiny


def test_it_is_written_beside_the_adapter_and_comes_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    base, adapter = save_tiny(tmp_path)
    seeds: list[int] = []
    draw, learn = maps.draw_frontal, maps.learn_head
    monkeypatch.setattr(occlusion, "BLOCKS", 2)
    monkeypatch.setattr(maps, "draw_frontal", lambda seed: (seeds.append(seed), draw(seed))[1])
    monkeypatch.setattr(maps, "learn_head", lambda lessons: learn(lessons, steps=2))
    maps.main(["--base", str(base), "--adapter", str(adapter), "--taught", "3", "--tried", "2"])
    assert seeds == [9_700_000, 9_700_001, 9_700_002] and max(seeds) < maps.DEVELOPMENT < DRAWN_SEED
    assert capsys.readouterr().out.count("IoU") == 4
    head = read_head(adapter, 32)
    assert head is not None and (head.trials >= 0).all() and head.trials[:, 1].any()
    assert load_named(Settings(base=str(base), adapter=str(adapter))).head is not None
