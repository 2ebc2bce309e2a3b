"""The model card of an adapter: what it is, on what it was trained, what it measures, and what it is not for.

Knows nothing about files or about the Hub; what it is given has been cleaned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from cxr.evaluation.tables import NAMES, write_table
from cxr.findings import BY_KEY, find_finding
from cxr.results import DISCLAIMER
from cxr.training.disclosure import list_figures

# The kinds of data by the name in a run's record: as a data set's name, and in words.
DATASETS = {"chestxray14": "ChestX-ray14", "mimic_cxr": "MIMIC-CXR", "records": "own films", "hub": "own films"}

DATA = {
    "chestxray14": "ChestX-ray14 of the NIH Clinical Center (Wang et al., CVPR 2017); its labels were read from "
    "reports by a program, and about one in ten is wrong",
    "mimic_cxr": "MIMIC-CXR (Johnson et al., Scientific Data 2019), credentialed data of PhysioNet that may not be "
    "passed on",
    "records": "films of the publisher's own, which are not part of this repository",
    "hub": "a data set of the Hub in the publisher's care, which is not part of this repository",
}
LLAMA_NOTICE = (
    "Llama 3.2 is licensed under the Llama 3.2 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved."
)
LLAMA_TERMS = (
    "With respect to any multimodal models included in Llama 3.2, the rights granted under Section 1(a) of the Llama "
    "3.2 Community License Agreement are not being granted to you if you are an individual domiciled in, or a company "
    "with a principal place of business in, the European Union. This restriction does not apply to end users of a "
    "product or service that incorporates any such multimodal models."
)
NOTICE = f"""Built with Llama

{LLAMA_NOTICE}

The licence is in LICENSE.txt. The Acceptable Use Policy, which is part of it, is at
https://www.llama.com/llama3_2/use-policy. From that policy:

"{LLAMA_TERMS}"
"""


@dataclass(frozen=True)
class CardFacts:
    """What the card says; `metrics` and `options` hold nothing but known names, numbers and words."""

    name: str  # owner/name
    base: str
    llama: bool
    data_kind: str  # a key of DATA
    canvas: int  # side in px
    calibrated: bool
    own_findings: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)


def write_card(facts: CardFacts) -> str:
    """The README.md of the adapter's repository, its metadata first."""
    parts = [
        f"---\n{write_metadata(facts)}\n---",
        f"# {facts.name.split('/')[-1]}",
        describe(facts),
        f"**{DISCLAIMER} It must not be used to care for anybody.** It has not been tried in any clinic: expect it to "
        "be wrong.",
        "## Data\n\n" + describe_data(facts),
        "## Training\n\n" + describe_training(facts),
        "## Figures\n\n" + describe_figures(facts),
        "## Use\n\n" + describe_use(facts),
        "## Limits\n\n" + describe_limits(facts),
        "## Licence\n\n" + describe_licence(facts),
    ]
    return "\n\n".join(parts) + "\n"


def write_metadata(facts: CardFacts) -> str:
    """The front matter, as YAML."""
    results = list_results(facts)
    return ModelCardData(
        base_model=facts.base if "/" in facts.base else None,  # the embedded one is no repository
        library_name="peft",
        pipeline_tag="image-text-to-text",
        license="llama3.2" if facts.llama else "mit" if "/" not in facts.base else "other",
        language="en",
        tags=["lora", "mllama", "chest-x-ray", "radiology", "medical", *(["llama-3.2"] if facts.llama else [])],
        model_name=facts.name.split("/")[-1] if results else None,
        eval_results=results or None,
    ).to_yaml()


def list_results(facts: CardFacts) -> list[EvalResult]:
    """The adapter's figures over all findings, for the model index."""
    figures = list_figures(facts.metrics)
    return [
        EvalResult(
            task_type="image-text-to-text",
            dataset_type=facts.data_kind,
            dataset_name=DATASETS[facts.data_kind],
            dataset_split=facts.metrics.get("split"),
            metric_type=name.replace("/", "_"),
            metric_name=words,
            metric_value=round(figures[f"adapter/{name}"].value, 4),
        )
        for name, words in NAMES.items()
        if f"adapter/{name}" in figures
    ]


