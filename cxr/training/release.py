"""Which files of an adapter may leave the machine, and what may stand in them; everything else stays.

Films, reports, names, dates and paths must not be published by way of a file that somebody's library wrote, so nothing
is copied as it is but the tokenizer and the chat template, which come from the base. Knows nothing about the Hub.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from cxr.findings import BY_KEY
from cxr.model.calibration import FILE as CALIBRATION
from cxr.model.calibration import as_row, read_calibration
from cxr.model.gate import FILE as GATE
from cxr.model.map_head import FILE as MAPS
from cxr.model.map_head import TENSORS as MAP_TENSORS
from cxr.model.recorded import CONFIG, read_guided, read_own_findings, read_set_questions, read_tiles
from cxr.model.sources import Source, read_json
from cxr.results import CxrError
from cxr.training.calibrate import TESTED_ON, read_population

ADAPTER, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
CONFIGS = ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json", "special_tokens_map.json")
# What was fitted beside the LoRA: sums over films, from which none can be had, and layers taught on drawn films alone.
PARTS = {GATE: ("mean", "axes", "variances", "figures"), MAPS: MAP_TENSORS}
AS_THEY_ARE = ("tokenizer.json", "chat_template.jinja")

# A path of one machine: two steps from the root, a home, a drive, a parent folder. Not an address on the Web.
LOCAL_PATH = re.compile(r"(?<![\w.~<:/-])(?:/[\w.@+-]+){2,}|file:/|~/\w|\b[A-Za-z]:[\\/]\w|(?<![\w.])\.\.[\\/]\w")
PATH_KEYS = {"name_or_path", "_name_or_path", "tokenizer_file", "cache_dir"}  # where libraries note where they read
# Of peft's LoraConfig what a LoRA of the language model can need.
LORA_KEYS = {
    *("peft_type", "peft_version", "task_type", "inference_mode", "r", "rank_pattern", "alpha_pattern"),
    *("target_modules", "modules_to_save", "layers_pattern", "layers_to_transform", "bias", "fan_in_fan_out"),
    *("lora_alpha", "lora_bias", "lora_dropout", "init_lora_weights", "use_dora", "use_rslora"),
}


def collect_adapter(folder: Path, base: str) -> dict[str, bytes]:
    """The files of an adapter by name, rewritten from what is known; `base` takes the place of the recorded one.

    Raises:
        CxrError: a file is missing or damaged, or one that comes from the base names a path of this machine.
    """
    files = {
        ADAPTER: clean_adapter_config(folder, base),
        WEIGHTS: clean_weights(folder / WEIGHTS),
        CONFIG: clean_record(folder),
    }
    files |= {name: clean_config(folder / name) for name in CONFIGS if (folder / name).is_file()}
    files |= {name: (folder / name).read_bytes() for name in AS_THEY_ARE if (folder / name).is_file()}
    files |= {
        name: clean_tensors(folder / name, tensors) for name, tensors in PARTS.items() if (folder / name).is_file()
    }
    calibration = clean_calibration(folder)
    return files if calibration is None else {**files, CALIBRATION: calibration}


def clean_adapter_config(folder: Path, base: str) -> bytes:
    """peft's configuration with the base's Hub name."""
    config = read_json(folder / ADAPTER)
    if config.get("peft_type") != "LORA":
        raise CxrError(f"{folder} holds no {ADAPTER} of a LoRA; train one with: python train.py sft.")
    kept = {key: drop_paths(value) for key, value in config.items() if key in LORA_KEYS}
    return _dump({**kept, "base_model_name_or_path": base, "inference_mode": True})


def clean_weights(path: Path) -> bytes:
    """The tensors of the LoRA, without what else a safetensors header can hold."""
    try:
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise CxrError(f"{path} cannot be read ({type(error).__name__}).") from error
    foreign = [name for name in tensors if not re.fullmatch(r"[\w.]*(?:lora|modules_to_save)[\w.]*", name)]
    if foreign or not tensors:
        raise CxrError(f"{path} is not a LoRA alone; save it again with save_embedding_layers=False.")
    return save(tensors, {"format": "pt"})


def clean_record(folder: Path) -> bytes:
    """Canvas, tiles, findings of its own, whether reports are guided, and whether it knows set questions alone."""
    canvas = read_json(folder / CONFIG).get("canvas")
    if type(canvas) is not int:
        raise CxrError(f"{folder} has no {CONFIG} that records the canvas.")
    own = list_own_findings(folder)
    source = Source(folder, str(folder), None)
    told = {"guided": read_guided(source), "set_questions": read_set_questions(source)}
    more = {name: True for name, value in told.items() if value}
    tiles = {"tiles": "real"} if read_tiles(source) == "real" else {}
    return _dump({"canvas": canvas, **more, **tiles, **({"own_findings": own} if own else {})})


def list_own_findings(folder: Path) -> list[str]:
    """The keys of findings outside the 14 that the adapter was trained on; they are the data's own labels.

    Raises:
        CxrError: one cannot be a finding, or holds three digits in a row, as numbers of patients and wards do.
    """
    own = list(read_own_findings(Source(folder, str(folder), None)))
    check_own_keys(own)
    return own


def check_own_keys(own: list[str]) -> None:
    """Refuse findings whose names could tell of a patient.

    Raises:
        CxrError: one holds three digits in a row, as numbers of patients and wards do.
    """
    if any(re.search(r"\d{3}", key) for key in own):
        raise CxrError(
            "A finding of the adapter's own holds a long number, which could be a patient's: mend the labels."
        )


def clean_calibration(folder: Path) -> bytes | None:
    """The scales of known findings, and our own words for the films they hold on; None without a calibration."""
    calibration = read_calibration(folder)
    if calibration is None:
        return None
    known = {*BY_KEY, *list_own_findings(folder)}
    scales = {key: as_row(scale) for key, scale in calibration.scales.items() if key in known}
    for scale in scales.values():
        if "tested" in scale and scale["tested"]["where"] not in TESTED_ON.values():
            scale["tested"]["where"] = "films"
    return _dump({"population": read_population(calibration.population), "findings": scales})


def clean_tensors(path: Path, names: Sequence[str]) -> bytes:
    """The tensors of these names, without what else a safetensors header can hold."""
    try:
        tensors = load(path.read_bytes())
        return save({name: tensors[name] for name in names})
    except (OSError, SafetensorError, KeyError) as error:
        raise CxrError(f"{path} cannot be read ({type(error).__name__}).") from error


def clean_config(path: Path) -> bytes:
    """A processor's or tokenizer's configuration without the paths that libraries leave in it."""
    return _dump(drop_paths(read_json(path)))


def drop_paths(value: Any) -> Any:
    """The same without every entry that is or notes a path of this machine."""
    if isinstance(value, dict):
        kept = {key: drop_paths(item) for key, item in value.items() if key not in PATH_KEYS}
        return {key: item for key, item in kept.items() if item is not None and not LOCAL_PATH.search(str(key))}
    if isinstance(value, list):
        return [item for item in map(drop_paths, value) if item is not None]
    return None if isinstance(value, str) and LOCAL_PATH.search(value) else value


def find_paths(files: dict[str, bytes]) -> list[str]:
    """The files that name a path of this machine; the vocabulary of a tokenizer is made of pieces and is no path."""
    return [
        name
        for name, data in files.items()
        if name not in (WEIGHTS, *PARTS) and any(LOCAL_PATH.search(text) for text in _list_texts(name, data))
    ]


def _list_texts(name: str, data: bytes) -> Iterator[str]:
    text = data.decode("utf-8")
    if name == "tokenizer.json":
        yield from (json.dumps(part) for key, part in json.loads(text).items() if key != "model")
    else:
        yield text


def _dump(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
