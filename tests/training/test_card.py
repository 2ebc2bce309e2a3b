"""The card says what the adapter is, measures and must not be used for; its metadata are what the Hub reads."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCardData
from huggingface_hub.repocard_data import model_index_to_eval_results

from cxr.training.card import DATA, DATASETS, CardFacts, write_card
from tests.training.runs import METRICS

FACTS = CardFacts(
    name="clinic/Llama-films",
    base="meta-llama/Llama-3.2-11B-Vision-Instruct",
    llama=True,
    data_kind="chestxray14",
    canvas=560,
    calibrated=9,
    population="80 validation films (ChestX-ray14)",
    own_findings=("support_devices",),
    options={"rank": 16, "learning_rate": 2e-4},
    metrics=METRICS,
)


def read_front(facts: CardFacts) -> dict[str, Any]:
    _, front, _ = write_card(facts).split("---\n", 2)
    return dict(yaml.safe_load(front))


def test_metadata_are_those_of_an_adapter() -> None:
    front = read_front(FACTS)
    assert front["base_model"] == FACTS.base and front["library_name"] == "peft"
    assert front["pipeline_tag"] == "image-text-to-text" and front["license"] == "llama3.2"
    assert {"lora", "chest-x-ray", "radiology"} <= set(front["tags"])
    assert ModelCardData(**front).to_dict()["base_model"] == FACTS.base


def test_the_model_index_holds_the_adapters_figures_over_all_findings() -> None:
    name, results = model_index_to_eval_results(read_front(FACTS)["model-index"])
    assert name == "Llama-films"
    assert {(item.metric_type, item.metric_value) for item in results} == {("auroc_macro", 0.75), ("bleu_4", 0.75)}
    assert {(item.dataset_name, item.dataset_split) for item in results} == {("ChestX-ray14", "test")}


def test_the_table_shows_base_adapter_and_difference() -> None:
    card = write_card(FACTS)
    assert "| base | adapter | difference |" in card and "test split of 200 films of 150 patients" in card
    assert "0.500 [0.400, 0.600] | 0.750 [0.700, 0.800] | +0.250 [+0.200, +0.300] |" in card
    assert "| AUROC, Effusion (40 with it) |" in card


@pytest.mark.parametrize("present", [4, 196])
def test_figures_of_few_films_are_left_out_and_said_so(present: int) -> None:
    counts = {**METRICS["findings"], "hernia": {"known": 200, "present": present}}
    card = write_card(replace(FACTS, metrics={**METRICS, "findings": counts}))
    assert "AUROC, Hernia" not in card and "have not the finding: Hernia." in card
    many = write_card(replace(FACTS, metrics={**METRICS, "findings": {"hernia": {"known": 200, "present": 5}}}))
    assert "| AUROC, Hernia (5 with it) |" in many and "Left out" not in many


def test_figures_name_their_own_data_and_not_those_of_the_run() -> None:
    other = replace(FACTS, metrics={**METRICS, "data_kind": "mimic_cxr", "same_data": False})
    assert "The data: MIMIC-CXR." in write_card(other) and "it may have been trained on some" in write_card(other)
    _, results = model_index_to_eval_results(read_front(other)["model-index"])
    assert {(item.dataset_type, item.dataset_name) for item in results} == {("mimic_cxr", "MIMIC-CXR")}
    bare = replace(FACTS, metrics={key: METRICS[key] for key in ("split", "adapter")})
    assert "Of which data they are is not recorded." in write_card(bare)
    _, results = model_index_to_eval_results(read_front(bare)["model-index"])
    assert {item.dataset_name for item in results} == {"not recorded"}
    assert "may have been trained" not in write_card(FACTS)


def test_the_card_says_how_many_findings_are_calibrated_and_on_what() -> None:
    said = "9 of the 14 findings are calibrated, for their prevalence in 80 validation films (ChestX-ray14)"
    assert said in write_card(FACTS)


def test_own_findings_are_labels_that_go_out() -> None:
    card = write_card(FACTS)
    assert "No film, report or label" not in card and "these names of labels are: support_devices." in card
    assert "No film, report or label is part" in write_card(replace(FACTS, own_findings=()))


def test_options_have_names_that_say_what_they_are() -> None:
    card = write_card(replace(FACTS, options={"films": 8, "rows": 4}))
    assert "| films a micro-batch | 8 |" in card and "| questions a film | 4 |" in card


def test_figures_of_validation_films_are_called_flattered() -> None:
    assert "figures flatter it" not in write_card(FACTS)
    assert "figures flatter it" in write_card(replace(FACTS, metrics={**METRICS, "split": "val"}))


def test_without_figures_nothing_is_claimed() -> None:
    bare = replace(FACTS, metrics={"base": METRICS["base"]}, calibrated=0, options={})
    card = write_card(bare)
    assert "model-index" not in read_front(bare) and "It has not been evaluated." in card
    assert "not calibrated" in card and "options are not recorded" in card


@pytest.mark.parametrize("kind", list(DATA))
def test_every_kind_of_data_has_its_words(kind: str) -> None:
    card = write_card(replace(FACTS, data_kind=kind))
    assert f"## Data\n\n{DATA[kind]}" in card and DATA[kind][0].isupper()
    assert DATASETS[kind] in write_card(replace(FACTS, metrics={**METRICS, "data_kind": kind}))


def test_limits_and_the_disclaimer_are_said() -> None:
    card = write_card(FACTS)
    for words in (
        "Research and teaching only",
        "must not be used to care for anybody",
        "does not compare with earlier",
    ):
        assert words in card
    assert "support devices" in card and "| learning rate | 0.0002 |" in card and "560 px" in card


def test_llama_asks_for_its_words_and_no_other_base_does() -> None:
    card = write_card(FACTS)
    assert "Built with Llama" in card and "Copyright © Meta Platforms, Inc." in card and "European Union" in card
    ours = replace(FACTS, name="clinic/films", base="embedded Mllama", llama=False)
    front = read_front(ours)
    assert "Llama" not in write_card(ours) and front["license"] == "mit" and "base_model" not in front
    assert read_front(replace(ours, base="clinic/mllama"))["license"] == "other"
