"""One base under several names, in either case; a folder of another machine yields to the name that is given."""

import json
from pathlib import Path

import pytest

from cxr.model.bases import (
    EMBEDDED_NAME,
    LLAMA,
    LLAMA_4BIT,
    LLAMA_NAMES,
    check_base,
    choose_repository,
    is_llama,
    read_base,
    spell_base,
)
from cxr.model.loading import EMBEDDED, load, load_named
from cxr.model.sources import Source, means_folder
from cxr.results import CxrError
from cxr.settings import Settings
from cxr.training.student import choose_base
from tests.model.test_loading import copy_adapter
from tests.tiny import save_tiny


def record(folder: Path, base: str) -> Source:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}))
    return Source(folder, "somebody/adapter", None)


@pytest.mark.parametrize("name", sorted(LLAMA_NAMES))
@pytest.mark.parametrize("spell", [str.lower, str.upper, "{} ".format, "{}/".format])
def test_llama_is_llama_in_either_case(tmp_path: Path, name: str, spell: object) -> None:
    written = spell(name)  # type: ignore[operator]
    adapter = record(tmp_path, written)
    assert read_base(adapter) == name == spell_base(written) == choose_base(written) and is_llama(written)
    assert choose_repository(written, "bf16", None) == LLAMA and choose_repository(written, "4bit", None) == LLAMA_4BIT
    for base in (LLAMA, LLAMA.lower(), LLAMA_4BIT):
        check_base(adapter, base)


def test_other_names_are_compared_in_either_case_and_other_bases_refused(tmp_path: Path) -> None:
    adapter = record(tmp_path, "Somebody/Base")
    check_base(adapter, "somebody/base")
    for base in ("somebody/base2", LLAMA, EMBEDDED_NAME):
        with pytest.raises(CxrError, match="was made for Somebody/Base, not for"):
            check_base(adapter, base)


@pytest.mark.parametrize("place", ["/content/hub", "C:\\Users\\me\\hub"])
def test_a_folder_of_the_hubs_cache_names_its_repository(tmp_path: Path, place: str) -> None:
    cached = f"{place}/models--unsloth--llama-3.2-11b-vision-instruct/snapshots/{'0' * 40}"
    assert read_base(record(tmp_path, cached)) == LLAMA


@pytest.mark.parametrize(
    "elsewhere",
    ["/content/llama-11b", "./llama", "../models/llama", "~/llama", "C:\\models\\llama", "D:/llama", "llama-11b"],
)
def test_a_folder_of_another_machine_yields_to_the_name_that_is_given(tmp_path: Path, elsewhere: str) -> None:
    for base in (LLAMA, EMBEDDED_NAME, "somebody/base"):
        check_base(record(tmp_path, elsewhere), base)
    assert elsewhere == "llama-11b" or means_folder(elsewhere)


@pytest.mark.parametrize("named", [None, "embedded mllama", str(EMBEDDED)])
def test_an_adapter_trained_from_a_folder_elsewhere_answers_where_a_base_is_given(
    tmp_path: Path, named: str | None
) -> None:
    adapter = copy_adapter(EMBEDDED / "adapter", tmp_path / "mine", base_model_name_or_path="/content/small")
    identity = load(Settings(base=named, adapter=str(adapter))).identity
    assert (identity.problem is None) == (named is not None)
    assert named is not None or "from the folder /content/small, which is not here; set CXR_BASE" in str(
        identity.problem
    )


def test_a_folder_elsewhere_does_not_make_an_adapter_of_other_shapes_fit(tmp_path: Path) -> None:
    _, adapter = save_tiny(tmp_path / "tiny", "/content/other")
    with pytest.raises(CxrError, match="does not fit this base"):
        load_named(Settings(base=EMBEDDED_NAME, adapter=str(adapter)))


@pytest.mark.parametrize(("recorded", "llama"), [(LLAMA_4BIT.lower(), True), ("somebody/tiny", False)])
def test_built_with_llama_is_shown_for_an_adapter_of_llama_on_a_folder(
    tmp_path: Path, recorded: str, llama: bool
) -> None:
    base, adapter = save_tiny(tmp_path / "tiny", recorded)
    assert load_named(Settings(base=str(base), adapter=str(adapter))).identity.llama == llama
