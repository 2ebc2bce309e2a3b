"""What is written is what was trained, to the bit."""

import copy
import json
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file

from cxr.model import bases, loading
from cxr.model.calibration import Calibration, Scale, read_calibration, write_calibration
from cxr.model.engine import Engine
from cxr.model.recorded import CONFIG
from cxr.prompts import YES_NO, ask_report, build_conversation
from cxr.training.embedded.export import save_adapter, save_base
from cxr.training.lora import ATTENTION
from tests.tiny import noise_film, tiny_engine

CALIBRATION = Calibration({"effusion": Scale(0.5, -1.0, 0.4, 0.1)}, "four films")


@pytest.fixture
def exported(tmp_path: Path) -> tuple[Engine, Path]:
    """A tiny base and a LoRA as left in memory by the exports, and their folder."""
    engine = copy.deepcopy(tiny_engine())
    save_base(engine.model, engine.processor, tmp_path)
    torch.manual_seed(1)
    model = get_peft_model(engine.model, LoraConfig(r=4, target_modules=ATTENTION, init_lora_weights=False))
    assert isinstance(model, PeftModel)
    train(model, tmp_path)
    return Engine(model.get_base_model(), engine.processor, engine.canvas), tmp_path


def train(model: PeftModel, folder: Path) -> None:
    """A LoRA of bf16 numbers as fine-tuning leaves it, exported with a calibration."""
    for name, parameter in model.named_parameters():
        if "lora" in name:
            parameter.data = parameter.data.bfloat16().float()
    model.save_pretrained(str(folder / "trained"), save_embedding_layers=False)
    save_adapter(folder, folder / "trained", tiny_engine().canvas)
    write_calibration(CALIBRATION, folder / "adapter")


def test_memory_and_folder_answer_alike(exported: tuple[Engine, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    engine, folder = exported
    monkeypatch.setattr(loading, "EMBEDDED", folder)
    loaded = loading.load_embedded()
    question = [build_conversation(ask_report())]
    here, there = (each.score(each.encode(noise_film()), question, YES_NO) for each in (engine, loaded.engine))
    assert here == pytest.approx(there, abs=1e-5)
    assert loaded.calibration == CALIBRATION and loaded.engine.canvas == engine.canvas
    assert loaded.identity.embedded and loaded.identity.calibrated


def test_the_model_in_memory_is_the_one_that_is_served(exported: tuple[Engine, Path]) -> None:
    """Weights are those of the files, and the rotary frequencies, which no file holds, stay exact."""
    engine, folder = exported
    files = {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}
    assert {tensor.dtype for tensor in files.values()} == {torch.bfloat16}
    exact = dict(tiny_engine().model.named_buffers())
    assert any("inv_freq" in name for name in exact)
    for name, buffer in engine.model.named_buffers():
        if name in exact:
            assert torch.equal(buffer, exact[name]), name
    assert all(parameter.dtype == torch.float32 for parameter in engine.model.parameters())


def test_an_earlier_model_leaves_nothing_behind(exported: tuple[Engine, Path]) -> None:
    _, folder = exported
    (folder / "model-00009-of-00009.safetensors").write_bytes(b"old")
    (folder / "adapter" / "old.safetensors").write_bytes(b"old")
    engine = copy.deepcopy(tiny_engine())
    save_base(engine.model, engine.processor, folder)
    model = get_peft_model(engine.model, LoraConfig(r=4, target_modules=ATTENTION))
    assert isinstance(model, PeftModel)
    train(model, folder)
    assert [path.name for path in folder.rglob("*.safetensors") if path.read_bytes() == b"old"] == []


def test_the_adapter_folder_holds_canvas_and_calibration_and_no_template_card(exported: tuple[Engine, Path]) -> None:
    engine, folder = exported
    adapter = folder / "adapter"
    record = {"canvas": engine.canvas, "guided": True, "set_questions": True}
    assert json.loads((adapter / CONFIG).read_text()) == record
    assert read_calibration(adapter) == CALIBRATION
    assert not (adapter / "README.md").exists()
    config = json.loads((adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == bases.EMBEDDED_NAME  # and no folder of the machine that trained it
    assert not [name for name in load_file(adapter / "adapter_model.safetensors") if "lora" not in name]
