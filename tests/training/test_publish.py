"""What a run uploads, what it never uploads, and what is said where it cannot."""

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from huggingface_hub.utils import _http
from safetensors.torch import load as read_tensors
from safetensors.torch import load_file, save_file
from transformers import HfArgumentParser

from cxr.findings import FINDINGS
from cxr.model.bases import EMBEDDED_NAME
from cxr.model.calibration import read_calibration
from cxr.model.engine import Engine
from cxr.model.loading import EMBEDDED, load
from cxr.prompts import YES_NO, ask_finding, build_conversation
from cxr.results import CxrError
from cxr.settings import Settings
from cxr.training.publish import ACKNOWLEDGEMENT, ALLOWED, PublishOptions, check_request, publish
from tests.hub import OWNER, READ_TOKEN, TOKEN, HubStandIn, point_to
from tests.tiny import noise_film
from tests.training.runs import METRICS, POPULATION, build_run, change_json, write_json

NAME = f"{OWNER}/chest-films-lora"
LLAMA = "meta-llama/Llama-3.2-11B-Vision-Instruct"
PRIVATE, PUBLIC = PublishOptions(), PublishOptions(public=True)
# What could tell of a patient or of the machine: names, numbers, dates, file names, sentences, folders.
PLANTED = (
    *("Erika Mustermann", "Jan Novak", "p10000032", "s50414267", "MRN-4711-0815", "2131-05-06", "19.03.1957"),
    *("00000013_005.png", "films/ward3/mustermann.dcm", "chest_of_novak.jpg", "Dr. Weiss", "St. Elsewhere"),
    *("68-year-old woman with cough", "unchanged from her last film", "accession 991827", "bed 12b"),
    *("/srv/pacs/export", "/data/clinic/mimic", "C:\\clinic\\films", "weiss@clinic.example"),
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # nobody at a terminal
    with HubStandIn({}) as hub:
        point_to(monkeypatch, hub, tmp_path / "cache")
        yield hub


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return build_run(tmp_path / "run1")


def say(run: Path, name: str = NAME, options: PublishOptions = PRIVATE) -> str:
    """The sentence that is said instead of publishing."""
    with pytest.raises(CxrError) as caught:
        publish(run, name, options)
    sentence = str(caught.value)
    assert "\n" not in sentence and sentence[-1] in '.?"', sentence
    return sentence


# --- what is uploaded ---


def test_a_private_repository_gets_the_adapter_in_one_commit(hub: HubStandIn, run: Path) -> None:
    commit = publish(run, NAME, PRIVATE)
    repo = hub.repos[NAME]
    assert repo.private and repo.commit == commit and len(commit) == 40
    assert len(repo.commits) == 2  # the Hub's own and ours
    expected = ALLOWED - {"LICENSE.txt", "NOTICE", "preprocessor_config.json", "special_tokens_map.json"}
    assert set(repo.files) - {".gitattributes"} == expected


def test_the_app_loads_that_very_adapter_and_names_its_revision(hub: HubStandIn, run: Path) -> None:
    commit = publish(run, NAME, PRIVATE)
    change_json(run / "adapter" / "cxr_config.json", canvas=112)
    assert publish(run, NAME, PRIVATE) != commit
    settings = Settings(adapter=NAME, adapter_revision=commit, token=TOKEN)
    loaded = load(settings)
    who = loaded.identity
    assert (who.adapter, who.adapter_revision, who.calibrated, who.problem) == (NAME, commit, True, None)
    assert loaded.engine.canvas == 288
    here = load(Settings())  # the run was made of the embedded adapter, so both answer alike
    assert score(loaded.engine) == pytest.approx(score(here.engine), abs=1e-5)


def score(engine: Engine) -> list[float]:
    """The probabilities of two findings on one film."""
    questions = [build_conversation(ask_finding(finding)) for finding in FINDINGS[:2]]
    return [float(value) for value in np.ravel(engine.score(engine.encode(noise_film()), questions, YES_NO))]


def test_files_say_the_hub_name_of_the_base_and_nothing_of_the_run(hub: HubStandIn, run: Path) -> None:
    change_json(run / "adapter" / "adapter_config.json", base_model_name_or_path="/data/models/llama")
    change_json(run / "run.json", base=LLAMA)
    publish(run, f"{OWNER}/Llama-films", PRIVATE)
    files = hub.repos[f"{OWNER}/Llama-films"].files
    config = json.loads(files["adapter_config.json"])
    ours = json.loads((EMBEDDED / "adapter" / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == LLAMA
    assert {key: ours[key] for key in ("r", "lora_alpha", "target_modules")}.items() <= config.items()
    tensors, before = (
        read_tensors(files["adapter_model.safetensors"]),
        load_file(run / "adapter" / "adapter_model.safetensors"),
    )
    assert tensors.keys() == before.keys() and all((tensors[name] == before[name]).all() for name in before)
    assert json.loads(files["metrics.json"]) == METRICS
    assert files["tokenizer.json"] == (EMBEDDED / "tokenizer.json").read_bytes()


def test_calibration_stays_the_same_but_for_its_words(hub: HubStandIn, run: Path, tmp_path: Path) -> None:
    publish(run, NAME, PRIVATE)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "calibration.json").write_bytes(hub.repos[NAME].files["calibration.json"])
    here, there = read_calibration(run / "adapter"), read_calibration(tmp_path / "there")
    assert here and there and here.scales == there.scales and there.population == POPULATION


def test_llama_licence_and_notice_go_with_llama_weights_alone(hub: HubStandIn, run: Path) -> None:
    publish(run, NAME, PRIVATE)
    assert "Llama" not in hub.repos[NAME].files["README.md"].decode()
    publish(run, f"{OWNER}/Llama-films", PublishOptions(base_name=LLAMA))
    files = {path: data.decode() for path, data in hub.repos[f"{OWNER}/Llama-films"].files.items() if path.isupper()}
    files |= {"LICENSE.txt": hub.repos[f"{OWNER}/Llama-films"].files["LICENSE.txt"].decode()}
    assert files["LICENSE.txt"].startswith("LLAMA 3.2 COMMUNITY LICENSE AGREEMENT")
    assert files["NOTICE"].startswith("Built with Llama") and "Copyright © Meta Platforms, Inc." in files["NOTICE"]


def test_own_findings_stay_with_the_adapter(hub: HubStandIn, run: Path) -> None:
    change_json(run / "adapter" / "cxr_config.json", own_findings=["support_devices"], guided=True, secret="Doe")
    publish(run, NAME, PRIVATE)
    record = json.loads(hub.repos[NAME].files["cxr_config.json"])
    assert record == {"canvas": 288, "guided": True, "set_questions": True, "own_findings": ["support_devices"]}


def test_the_card_names_the_data_of_figures_and_calibration(hub: HubStandIn, run: Path) -> None:
    change_json(run / "evaluation" / "metrics.json", data_kind="mimic_cxr")
    change_json(run / "adapter" / "calibration.json", population="9 validation films (MIMIC-CXR)")
    publish(run, NAME, PRIVATE)
    files = hub.repos[NAME].files
    card, calibration = files["README.md"].decode(), json.loads(files["calibration.json"])
    assert "The data: MIMIC-CXR." in card and "14 of the 14 findings are calibrated" in card
    assert calibration["population"] == "9 validation films (MIMIC-CXR)" and calibration["population"] in card


@pytest.mark.parametrize("kind", ["mimic_cxr", "records", "hub"])
def test_own_findings_of_data_that_are_not_open_are_repeated_one_by_one(
    hub: HubStandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    run = build_run(tmp_path / kind, kind)
    change_json(run / "adapter" / "cxr_config.json", own_findings=["support_devices", "fracture"])
    for given in ("", "fracture", "fracture,support_devices,other", "all"):
        assert "--findings fracture,support_devices" in say(run, options=PublishOptions(findings=given))
    assert not hub.requests
    with caplog.at_level(logging.INFO):
        publish(run, NAME, PublishOptions(findings="support_devices, fracture"))
    assert "own findings are published: fracture, support_devices" in caplog.text and NAME in hub.repos


def test_a_run_without_calibration_and_figures_leaves_none_of_an_earlier_one(hub: HubStandIn, run: Path) -> None:
    publish(run, NAME, PRIVATE)
    hub.repos[NAME].add({**hub.repos[NAME].files, "notes.md": b"by hand"})
    (run / "adapter" / "calibration.json").unlink()
    (run / "evaluation" / "metrics.json").unlink()
    publish(run, NAME, PRIVATE)
    files = hub.repos[NAME].files
    assert "calibration.json" not in files and "metrics.json" not in files and "notes.md" in files
    assert "not calibrated" in files["README.md"].decode() and "not been evaluated" in files["README.md"].decode()


def test_our_card_replaces_a_librarys(hub: HubStandIn, run: Path) -> None:
    (run / "adapter" / "README.md").write_text("# Model Card for Model ID", encoding="utf-8")
    publish(run, NAME, PRIVATE)
    assert "must not be used to care for anybody" in hub.repos[NAME].files["README.md"].decode()


# --- what is never uploaded ---


def plant(run: Path) -> None:
    """Put the strings wherever a run or a library could have left them."""
    everything = {f"key of {text}": text for text in PLANTED} | {text: [1.0] for text in PLANTED}
    text = "\n".join(PLANTED)
    adapter = run / "adapter"
    options = {"data": "/data/clinic/mimic", "out": PLANTED[0], "engine": PLANTED[1], "uncertain": PLANTED[2]}
    change_json(run / "run.json", options={**options, **everything, "rank": 16}, patients=everything)
    for name in ("logs/log.csv", "states/index.txt", "rows/train.jsonl", "checkpoint-3/trainer_state.json"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text, encoding="utf-8")
    for name in ("trainer_state.json", "training_args.bin", "README.md", "reports.txt", "notes.json", PLANTED[7]):
        (adapter / name).write_text(text, encoding="utf-8")
    (run / "evaluation" / "predictions.jsonl").write_text(json.dumps(everything), encoding="utf-8")
    figures = {name: {"value": 0.5, "low": 0.4, "high": 0.6} for name in PLANTED}
    adapter_figures = {**METRICS["adapter"], "vqa": figures, "accuracy": figures, PLANTED[4]: figures}
    adapter_figures["f1"] = {"macro": {"value": 0.5, "of": PLANTED[0]}, "micro": PLANTED[1], "effusion": list(PLANTED)}
    change_json(run / "evaluation" / "metrics.json", adapter=adapter_figures, name=PLANTED[16], worst=everything)
    plant_in_adapter(adapter, everything)


COUNTS = ("films", "with_it", "present", "present_right")  # of films on which it was tested


def plant_in_adapter(adapter: Path, everything: dict[str, Any]) -> None:
    """Put them into the very files that are uploaded."""
    change_json(
        adapter / "adapter_config.json",
        base_model_name_or_path="/srv/pacs/export",
        revision=PLANTED[3],
        auto_mapping=everything,
    )
    change_json(adapter / "cxr_config.json", trained_by=PLANTED[10])
    change_json(adapter / "tokenizer_config.json", name_or_path="/srv/pacs/export", seen=["/data/clinic/mimic"])
    change_json(adapter / "processor_config.json", cache={"C:\\clinic\\films": 1, "at": "C:\\clinic\\films"})
    calibration = json.loads((adapter / "calibration.json").read_text())
    calibration["findings"]["effusion"]["tested"] = {
        "where": " ".join(PLANTED),
        **dict.fromkeys(COUNTS, 3),
        "absent": 0,
        "absent_right": 0,
    }
    scales = calibration["findings"] | {"Erika Mustermann": calibration["findings"]["effusion"]}
    write_json(adapter / "calibration.json", {"population": " ".join(PLANTED), "findings": scales})
    tensors = load_file(adapter / "adapter_model.safetensors")
    save_file(tensors, adapter / "adapter_model.safetensors", {"format": "pt", **{t: t for t in PLANTED}})


def test_nothing_of_a_patient_or_of_the_machine_is_in_the_uploaded_bytes(hub: HubStandIn, run: Path) -> None:
    assert len(PLANTED) == 20
    plant(run)
    change_json(run / "run.json", base="embedded Mllama")
    planted = b"".join(path.read_bytes() for path in run.rglob("*") if path.is_file()).lower()
    assert all(json.dumps(text)[1:-1].lower().encode() in planted for text in PLANTED)
    publish(run, NAME, PRIVATE)
    files = hub.repos[NAME].files
    uploaded = b"\n".join([*files.values(), *hub.stored.values(), *map(str.encode, files)]).lower()
    found = [
        text
        for text in PLANTED
        if text.lower().encode() in uploaded or json.dumps(text)[1:-1].lower().encode() in uploaded
    ]
    assert found == [] and str(run).encode() not in uploaded
    assert b"0.75" in files["metrics.json"] and set(files) <= ALLOWED | {".gitattributes"}


@pytest.mark.parametrize("own", ["s50414267", "ward 123", "Erika Mustermann", "films/ward3", "effusion"])
def test_what_cannot_be_a_finding_is_refused(hub: HubStandIn, run: Path, own: str) -> None:
    change_json(run / "adapter" / "cxr_config.json", own_findings=["support_devices", own])
    assert "own" in say(run) and not hub.requests


def test_a_tokenizer_that_names_a_path_is_refused(hub: HubStandIn, run: Path) -> None:
    change_json(run / "adapter" / "tokenizer.json", made_from="/srv/pacs/export/x.json")
    assert "tokenizer.json would name a path of this machine" in say(run)
    assert not hub.repos


@pytest.mark.parametrize("path", ["/srv/pacs/a.png", "~/films", "file:///data/x", "C:\\films", "D:/films", "../films"])
def test_paths_in_a_chat_template_are_refused(hub: HubStandIn, run: Path, path: str) -> None:
    (run / "adapter" / "chat_template.jinja").write_text(f"{{# from {path} #}}", encoding="utf-8")
    assert "chat_template.jinja" in say(run)


# --- who may see it ---


@pytest.mark.parametrize("kind", ["mimic_cxr", "records", "hub"])
def test_data_that_are_not_open_ask_for_a_sentence(hub: HubStandIn, tmp_path: Path, kind: str) -> None:
    run = build_run(tmp_path / kind, kind)
    assert ACKNOWLEDGEMENT in say(run, options=PUBLIC)
    assert ACKNOWLEDGEMENT in say(run, options=PublishOptions(public=True, acknowledge=ACKNOWLEDGEMENT.lower()))
    assert not hub.requests
    publish(run, NAME, PublishOptions(public=True, acknowledge=ACKNOWLEDGEMENT))
    assert not hub.repos[NAME].private


def test_the_sentence_can_be_typed(hub: HubStandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = build_run(tmp_path / "own", "records")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    typed = iter(["yes", ACKNOWLEDGEMENT])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    assert ACKNOWLEDGEMENT in say(run, options=PUBLIC)
    assert publish(run, NAME, PublishOptions(public=True)) == hub.commit(NAME)


def test_open_data_may_be_public_at_once(hub: HubStandIn, run: Path) -> None:
    publish(run, NAME, PUBLIC)
    assert not hub.repos[NAME].private


def test_a_public_repository_gets_nothing_private(hub: HubStandIn, run: Path) -> None:
    first = publish(run, NAME, PUBLIC)
    (run / "adapter" / "calibration.json").unlink()
    assert "is there already and public" in say(run)
    assert hub.commit(NAME) == first


def test_a_private_repository_is_not_opened(hub: HubStandIn, run: Path) -> None:
    publish(run, NAME, PRIVATE)
    assert "is there already and private" in say(run, options=PUBLIC)
    assert hub.repos[NAME].private


# --- what cannot be ---


@pytest.mark.parametrize(
    ("own", "options", "sentence"),
    [
        (["novak", "weiss"], PublishOptions(), "--findings novak,weiss"),
        (["ward_123"], PublishOptions(findings="ward_123"), "holds a long number"),
        ([], PUBLIC, ACKNOWLEDGEMENT),
        ([], PublishOptions(base_name=LLAMA), "starts with Llama"),
    ],
)
def test_what_the_data_or_the_name_forbid_is_said_before_there_is_a_run(
    own: list[str], options: PublishOptions, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CxrError, match=re.escape(sentence)):
        check_request(NAME, EMBEDDED_NAME, "records", own, options)


def test_what_was_typed_before_is_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    typed, options = iter([ACKNOWLEDGEMENT]), PublishOptions(public=True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    for _ in range(2):
        assert check_request(NAME, EMBEDDED_NAME, "records", [], options) == EMBEDDED_NAME


@pytest.mark.parametrize("base", [LLAMA, "unsloth/Llama-3.2-11B-Vision-Instruct", "clinic/Llama-3.2-films-merged"])
def test_a_llama_base_asks_for_its_name(hub: HubStandIn, tmp_path: Path, base: str) -> None:
    run = build_run(tmp_path / "llama", base=base)
    assert f"{OWNER}/Llama-chest-films-lora" in say(run)
    assert "starts with Llama" in say(run, f"{OWNER}/llama-films") and not hub.requests
    assert "must name Llama" in say(run, NAME, PublishOptions(base_name="foo/bar")) and not hub.requests
    publish(run, f"{OWNER}/Llama-chest-films", PRIVATE)


@pytest.mark.parametrize("name", ["films", "a/b/c", "owner/..", "owner/fi lms", "owner/x.git", ""])
def test_names_that_cannot_be(hub: HubStandIn, run: Path, name: str) -> None:
    assert "owner/" in say(run, name) and not hub.requests


def test_a_base_that_is_a_folder_must_be_named(hub: HubStandIn, run: Path) -> None:
    change_json(run / "run.json", base="/data/models/llama")
    sentence = say(run)
    assert "--base_name" in sentence and "/data" not in sentence


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("run.json", "not the folder of a run"),
        ("adapter/adapter_config.json", "adapter_config.json"),
        ("adapter/adapter_model.safetensors", "adapter_model.safetensors"),
        ("adapter/cxr_config.json", "cxr_config.json"),
    ],
)
def test_a_run_that_is_not_complete(hub: HubStandIn, run: Path, file: str, sentence: str) -> None:
    (run / file).unlink()
    if file == "adapter/adapter_config.json":
        change_json(run / "run.json", base="embedded Mllama")
    assert sentence in say(run) and not hub.requests


def test_more_than_a_lora_is_refused(hub: HubStandIn, run: Path) -> None:
    path = run / "adapter" / "adapter_model.safetensors"
    tensors = load_file(path)
    save_file({**tensors, "language_model.embed_tokens.weight": next(iter(tensors.values())).clone()}, path)
    assert "not a LoRA alone" in say(run)


# --- what the Hub says ---


@pytest.mark.parametrize(
    ("token", "name", "sentence"),
    [
        ("", NAME, "does not accept the token"),
        ("hf_wrong", NAME, "does not accept the token"),
        (READ_TOKEN, NAME, "may not write"),
        (TOKEN, "somebody/films", "may not write"),
        (TOKEN, "some/gated", "is gated and not yours"),
    ],
)
def test_refusals_are_sentences(
    hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch, token: str, name: str, sentence: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    hub.repos |= HubStandIn({"some/gated": run / "evaluation"}, gated=["some/gated"]).repos
    assert sentence in say(run, name, PUBLIC)
    assert set(hub.repos) == {"some/gated"} and not hub.stored


@pytest.mark.parametrize(
    "losing", ["POST /api/repos", "GET /api/models", "PUT /lfs/", f"POST /api/models/{NAME}/commit"]
)
def test_a_lost_connection_says_what_to_do_and_a_second_call_completes(
    hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch, losing: str
) -> None:
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)  # between the library's own attempts
    hub.losing = losing
    assert "run the same command again" in say(run)
    assert NAME not in hub.repos or "adapter_model.safetensors" not in hub.repos[NAME].files
    hub.losing = ""
    before = dict(hub.stored)
    hub.requests.clear()
    commit = publish(run, NAME, PRIVATE)
    assert hub.commit(NAME) == commit and "adapter_model.safetensors" in hub.repos[NAME].files
    assert not [oid for oid in before if hub.requests[f"PUT /lfs/{oid}"]]  # what had arrived is not sent again


def test_the_same_run_again_makes_no_new_commit(hub: HubStandIn, run: Path) -> None:
    assert publish(run, NAME, PRIVATE) == publish(run, NAME, PRIVATE)


def test_a_hub_that_is_down(hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http.time, "sleep", lambda seconds: None)
    hub.failing = True
    assert "answered 503" in say(run)


def test_options_are_those_of_a_command_line() -> None:
    (options,) = HfArgumentParser([PublishOptions]).parse_args_into_dataclasses(["--push_to_hub", NAME, "--public"])
    assert options == PublishOptions(NAME, True) and "token" not in {field.name for field in fields(options)}


def test_what_draws_maps_goes_along_too(hub: HubStandIn, run: Path) -> None:
    tensors = {name: torch.ones(3) for name in ("low", "low_bias", "high", "high_bias", "trials")}
    save_file({**tensors, "patient": torch.zeros(2)}, run / "adapter" / "maps.safetensors", {"who": "Nobody^Real"})
    publish(run, NAME, PRIVATE)
    sent = hub.repos[NAME].files["maps.safetensors"]
    assert b"Nobody" not in sent and set(read_tensors(sent)) == set(tensors)


def test_the_gate_goes_along_without_what_its_header_may_hold(hub: HubStandIn, run: Path) -> None:
    gate = run / "adapter" / "gate.safetensors"
    tensors = {name: torch.ones(3) for name in ("mean", "axes", "variances", "figures")}
    save_file({**tensors, "patient": torch.zeros(2)}, gate, {"who": "Nobody^Real"})
    publish(run, NAME, PRIVATE)
    sent = hub.repos[NAME].files["gate.safetensors"]
    assert b"Nobody" not in sent and set(read_tensors(sent)) == set(tensors)
    save_file({"mean": torch.ones(3)}, gate)
    assert "gate.safetensors" in say(run)
