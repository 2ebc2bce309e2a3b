"""A base and a LoRA adapter, from the Hub or a folder, become an engine.

Safetensors only, no remote code, revisions pinned when given. Knows nothing about what the model is asked.
"""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftConfig, PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoProcessor,
    MllamaForConditionalGeneration,
)

from cxr.model.bases import EMBEDDED_NAME, LLAMA_NAMES, check_base, choose_repository, is_llama, read_base, spell_base
from cxr.model.calibration import read_calibration
from cxr.model.engine import Engine
from cxr.model.gate import read_familiarity
from cxr.model.loaded import Loaded
from cxr.model.map_head import read_head
from cxr.model.precision import (
    check_precision,
    check_room,
    choose_compute,
    choose_precision,
    find_card,
    quantize_nf4,
)
from cxr.model.recorded import (
    check_tiles,
    choose_canvas,
    read_guided,
    read_own_findings,
    read_set_questions,
    read_tiles,
)
from cxr.model.serving import load_endpoint
from cxr.model.sources import Source, fetch, hash_weights, read_json
from cxr.results import CxrError, Identity
from cxr.settings import Settings

logger = logging.getLogger(__name__)

EMBEDDED = Path(__file__).with_name("embedded")


def load(settings: Settings) -> Loaded:
    """The model that the settings ask for, or the embedded one with the reason why it answers instead."""
    unused = settings.explain_unused()
    if unused is None and not (settings.base or settings.adapter or settings.endpoint):
        return load_embedded()
    try:
        if unused is not None:
            raise CxrError(unused)
        return load_endpoint(settings) if settings.endpoint else load_named(settings)
    except CxrError as error:
        logger.warning("the embedded model answers: %s", error)
        embedded = load_embedded()
        return replace(embedded, identity=replace(embedded.identity, problem=str(error)))


def load_embedded() -> Loaded:
    """The small Mllama and its adapter that ship with the code."""
    adapter = EMBEDDED / "adapter"
    return _assemble(find_embedded(), Source(adapter, "embedded adapter", hash_weights(adapter)), None)


def find_embedded() -> Source:
    """The small Mllama that ships with the code, known by what its weights hash to."""
    return Source(EMBEDDED, EMBEDDED_NAME, hash_weights(EMBEDDED))


