"""The model that learns: a frozen base, by transformers or by Unsloth, with a fresh LoRA in it.

Knows nothing about data or about the loop.
"""

import os
from dataclasses import dataclass
from typing import Any, cast

import torch
from peft import PeftModel
from transformers import AutoProcessor, MllamaProcessor

from cxr.model.bases import EMBEDDED_NAME, LLAMA, spell_base
from cxr.model.loading import fetch_base, load_base
from cxr.model.precision import check_precision, find_card
from cxr.model.recorded import choose_canvas
from cxr.model.sources import Source, hash_weights
from cxr.model.tiles import allow_few_tiles
from cxr.results import CxrError
from cxr.training.learner import FilmLearner
from cxr.training.lora import add_lora, choose_targets
from cxr.training.options import SftOptions

NO_UNSLOTH = "Unsloth is not installed, or there is no GPU: use --engine transformers, or see requirements-train.txt."


@dataclass(frozen=True)
class Student:
    """What is trained, with what turns films and text into its input."""

    learner: FilmLearner
    processor: MllamaProcessor
    canvas: int  # side in px
    base: str  # the name recorded with the adapter
    source: Source  # the base's files
    precision: str
    real_tiles: bool = False  # whether padding tiles are left out of the encoder

    @property
    def tiles(self) -> int:
        """Tiles that a film on the canvas has."""
        images = self.processor.image_processor
        return 1 if self.canvas <= int(images.size["height"]) or images.max_image_tiles < 4 else 4

    @property
    def weights(self) -> str:
        """Which weights these are exactly: name, revision, precision. A folder's are read through to tell."""
        return f"{self.source.name}@{self.source.revision or hash_weights(self.source.folder)}@{self.precision}"


def choose_base(named: str = "") -> str:
    """The base that is meant, as it is spelled here; Llama on a GPU, or else the embedded one, where none is named."""
    return spell_base(named) or (LLAMA if torch.cuda.is_available() else EMBEDDED_NAME)


def load_student(options: SftOptions) -> Student:
    """The base with a fresh LoRA, on this process's device.

    Raises:
        CxrError: base, precision or engine cannot be had here.
    """
    card = find_card()
    precision = check_precision(options.precision or ("4bit" if card else "float32"), card)
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    base = choose_base(options.base)
    source = fetch_base(base, precision, options.base_revision or None, os.environ.get("HF_TOKEN"))
    canvas = options.canvas
    if options.engine == "unsloth":
        model, processor = _load_unsloth(source, precision, options)
    else:
        model, processor = _load_plain(source, precision, options), AutoProcessor.from_pretrained(source.folder)
    learner = FilmLearner(model, train_vision=options.train_vision)
    real = options.tiles == "real"
    if real:
        allow_few_tiles(learner.mllama)
    return Student(learner, processor, canvas or choose_canvas(None, processor), base, source, precision, real)


def _load_plain(source: Source, precision: str, options: SftOptions) -> PeftModel:
    base = load_base(source, precision)
    if torch.cuda.is_available():
        # Mllama fails with reentrant checkpoints, which is what `prepare_model_for_kbit_training` would switch on; and
        # that function would also copy every weight that is not quantised to float32.
        base.gradient_checkpointing_enable({"use_reentrant": False})
    return add_lora(
        base,
        choose_base(options.base),
        rank=options.rank,
        alpha=options.alpha,
        dropout=options.dropout,
        targets=choose_targets(options.targets, options.train_vision),
    )


def _load_unsloth(source: Source, precision: str, options: SftOptions) -> tuple[PeftModel, MllamaProcessor]:
    if not torch.cuda.is_available():
        raise CxrError(NO_UNSLOTH)
    try:
        from unsloth import FastVisionModel  # only on a GPU, and in an environment of its own
    except (ImportError, NotImplementedError, RuntimeError) as error:
        raise CxrError(NO_UNSLOTH) from error
    model, processor = FastVisionModel.from_pretrained(
        str(source.folder), load_in_4bit=precision == "4bit", use_gradient_checkpointing="unsloth"
    )
    model = FastVisionModel.get_peft_model(
        model,
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules=choose_targets(options.targets, options.train_vision),
    )
    model.peft_config["default"].base_model_name_or_path = choose_base(options.base)
    return cast(PeftModel, model), cast(Any, processor)
