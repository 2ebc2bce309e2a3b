"""The README says what is so: the front matter a Space needs, every file and setting, and its computed figure."""

import re
import subprocess
from pathlib import Path

import pytest
import torch
import yaml
from peft import LoraConfig, get_peft_model
from transformers import MllamaConfig, MllamaForConditionalGeneration
from transformers.models.mllama.configuration_mllama import MllamaVisionConfig

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
WORDS = " ".join(TEXT.split())
FRONT = yaml.safe_load(TEXT.split("---")[1])


def pinned(name: str, file: str = "requirements.txt") -> str:
    match = re.search(rf"^{re.escape(name)}==(\S+)", (ROOT / file).read_text(), re.MULTILINE)
    assert match, name
    return match[1]


def test_front_matter_is_what_a_space_needs() -> None:
    assert FRONT["sdk"] == "gradio" and FRONT["app_file"] == "app.py" and FRONT["license"] == "mit"
    assert FRONT["sdk_version"] == pinned("gradio[mcp]") and FRONT["python_version"] == "3.12"
    assert 0 < len(FRONT["short_description"]) <= 60  # the Hub's limit
    assert FRONT["models"] and FRONT["tags"] and FRONT["suggested_hardware"] and FRONT["startup_duration_timeout"]
    colours = {FRONT["colorFrom"], FRONT["colorTo"]}
    assert colours <= {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def test_every_file_is_named_and_every_name_is_a_file() -> None:
    named = set(re.findall(r"`((?:cxr|configs|examples|tests|docs|\.ci|app|train|Makefile)[\w./-]*)`", TEXT))
    named |= {link for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link}
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []
    listed = subprocess.run(["git", "ls-files", "cxr"], cwd=ROOT, capture_output=True, text=True).stdout.split()
    files = [name for name in listed if name.endswith(".py") and not name.endswith("__init__.py")]
    folders = tuple(name for name in named if name.endswith("/") and name != "cxr/")  # that would name everything
    assert [name for name in files if name not in named and not name.startswith(folders)] == []


def test_every_setting_is_in_the_table() -> None:
    in_code = set(re.findall(r'get\("(\w+)"\)', (ROOT / "cxr" / "settings.py").read_text()))
    assert set(re.findall(r"^\| `(\w+)` \|", TEXT, re.MULTILINE)) == in_code and len(in_code) == 11


def test_what_llama_asks_for_is_said() -> None:
    notice = " ".join((ROOT / "NOTICE").read_text(encoding="utf-8").split())
    for text in (WORDS, notice):
        assert "Built with Llama" in text
        assert "licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc. All Rights" in text
        assert "domiciled in, or a company with a principal place of business in, the European Union" in text
    assert "Research and teaching only" in WORDS


def test_share_of_the_11b_that_lora_trains() -> None:
    config = MllamaConfig(vision_config=MllamaVisionConfig(image_size=560))  # the other defaults are the 11B's
    with torch.device("meta"):
        model = MllamaForConditionalGeneration(config)
        every = sum(parameter.numel() for parameter in model.parameters())
        targets = r".*language_model.*\.(self_attn|cross_attn)\.(q|k|v|o)_proj"
        lora = get_peft_model(model, LoraConfig(r=16, target_modules=targets))
    trained = sum(parameter.numel() for parameter in lora.parameters() if parameter.requires_grad)
    assert f"{trained:,} of {every:,} parameters: {trained / every:.2%}".replace("%", " %") in WORDS


@pytest.mark.parametrize(
    "name",
    ["transformers", "peft", "accelerate", "bitsandbytes", "huggingface-hub", "pillow", "pydicom", "python-gdcm"],
)
def test_the_training_set_differs_only_where_it_must(name: str) -> None:
    train, space = pinned(name, "requirements-train.txt"), pinned(name)
    assert (train == space) != (name == "transformers")