def load_named(settings: Settings) -> Loaded:
    """The base and adapter of the settings.

    Raises:
        CxrError: one of them cannot be reached, is gated, is not safetensors, is damaged or too
            large for this machine, or they do not belong together.
    """
    card = find_card()
    precision = check_precision(settings.precision or choose_precision(card), card)
    adapter = fetch(settings.adapter, settings.adapter_revision, settings.token) if settings.adapter else None
    named = spell_base(settings.base) if settings.base else read_base(adapter)
    if adapter is not None:
        check_base(adapter, named)
    if named in LLAMA_NAMES:
        check_room(named, precision, card)
    base = fetch_base(named, precision, settings.base_revision, settings.token)
    try:
        return _assemble(base, adapter, precision, settings.tiles)
    except CxrError:
        raise
    except (ImportError, OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise CxrError(f"{base.name} could not be loaded ({type(error).__name__}).") from error


def fetch_base(named: str, precision: str, revision: str | None, token: str | None) -> Source:
    """The base's files: those that ship with the code, a folder's, or the Hub's. Raises CxrError with the reason."""
    if spell_base(named) == EMBEDDED_NAME and not revision:
        return find_embedded()
    return fetch(choose_repository(named, precision, revision), revision, token)


def _assemble(base: Source, adapter: Source | None, precision: str | None, tiles: str | None = None) -> Loaded:
    model = load_base(base, precision or "float32")
    processor = AutoProcessor.from_pretrained(base.folder)
    if not processor.chat_template:
        raise CxrError(f"{base.name} has no chat template, so it cannot be asked anything.")
    calibration = familiarity = head = None
    if adapter is not None:
        model = add_adapter(model, adapter)
        calibration = read_calibration(adapter.folder)
        width = model.config.get_text_config().hidden_size
        familiarity, head = read_familiarity(adapter.folder, width), read_head(adapter.folder, width)
    fitted = bool(calibration or familiarity)
    real = check_tiles(tiles, read_tiles(adapter), fitted) == "real"
    engine = Engine(model, processor, choose_canvas(adapter, processor), real_tiles=real)
    identity = _sign(base, adapter, calibration is not None, familiarity is not None, model)
    own = read_own_findings(adapter)
    taught = read_guided(adapter), read_set_questions(adapter)
    return Loaded(engine, calibration, identity, own, familiarity, head, *taught)


def load_base(base: Source, precision: str) -> MllamaForConditionalGeneration:
    """The base in float32 on the CPU, or in bf16 or NF4 on the GPU.

    Raises:
        CxrError: the folder holds no Mllama in safetensors.
    """
    index = read_json(base.folder / "model.safetensors.index.json").get("weight_map")
    shards = index.values() if isinstance(index, dict) else ()  # of other names transformers would read pickles
    if not any(base.folder.glob("*.safetensors")) or not all(str(name).endswith(".safetensors") for name in shards):
        raise CxrError(f"{base.name} has no weights as safetensors; other formats can run code and are refused.")
    config = read_json(base.folder / "config.json")
    if config.get("model_type") != "mllama":
        raise CxrError(f"{base.name} is not a Llama 3.2 Vision (Mllama) model.")
    compute = choose_compute(find_card(), precision)
    options: dict[str, object] = {"dtype": compute}
    if torch.cuda.is_available():
        options["device_map"] = {"": "cuda"}
    if precision == "4bit":
        options |= choose_quantization(base, config, compute)
    model = AutoModelForImageTextToText.from_pretrained(
        base.folder, use_safetensors=True, local_files_only=True, **options
    )
    return cast(MllamaForConditionalGeneration, model)


def choose_quantization(base: Source, config: dict[str, Any], compute: torch.dtype) -> dict[str, object]:
    """How weights become 4-bit ones; those that are already keep theirs, but for the numbers they compute in."""
    if not config.get("quantization_config"):
        return {"quantization_config": quantize_nf4(compute)}
    own = AutoConfig.from_pretrained(base.folder)
    own.quantization_config["bnb_4bit_compute_dtype"] = str(compute).removeprefix("torch.")
    return {"config": own}


def add_adapter(model: MllamaForConditionalGeneration, adapter: Source) -> MllamaForConditionalGeneration:
    """The model with the adapter's LoRA in it; merged where the weights are not quantised (exact to rounding).

    Raises:
        CxrError: no safetensors, damaged ones, or tensors that do not belong to this base.
    """
    if not (adapter.folder / "adapter_model.safetensors").is_file():
        raise CxrError(
            f"The adapter {adapter.name} has no adapter_model.safetensors; other formats can run code and are refused."
        )
    misfit = CxrError(f"The adapter {adapter.name} does not fit this base.")
    try:
        peft_model = PeftModel(model, PeftConfig.from_pretrained(str(adapter.folder)))
        result = peft_model.load_adapter(str(adapter.folder), "default")
    except SafetensorError as error:
        raise CxrError(f"The adapter_model.safetensors of the adapter {adapter.name} is damaged.") from error
    except (ValueError, RuntimeError, KeyError, TypeError) as error:
        raise misfit from error
    if result.missing_keys or result.unexpected_keys:
        raise misfit
    # Merging into 4-bit weights rounds the adapter away in part (a warning of peft's own), so there it stays apart.
    return cast(
        MllamaForConditionalGeneration,
        peft_model.get_base_model() if getattr(model, "is_quantized", False) else peft_model.merge_and_unload(),
    )


def _sign(
    base: Source, adapter: Source | None, calibrated: bool, gate: bool, model: MllamaForConditionalGeneration
) -> Identity:
    device = torch.cuda.get_device_name() if model.device.type == "cuda" else "CPU"
    kind = "4-bit" if getattr(model, "is_quantized", False) else str(model.dtype).removeprefix("torch.")
    return Identity(
        base=base.name,
        base_revision=base.revision,
        adapter=adapter.name if adapter else None,
        adapter_revision=adapter.revision if adapter else None,
        device=f"{device}, {kind}",
        embedded=base.folder == EMBEDDED,
        calibrated=calibrated,
        llama=is_llama(base.name) or (adapter is not None and is_llama(read_base(adapter))),
        gate=gate,
    )
