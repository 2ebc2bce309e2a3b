"""Base and adapter differ in nothing but the adapter."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cxr.evaluation.contenders import Contenders, find_adapter
from cxr.results import CxrError
from tests.tiny import noise_film, save_tiny


def write_record(adapter: Path, **record: object) -> None:
    (adapter / "cxr_config.json").write_text(json.dumps(record), encoding="utf-8")


def test_both_lay_the_film_on_the_same_canvas_and_are_asked_the_same(tmp_path: Path) -> None:
    base, adapter = save_tiny(tmp_path)
    write_record(adapter, canvas=32, own_findings=["tuberculosis"])
    both = Contenders(str(base), str(adapter), own_findings=("of_the_data",))
    readers = [both.load_base(), both.load_adapter()]
    assert [reader.engine.canvas for reader in readers] == [32, 32]
    assert [reader.own_findings for reader in readers] == [("tuberculosis",)] * 2
    assert [reader.calibration for reader in readers] == [None, None]
    assert [reader.identity.adapter for reader in readers] == [None, str(adapter)]
    said = [reader.classify(reader.study(noise_film())) for reader in readers]
    probabilities = [[score.probability for score in (*each.scores, *each.own)] for each in said]
    assert np.abs(np.subtract(*probabilities)).max() > 1e-3


def test_a_base_alone_keeps_its_own_canvas_and_is_asked_for_the_findings_of_the_data(tmp_path: Path) -> None:
    base, _ = save_tiny(tmp_path)
    reader = Contenders(str(base), own_findings=("tuberculosis",)).load_base()
    assert reader.engine.canvas == 56 and reader.own_findings == ("tuberculosis",)


def test_what_cannot_be_had_is_said_and_the_embedded_model_does_not_stand_in(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="no folder"):
        Contenders(str(tmp_path / "nothing")).load_base()
    base, adapter = save_tiny(tmp_path)
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(CxrError, match="adapter_model"):
        Contenders(str(base), str(adapter)).load_adapter()


def test_a_run_stands_for_its_adapter(tmp_path: Path) -> None:
    _, adapter = save_tiny(tmp_path)
    assert find_adapter(str(tmp_path)) == str(adapter) == find_adapter(str(adapter))
    assert find_adapter("somebody/adapter") == "somebody/adapter"
    with pytest.raises(CxrError, match=re.escape(f"{tmp_path / 'base'} holds no adapter")):
        find_adapter(str(tmp_path / "base"))
