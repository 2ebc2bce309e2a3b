"""Where the LoRA goes, and on what. Knows nothing about data or about the loop.

The plain names q_proj, k_proj, ... would also hit the vision encoder's attention, so targets are regular expressions
over whole module names.
"""

import logging
from typing import Literal, cast

from peft import LoraConfig, PeftModel, get_peft_model
from transformers import MllamaForConditionalGeneration

Targets = Literal["attention", "attention+mlp"]

ATTENTION = r".*language_model.*\.(self_attn|cross_attn)\.(q_proj|k_proj|v_proj|o_proj)"
MLP = r".*language_model.*\.mlp\.(gate_proj|up_proj|down_proj)"
VISION = r".*vision_model.*\.self_attn\.(q_proj|k_proj|v_proj|o_proj)"

logger = logging.getLogger(__name__)


def choose_targets(targets: Targets, vision: bool) -> str:
    """One regular expression for the modules that get a LoRA."""
    parts = [ATTENTION, *([MLP] if targets == "attention+mlp" else []), *([VISION] if vision else [])]
    return parts[0] if len(parts) == 1 else "|".join(f"(?:{part})" for part in parts)


def add_lora(
    model: MllamaForConditionalGeneration, base: str, *, rank: int, alpha: int, dropout: float, targets: str
) -> PeftModel:
    """The model frozen, with a fresh LoRA of which B is zero; `base` is the name recorded with the adapter."""
    model.requires_grad_(False)
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=dropout, target_modules=targets, task_type="CAUSAL_LM")
    peft_model = cast(PeftModel, get_peft_model(model, config))
    peft_model.peft_config["default"].base_model_name_or_path = base
    return peft_model


def count_parameters(model: PeftModel) -> tuple[int, int]:
    """(trainable, all); in 4 bits the latter counts what is packed."""
    trainable, everything = model.get_nb_trainable_parameters()
    return int(trainable), int(everything)
