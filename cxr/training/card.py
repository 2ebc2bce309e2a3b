"""The model card of an adapter: what it is, on what it was trained, what it measures, and what it is not for.

Knows nothing about files or about the Hub; what it is given has been cleaned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from cxr.evaluation.intervals import FEWEST
from cxr.evaluation.tables import NAMES, write_table
from cxr.findings import BY_KEY, find_finding
from cxr.results import DISCLAIMER
from cxr.training.disclosure import list_figures

# The kinds of data by the name in a run's record: as a data set's name, and in words.
DATASETS = {"chestxray14": "ChestX-ray14", "mimic_cxr": "MIMIC-CXR", "records": "own films", "hub": "own films"}

NOTHING = "No film, report or label is part of this repository."
DATA = {
    "chestxray14": "ChestX-ray14 of the NIH Clinical Center (Wang et al., CVPR 2017); its labels were read from "
    "reports by a program, and about one in ten is wrong",
    "mimic_cxr": "MIMIC-CXR (Johnson et al., Scientific Data 2019), credentialed data of PhysioNet that may not be "
    "passed on",
    "records": "Films of the publisher's own, which are not part of this repository",
    "hub": "A data set of the Hub in the publisher's care, which is not part of this repository",
}
WORDS = {"films": "films a micro-batch", "rows": "questions a film"}  # of options whose name says too little
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
    calibrated: int  # how many of the 14
    population: str = ""  # the films on which it was calibrated, in words
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
    figures, kind = list_figures(facts.metrics), facts.metrics.get("data_kind", "unknown")
    return [
        EvalResult(
            task_type="image-text-to-text",
            dataset_type=kind,
            dataset_name=DATASETS.get(kind, "not recorded"),
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
    own = ", ".join(facts.own_findings)
    left_out = f"No film or report is part of this repository; these names of labels are: {own}." if own else NOTHING
    return (
        f"{DATA[facts.data_kind]}. A finding that a source does not label is unknown there and is neither trained nor "
        "scored as absent. Splits are by patient. Reports are freed of references to earlier films, since none is "
        f"given. Films are never mirrored. {left_out}"
    )


def describe_training(facts: CardFacts) -> str:
    """How it was trained."""
    rows = [f"| {WORDS.get(name, name.replace('_', ' '))} | {value} |" for name, value in facts.options.items()]
    table = "\n".join(["| option | value |", "|---|---|", *rows]) if rows else "Its options are not recorded."
    return f"LoRA on a frozen base; every film on one square canvas of {facts.canvas} px.\n\n{table}"


def describe_figures(facts: CardFacts) -> str:
    """What it measures, the base beside it where that was measured too."""
    figures = list_figures(facts.metrics)
    readers = [reader for reader in ("base", "adapter") if any(name.startswith(f"{reader}/") for name in figures)]
    if "adapter" not in readers:
        return "It has not been evaluated."
    split, counts = facts.metrics.get("split", "evaluated"), facts.metrics.get("findings", {})
    chosen = "The adapter was chosen and calibrated by validation films, so their figures flatter it. "
    few = [key for key, row in counts.items() if min(row["present"], row["known"] - row["present"]) < FEWEST]
    names = ", ".join(find_finding(key).name for key in few)
    left_out = f"\n\nLeft out, since fewer than {FEWEST} films have or have not the finding: {names}." if few else ""
    shown = [key for key in (*BY_KEY, *facts.own_findings) if key not in few]
    return (
        f"The {split} split{count_films(facts.metrics)}; in brackets 95 % intervals by patient. "
        f"{describe_origin(facts)} Findings are read back from reports by rules, not by a radiologist. "
        f"{chosen if split == 'val' else ''}".rstrip()
        + "\n\n"
        + write_table(figures, readers, shown, {key: row["present"] for key, row in counts.items()})
        + left_out
    )


def count_films(metrics: Mapping[str, Any]) -> str:
    """ " of 200 films of 150 patients", as far as it is known."""
    return "".join(f" of {metrics[name]} {name}" for name in ("films", "patients") if name in metrics)


def describe_origin(facts: CardFacts) -> str:
    """Of which data the films are on which it was measured, and whether it may have been trained on them."""
    kind = facts.metrics.get("data_kind")
    of = f"The data: {DATASETS[kind]}." if kind else "Of which data they are is not recorded."
    if facts.metrics.get("same_data") or facts.metrics.get("split") == "train":
        return of
    return (
        f"{of} **Data or options are not known to be those of the training, so it may have been trained on some of "
        "them.**"
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
        f"{facts.calibrated} of the 14 findings are calibrated, for their prevalence in {facts.population}, which is "
        "not that of other patients."
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
