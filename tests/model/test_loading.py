"""A base and an adapter from folders and from a Hub; what does not fit is refused in a sentence."""

import json
import pickle
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cxr.model import bases, loading
from cxr.model.calibration import Calibration, Scale, read_calibration, write_calibration
from cxr.model.loading import load, load_named
from cxr.model.recorded import CONFIG, MAX_OWN, choose_canvas, read_own_findings
from cxr.model.sources import Source
from cxr.prompts import YES_NO, ask_report, build_conversation
from cxr.results import CxrError, TrackRecord
from cxr.settings import Settings
from cxr.space.markup import show_identity
from tests.hub import TOKEN, HubStandIn, point_to
from tests.tiny import noise_film, save_tiny, tiny_engine

BASE, ADAPTER, GATED = "somebody/tiny-mllama", "somebody/tiny-lora", "somebody/gated-lora"
QUESTION = [build_conversation(ask_report())]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return save_tiny(tmp_path_factory.mktemp("tiny"), BASE)


@pytest.fixture
def hub(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    base, adapter = folders
    with HubStandIn({BASE: base, ADAPTER: adapter, GATED: adapter}, gated=[GATED]) as hub:
        point_to(monkeypatch, hub, tmp_path / "cache")
        yield hub


@pytest.fixture
def embedded(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny model in the place of the one that ships."""
    base, adapter = folders
    shutil.copytree(base, tmp_path / "embedded")
    shutil.copytree(adapter, tmp_path / "embedded" / "adapter")
    monkeypatch.setattr(loading, "EMBEDDED", tmp_path / "embedded")


def copy_adapter(adapter: Path, to: Path, **config: object) -> Path:
    """A copy with some entries of adapter_config.json changed."""
    shutil.copytree(adapter, to)
    path = to / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | config))
    return to


def ask(settings: Settings) -> np.ndarray:
    engine = load_named(settings).engine
    return engine.score(engine.encode(noise_film()), QUESTION, YES_NO)


def test_an_adapter_in_a_folder_answers_as_its_unmerged_lora_does(folders: tuple[Path, Path]) -> None:
    base, adapter = folders
    merged = ask(Settings(base=str(base), adapter=str(adapter)))
    bare = ask(Settings(base=str(base)))
    assert np.abs(merged - bare).max() > 1e-3  # the adapter matters
    engine = load_named(Settings(base=str(base))).engine
    weights = load_file(adapter / "adapter_model.safetensors")
    scaling = json.loads((adapter / "adapter_config.json").read_text())
    scale = scaling["lora_alpha"] / scaling["r"]
    with torch.no_grad():  # W + scale * B A, by hand
        for name, parameter in engine.model.named_parameters():
            stem = "base_model.model." + name.removesuffix(".weight")
            if f"{stem}.lora_A.weight" in weights:
                parameter += scale * weights[f"{stem}.lora_B.weight"] @ weights[f"{stem}.lora_A.weight"]
    by_hand = engine.score(engine.encode(noise_film()), QUESTION, YES_NO)
    np.testing.assert_allclose(merged, by_hand, atol=1e-5)


def test_base_and_adapter_come_from_a_hub_pinned_and_are_named(hub: HubStandIn) -> None:
    loaded = load_named(Settings(base=BASE, adapter=ADAPTER, adapter_revision=hub.commit(ADAPTER)))
    who = loaded.identity
    assert (who.base, who.adapter, who.adapter_revision) == (BASE, ADAPTER, hub.commit(ADAPTER))
    assert not who.embedded and not who.calibrated and not who.llama and loaded.calibration is None
    assert who.device == "CPU, float32"


def test_an_adapter_alone_names_its_base(hub: HubStandIn) -> None:
    assert load_named(Settings(adapter=ADAPTER)).identity.base == BASE


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"adapter": "somebody/nothing"}, "not found on the Hub"),
        ({"adapter": GATED}, "is gated: accept its terms"),
        ({"adapter_revision": "0" * 40}, "has no revision 000"),
        ({"base": "somebody/no-base", "adapter": None}, "not found on the Hub"),
    ],
)
def test_the_embedded_model_answers_and_says_why(
    hub: HubStandIn, embedded: None, change: dict[str, str], sentence: str
) -> None:
    loaded = load(Settings(**{"base": BASE, "adapter": ADAPTER, **change}))
    assert loaded.identity.embedded and sentence in (loaded.identity.problem or "")


def test_an_unreachable_hub_is_called_so(hub: HubStandIn, embedded: None) -> None:
    hub.failing = True
    assert "could not be fetched" in (load(Settings(base=BASE, adapter=ADAPTER)).identity.problem or "")


def test_a_token_opens_a_gated_adapter(hub: HubStandIn) -> None:
    assert load_named(Settings(base=BASE, adapter=GATED, token=TOKEN)).identity.adapter == GATED


def test_an_adapter_for_another_base_is_refused(hub: HubStandIn, folders: tuple[Path, Path], tmp_path: Path) -> None:
    other = copy_adapter(folders[1], tmp_path / "other", base_model_name_or_path="somebody/else")
    with pytest.raises(CxrError, match="was made for somebody/else, not for"):
        load_named(Settings(base=BASE, adapter=str(other)))


@pytest.mark.parametrize("name", sorted(bases.LLAMA_NAMES))
def test_the_names_of_llama_count_as_one_base(folders: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "llama", base_model_name_or_path=name)
    bases.check_base(Source(adapter, "a", None), bases.LLAMA)


def test_weights_that_can_run_code_are_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    shutil.copytree(folders[0], base)
    shutil.copytree(folders[1], adapter)
    torch.save(load_file(adapter / "adapter_model.safetensors"), adapter / "adapter_model.bin")
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(CxrError, match="safetensors"):
        load_named(Settings(base=str(base), adapter=str(adapter)))
    torch.save({}, base / "pytorch_model.bin")
    (base / "model.safetensors").unlink()
    with pytest.raises(CxrError, match="safetensors"):
        load_named(Settings(base=str(base)))


def test_no_file_that_can_run_code_is_even_fetched(hub: HubStandIn, folders: tuple[Path, Path]) -> None:
    (folders[0] / "modeling_evil.py").write_text("raise SystemExit")
    hub.repos[BASE].__dict__.pop("files", None)
    try:
        load_named(Settings(base=BASE))
    finally:
        (folders[0] / "modeling_evil.py").unlink()
    assert not [path for path in hub.requests if path.endswith(".py")]


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.mark), "w")


def copy_both(folders: tuple[Path, Path], to: Path) -> tuple[Path, Path]:
    """Copies of the base and the adapter that a test may spoil."""
    base, adapter = folders
    return shutil.copytree(base, to / "base"), shutil.copytree(adapter, to / "adapter")


@pytest.mark.parametrize("with_safetensors", [False, True])
def test_not_a_byte_of_a_pickle_is_run(folders: tuple[Path, Path], tmp_path: Path, with_safetensors: bool) -> None:
    base, adapter = copy_both(folders, tmp_path)
    mark = tmp_path / "run"
    for path in (base / "pytorch_model.bin", base / "training_args.bin", adapter / "adapter_model.bin"):
        path.write_bytes(pickle.dumps(Trap(mark)))
    pickle.loads((adapter / "adapter_model.bin").read_bytes()).close()
    assert mark.exists()  # whoever unpickles it runs it
    mark.unlink()
    if not with_safetensors:
        (adapter / "adapter_model.safetensors").unlink()
        with pytest.raises(CxrError, match="can run code"):
            load_named(Settings(base=str(base), adapter=str(adapter)))
        (base / "model.safetensors").unlink()
        with pytest.raises(CxrError, match="can run code"):
            load_named(Settings(base=str(base)))
    else:  # they lie beside what is read
        load_named(Settings(base=str(base), adapter=str(adapter)))
    assert not mark.exists()


def test_an_index_cannot_lead_to_a_pickle(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, _ = copy_both(folders, tmp_path)
    mark = tmp_path / "run"
    (base / "evil.bin").write_bytes(pickle.dumps(Trap(mark)))
    names = list(load_file(base / "model.safetensors"))
    (base / "model.safetensors").rename(base / "other.safetensors")
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(names, "evil.bin")}
    (base / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CxrError):
        load_named(Settings(base=str(base)))
    assert not mark.exists()


def test_code_that_comes_with_a_model_is_not_run(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = copy_both(folders, tmp_path)
    mark = tmp_path / "run"
    for folder in (base, adapter):
        (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Evil: ...\n")
    classes = ("AutoConfig", "AutoModelForImageTextToText", "AutoProcessor", "AutoImageProcessor", "AutoTokenizer")
    for path in (*base.glob("*config.json"), adapter / "adapter_config.json"):
        data = json.loads(path.read_text())
        path.write_text(json.dumps(data | {"auto_map": dict.fromkeys(classes, "evil.Evil")}))
    with suppress(CxrError):  # refused is as good as left alone
        load_named(Settings(base=str(base), adapter=str(adapter)))
    assert not mark.exists()


def break_file(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    "broken", ["base/model.safetensors", "adapter/adapter_model.safetensors", "base/tokenizer.json", "base/config.json"]
)
def test_a_damaged_download_is_a_sentence(folders: tuple[Path, Path], tmp_path: Path, broken: str) -> None:
    for name, folder in zip(("base", "adapter"), folders, strict=True):
        shutil.copytree(folder, tmp_path / name)
    break_file(tmp_path / broken)
    with pytest.raises(CxrError, match=re.escape(str((tmp_path / broken).parent))):  # and not the other one
        load_named(Settings(base=str(tmp_path / "base"), adapter=str(tmp_path / "adapter")))


def test_a_base_without_a_chat_template_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "base")
    for path in (tmp_path / "base").glob("*chat_template*"):
        path.unlink()
    for name in ("tokenizer_config.json", "processor_config.json"):
        path = tmp_path / "base" / name
        data = json.loads(path.read_text())
        data.pop("chat_template", None)
        path.write_text(json.dumps(data))
    with pytest.raises(CxrError, match="chat template"):
        load_named(Settings(base=str(tmp_path / "base")))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(base=BASE, precision="nonsense"), "must be one of bf16, 4bit, float32"),
        (Settings(base=BASE, precision="4bit"), "needs a GPU"),
        (Settings(base=bases.LLAMA), "needs a GPU of 16 GB"),
        (Settings(base="/no/such/folder"), "There is no folder"),
        (Settings(base=BASE, adapter=f"{Path(__file__).parent.name}/no-adapter"), "was not found on the Hub"),
        (Settings(base=BASE, adapter="tests/no-adapter"), "There is no folder tests/no-adapter"),
    ],
)
def test_settings_that_cannot_be_met_are_sentences(hub: HubStandIn, settings: Settings, sentence: str) -> None:
    with pytest.raises(CxrError, match=sentence):
        load_named(settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(precision="bf16"), "CXR_PRECISION is for a model that CXR_BASE or CXR_ADAPTER names."),
        (Settings(precision="bf16", tiles="real"), "CXR_PRECISION and CXR_TILES are for a model that CXR_BASE or"),
        (Settings(base_revision="0"), "CXR_BASE_REVISION is for a model"),
        (Settings(adapter_revision="0"), "CXR_ADAPTER_REVISION is for an adapter that CXR_ADAPTER names."),
        (Settings(base=BASE, adapter_revision="0"), "CXR_ADAPTER_REVISION is for an adapter"),
        (Settings(endpoint_model="x"), "CXR_ENDPOINT_MODEL is for a server that CXR_ENDPOINT names."),
        (Settings(endpoint_calibration="/x"), "CXR_ENDPOINT_CALIBRATION is for a server"),
    ],
)
def test_no_setting_is_ignored_where_what_it_is_for_is_not_named(settings: Settings, said: str) -> None:
    loaded = loading.load(settings)
    assert loaded.identity.base == bases.EMBEDDED_NAME
    assert said in str(loaded.identity.problem)


def test_a_folder_has_no_revision(folders: tuple[Path, Path]) -> None:
    with pytest.raises(CxrError, match="has no revisions"):
        load_named(Settings(base=str(folders[0]), adapter=str(folders[1]), adapter_revision="0" * 40))


def test_the_mirror_is_taken_for_llama_but_a_revision_means_the_repository_that_is_named() -> None:
    meta = "meta-llama/Llama-3.2-11B-Vision-Instruct"
    assert bases.choose_repository(meta, "bf16", None) == bases.LLAMA
    assert bases.choose_repository(meta, "4bit", None) == bases.LLAMA_4BIT
    assert bases.choose_repository(meta, "4bit", "0" * 40) == meta
    assert bases.choose_repository(BASE, "4bit", None) == BASE


@pytest.mark.parametrize("canvas", [True, -1, 5000, "224", 22.4])
def test_a_canvas_that_makes_no_sense_is_refused(folders: tuple[Path, Path], tmp_path: Path, canvas: object) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "odd")
    (adapter / CONFIG).write_text(json.dumps({"canvas": canvas}))
    with pytest.raises(CxrError, match="canvas"):
        load_named(Settings(base=str(folders[0]), adapter=str(adapter)))


def record(adapter: Path, own: object) -> Path:
    """The same adapter with own findings recorded."""
    (adapter / CONFIG).write_text(json.dumps({"canvas": 56, "own_findings": own}))
    return adapter


def test_own_findings_are_those_recorded(folders: tuple[Path, Path], tmp_path: Path) -> None:
    base, adapter = folders
    assert load_named(Settings(base=str(base), adapter=str(adapter))).own_findings == ()
    own = record(copy_adapter(adapter, tmp_path / "own"), ["tuberculosis", "covid_19", "tuberculosis"])
    assert load_named(Settings(base=str(base), adapter=str(own))).own_findings == ("covid_19", "tuberculosis")


@pytest.mark.parametrize(
    "own",
    [
        "fracture",
        {"fracture": 1},
        None,
        [5],
        [""],
        ["Fracture"],
        ["rib fracture"],
        ["<b>"],
        ["<|eot_id|>"],
        ["effusion"],
        ["normal"],
        ["x" * 61],
        [f"finding_{number}" for number in range(MAX_OWN + 1)],
    ],
)
def test_own_findings_that_make_no_sense_are_refused(folders: tuple[Path, Path], tmp_path: Path, own: object) -> None:
    adapter = record(copy_adapter(folders[1], tmp_path / "odd"), own)
    with pytest.raises(CxrError, match="own_findings"):
        read_own_findings(Source(adapter, "odd", None))


def test_an_adapter_made_for_the_embedded_base_finds_it(
    folders: tuple[Path, Path], tmp_path: Path, embedded: None
) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "mine", base_model_name_or_path=bases.EMBEDDED_NAME, peft_type="LORA")
    identity = load_named(Settings(adapter=str(adapter))).identity
    assert identity.embedded and identity.base == bases.EMBEDDED_NAME and identity.adapter == str(adapter)


TESTED = {"where": "films", "films": 9, "with_it": 2, "present": 1, "present_right": 1, "absent": 5, "absent_right": 5}


@pytest.mark.parametrize(
    "change",
    [
        {"slope": float("nan")},
        {"intercept": 1e9},
        {"absent_below": 0.9},
        {"tested": TESTED | {"present_right": 2}},
        {"tested": TESTED | {"with_it": 0}},
        {"tested": TESTED | {"absent": 9}},
    ],
)
def test_a_calibration_that_makes_no_sense_is_refused(
    folders: tuple[Path, Path], tmp_path: Path, change: dict[str, Any]
) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "odd")
    row = {"slope": 1.0, "intercept": 0.0, "present_from": 0.5, "absent_below": 0.1} | change
    (adapter / "calibration.json").write_text(json.dumps({"population": "x", "findings": {"mass": row}}))
    with pytest.raises(CxrError, match="make no sense"):
        load_named(Settings(base=str(folders[0]), adapter=str(adapter)))


def test_a_calibration_comes_back_as_it_was_written(tmp_path: Path) -> None:
    scales = {"mass": Scale(1.0, 0.0, 0.5, 0.1, TrackRecord(**TESTED)), "nodule": Scale(0.7, -1.0, 0.5, 0.2)}
    write_calibration(Calibration(scales, "films of nobody"), tmp_path)
    assert read_calibration(tmp_path) == Calibration(scales, "films of nobody")
    score = Calibration(scales, "").score("mass", 0.9)
    assert (
        score.meaning == "In the 9 films it was tested on, 1 of 1 such answers were right, too few to tell, "
        "but only 2 of these films had it."
    )
    assert Calibration(scales, "").score("nodule", 0.9).meaning == ""  # nothing is said that was not measured


def test_an_adapter_with_other_tensors_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "cut")
    weights = load_file(adapter / "adapter_model.safetensors")
    weights.pop(sorted(weights)[0])
    save_file(weights, adapter / "adapter_model.safetensors")
    with pytest.raises(CxrError, match="does not fit this base"):
        load_named(Settings(base=str(folders[0]), adapter=str(adapter)))


def test_an_adapter_of_other_shapes_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    adapter = copy_adapter(folders[1], tmp_path / "wide")
    weights = load_file(adapter / "adapter_model.safetensors")
    name = next(name for name in sorted(weights) if "lora_A" in name)
    weights[name] = torch.cat([weights[name], weights[name]], dim=1)
    save_file(weights, adapter / "adapter_model.safetensors")
    with pytest.raises(CxrError, match="does not fit this base"):
        load_named(Settings(base=str(folders[0]), adapter=str(adapter)))


def test_a_branch_is_named_by_its_commit(hub: HubStandIn) -> None:
    identity = load_named(Settings(base=BASE, adapter=ADAPTER, adapter_revision="main")).identity
    assert identity.adapter_revision == hub.commit(ADAPTER) and identity.base_revision == hub.commit(BASE)
    assert len(identity.adapter_revision) == 40 and identity.adapter_revision in show_identity(identity)


def test_the_canvas_is_the_recorded_one(folders: tuple[Path, Path]) -> None:
    base, adapter = folders
    assert load_named(Settings(base=str(base), adapter=str(adapter))).engine.canvas == tiny_engine().canvas
    processor = tiny_engine(tiles=4).processor
    assert choose_canvas(None, processor) == 112  # 2 x 2 tiles of 56 px without a record
