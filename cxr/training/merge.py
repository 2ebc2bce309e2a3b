"""An adapter merged into its base in bf16, for servers that know no LoRA (SGLang). Knows nothing about training.

Never into 4-bit weights: they would round the adapter away in part.
"""

import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from transformers import AutoProcessor

from cxr.evaluation.contenders import find_adapter
from cxr.model.bases import check_base, read_base
from cxr.model.loading import add_adapter, fetch_base, load_base
from cxr.model.recorded import CONFIG
from cxr.model.sources import fetch, read_json
from cxr.results import CxrError
from cxr.training.guards import explain_disk
from cxr.training.options import choose

logger = logging.getLogger(__name__)

SHARD = "4GB"


@dataclass
class MergeOptions:
    """What to merge."""

    adapter: str = choose("outputs/run1/adapter", "a run's folder, an adapter's folder or its Hub name")
    adapter_revision: str = choose("", "40-hex commit of the adapter")
    base: str = choose("", "Hub name or folder of the base in bf16; the one that the adapter names")
    merged: str = choose("merged", "the folder to write")


@explain_disk(lambda: " with another --merged, or delete what that holds")
def merge(options: MergeOptions) -> Path:
    """Write base and adapter as one model in bf16, with its processor.

    Raises:
        CxrError: one of them cannot be had, they do not belong together, the base is quantised, or nothing can be
            written.
    """
    token = os.environ.get("HF_TOKEN")
    adapter = fetch(find_adapter(options.adapter), options.adapter_revision or None, token)
    named = options.base or read_base(adapter)
    check_base(adapter, named)
    base = fetch_base(named, "bf16", None, token)  # of Llama's names, the ungated mirror that is not quantised
    if read_json(base.folder / "config.json").get("quantization_config"):
        raise CxrError(
            f"{base.name} is quantised; an adapter is merged into bf16 weights only, name those with --base."
        )
    out = Path(options.merged)
    if out.exists() and any(out.iterdir()):
        raise CxrError(f"{out} is not empty; choose another --merged.")
    out.mkdir(parents=True, exist_ok=True)  # what cannot be made is not found out after minutes
    model = add_adapter(load_base(base, "bf16"), adapter)
    model.save_pretrained(out, max_shard_size=SHARD)
    AutoProcessor.from_pretrained(base.folder).save_pretrained(out)
    if (adapter.folder / CONFIG).is_file():  # scales, gate and maps do not hold for what a server says
        shutil.copy(adapter.folder / CONFIG, out)
    logger.info("%s and %s are merged in %s", base.name, adapter.name, out)
    return out