def describe(facts: CardFacts) -> str:
    """What it is."""
    base = f"[{facts.base}](https://huggingface.co/{facts.base})" if "/" in facts.base else f"the {facts.base}"
    built = "**Built with Llama.** " if facts.llama else ""
    own = ", ".join(find_finding(key).noun for key in facts.own_findings)
    return (
        f"{built}A LoRA adapter for {base} that reads frontal chest films: the probabilities of 14 findings, a report, "
        "and answers to questions." + (f" It was also trained to look for: {own}." if own else "")
    )


def describe_data(facts: CardFacts) -> str:
    """On what it was trained."""
    return (
        f"{DATA[facts.data_kind]}. A finding that a source does not label is unknown there and is neither trained nor "
        "scored as absent. Splits are by patient. Reports are freed of references to earlier films, since none is "
        "given. Films are never mirrored. No film, report or label is part of this repository."
    )


def describe_training(facts: CardFacts) -> str:
    """How it was trained."""
    rows = [f"| {name.replace('_', ' ')} | {value} |" for name, value in facts.options.items()]
    table = "\n".join(["| option | value |", "|---|---|", *rows]) if rows else "Its options are not recorded."
    return f"LoRA on a frozen base; every film on one square canvas of {facts.canvas} px.\n\n{table}"


def describe_figures(facts: CardFacts) -> str:
    """What it measures, the base beside it where that was measured too."""
    figures = list_figures(facts.metrics)
    readers = [reader for reader in ("base", "adapter") if any(name.startswith(f"{reader}/") for name in figures)]
    if "adapter" not in readers:
        return "It has not been evaluated."
    split = facts.metrics.get("split", "evaluated")
    films = f" of {facts.metrics['films']} films" if "films" in facts.metrics else ""
    chosen = "The adapter was chosen and calibrated by validation films, so their figures flatter it. "
    return (
        f"The {split} split{films}; in brackets 95 % intervals by patient. Findings "
        f"are read back from reports by rules, not by a radiologist. {chosen if split == 'val' else ''}".rstrip()
        + "\n\n"
        + write_table(figures, readers, [*BY_KEY, *facts.own_findings])
    )


def describe_use(facts: CardFacts) -> str:
    """How to load it."""
    return (
        f"In the Space, or wherever the program runs: set `CXR_ADAPTER={facts.name}` and `CXR_ADAPTER_REVISION` to a "
        "commit. `cxr_config.json` records the canvas, "
        + ("`calibration.json` the scales and operating points of the probabilities, " if facts.calibrated else "")
        + "the other files are those of PEFT and of the base's processor."
    )


def describe_limits(facts: CardFacts) -> str:
    """What it cannot do."""
    lines = [
        "It reads one frontal film. It does not compare with earlier films and gives no advice on treatment.",
        "No finding seen does not mean that a film is normal: what is not in the list is not looked for.",
        "Films of other hospitals, devices, ages and countries than those of its data may be read worse; nobody has "
        "measured by how much.",
        "Its reports can assert what is not there and leave out what is; read the probabilities first.",
        "Probabilities are calibrated for the prevalence in its validation films, which is not that of other patients."
        if facts.calibrated
        else "Its probabilities are not calibrated: they rank films and say no more.",
        *(["English is the only language that Llama 3.2 supports beside images."] if facts.llama else []),
    ]
    return "\n".join(f"- {line}" for line in lines)


def describe_licence(facts: CardFacts) -> str:
    """Under which terms it stands."""
    if facts.llama:
        return (
            f"Built with Llama. {LLAMA_NOTICE} {LLAMA_TERMS} The licence is in LICENSE.txt, the notice in NOTICE. Its "
            "[Acceptable Use Policy](https://www.llama.com/llama3_2/use-policy) forbids the unlicensed practice of "
            "medicine."
        )
    if "/" in facts.base:
        return f"The terms of {facts.base} and of the data hold."
    return "MIT, as the base that ships with the program; the terms of the data hold as well."
