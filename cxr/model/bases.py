"""Names of bases: one base under several names, in either case, and folders of other machines.

Knows nothing about weights, but that they are checked by their shapes when they are loaded.
"""

import re
from pathlib import Path

from cxr.model.sources import Source, is_path, read_json
from cxr.results import CxrError

LLAMA = "unsloth/Llama-3.2-11B-Vision-Instruct"
LLAMA_4BIT = f"{LLAMA}-unsloth-bnb-4bit"
# One base, four names.
LLAMA_NAMES = {LLAMA, LLAMA_4BIT, f"{LLAMA}-bnb-4bit", "meta-llama/Llama-3.2-11B-Vision-Instruct"}
EMBEDDED_NAME = "embedded Mllama"  # what adapters for it record as their base
CACHE = re.compile(r"\bmodels--([^/\\]+)--([^/\\]+)")  # a folder of the Hub's cache, which holds owner and name
_SPELLED = {name.casefold(): name for name in (*LLAMA_NAMES, EMBEDDED_NAME)}


def spell_base(name: str) -> str:
    """A base's name as it is spelled here: the Hub knows no case, and Unsloth records names in lower case."""
    return _SPELLED.get(name.strip().rstrip("/").casefold(), name)


def is_llama(base: str) -> bool:
    """Whether Llama's licence holds: one of its names, or a model derived from it, which must begin with its name."""
    return spell_base(base) in LLAMA_NAMES or re.split(r"[\\/]", base.rstrip("\\/"))[-1].lower().startswith("llama")


def choose_repository(named: str, precision: str, revision: str | None) -> str:
    """Llama's ungated mirror, quantised already for 4 bits; with a revision the very repository that has it."""
    if spell_base(named) not in LLAMA_NAMES or revision:
        return named
    return LLAMA_4BIT if precision == "4bit" else LLAMA


def check_base(adapter: Source, base: str) -> None:
    """Refuse an adapter made for another base.

    A folder has no Hub name and is checked by its shapes alone; so is any base where the adapter names a folder, which
    may be one of another machine.

    Raises:
        CxrError: the adapter names another base.
    """
    made_for, base = read_base(adapter), spell_base(base)
    same = made_for.casefold() == base.casefold() or {made_for, base} <= LLAMA_NAMES
    if not (same or Path(base).is_dir() or is_folder(made_for)):
        raise CxrError(f"The adapter {adapter.name} was made for {made_for}, not for {base}.")
    if made_for == base and is_path(base) and not Path(base).is_dir():
        raise CxrError(
            f"The adapter {adapter.name} was trained from the folder {base}, which is not here; set CXR_BASE to "
            "the name or the folder of that base (--base, where train.py asks)."
        )


def is_folder(name: str) -> bool:
    """Whether a base's name is that of a folder, here or on another machine, and none on the Hub."""
    return is_path(name) or Path(name).is_dir() or ("/" not in name and name != EMBEDDED_NAME)


def read_base(adapter: Source | None) -> str:
    """The base that an adapter says it was made for, as it is spelled here.

    Raises:
        CxrError: it says nothing that can be read.
    """
    config = read_json(adapter.folder / "adapter_config.json") if adapter else {}
    base = config.get("base_model_name_or_path")
    if config.get("peft_type") != "LORA" or not isinstance(base, str):
        raise CxrError("The adapter has no readable adapter_config.json of a LoRA that names its base.")
    cached = CACHE.search(base)
    return spell_base(f"{cached[1]}/{cached[2]}" if cached and not Path(base).is_dir() else base)
