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
    calibrated=True,
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
    assert "| base | adapter | difference |" in card and "test split of 200 films" in card
    assert "0.500 [0.400, 0.600] | 0.750 [0.700, 0.800] | +0.250 [+0.200, +0.300] |" in card
    assert "| AUROC, Effusion |" in card


def test_figures_of_validation_films_are_called_flattered() -> None:
    assert "figures flatter it" not in write_card(FACTS)
    assert "figures flatter it" in write_card(replace(FACTS, metrics={**METRICS, "split": "val"}))


def test_without_figures_nothing_is_claimed() -> None:
    bare = replace(FACTS, metrics={"base": METRICS["base"]}, calibrated=False, options={})
    card = write_card(bare)
    assert "model-index" not in read_front(bare) and "It has not been evaluated." in card
    assert "not calibrated" in card and "options are not recorded" in card


@pytest.mark.parametrize("kind", list(DATA))
def test_every_kind_of_data_has_its_words(kind: str) -> None:
    card = write_card(replace(FACTS, data_kind=kind))
    assert DATA[kind] in card and DATASETS[kind] in card


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
