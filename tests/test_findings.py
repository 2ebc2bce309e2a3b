"""The one table of findings: complete, unambiguous, and with a reading order that never plays down danger."""

import csv
import re

import pytest

from cxr.findings import (
    BY_KEY,
    FINDINGS,
    FROM_NIH,
    Finding,
    Level,
    find_finding,
    list_not_looked_for,
    order_finding,
    read_label,
)
from cxr.labels import MAX_LABEL, OUTSIDE
from tests.data import DATA, needs_data


def test_there_are_14_and_each_has_its_own_words() -> None:
    assert len(FINDINGS) == len(BY_KEY) == 14
    for words in ("key", "name", "noun", "plain", "why"):
        assert len({getattr(finding, words) for finding in FINDINGS}) == 14, words


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.key)
def test_the_words_fit_their_sentences(finding: Finding) -> None:
    assert re.fullmatch(r"[a-z_]+", finding.key)
    assert finding.name[0].isupper() and finding.noun == finding.noun.lower()
    assert finding.plain.endswith(".") and finding.why.endswith(".")
    # "Pneumothorax seen: {why}" begins a clause with the reason's first letter in lower case.
    assert not finding.why.split()[0].isupper() or finding.why.startswith("A ")


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.key)
def test_its_own_names_lead_to_a_finding_and_to_no_other(finding: Finding) -> None:
    for text in (finding.name.lower(), finding.noun):
        named = [other for other in FINDINGS if any(re.search(rf"\b(?:{alias})\b", text) for alias in other.aliases)]
        assert named == [finding], text


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda finding: finding.key)
def test_being_sure_never_lowers_the_level(finding: Finding) -> None:
    assert finding.if_present.rank >= finding.if_unsure.rank
    assert finding.if_present is not Level.NONE_SEEN


def test_an_unsure_pneumothorax_is_never_the_lowest() -> None:
    assert BY_KEY["pneumothorax"].if_unsure.rank > Level.NONE_SEEN.rank
    assert BY_KEY["pneumothorax"].if_present is Level.LOOK_FIRST


def test_levels_are_ranked_as_they_are_read() -> None:
    assert [level.rank for level in (Level.NONE_SEEN, Level.ATTENTION, Level.LOOK_FIRST)] == [0, 1, 2]
    assert "of the 14" in Level.NONE_SEEN.value and "normal" not in Level.NONE_SEEN.value.lower()


# CheXpert's 14 labels (Irvin et al., AAAI 2019) as its csv spells them, and where they lead.
CHEXPERT = {
    "No Finding": None,
    "Enlarged Cardiomediastinum": "enlarged_cardiomediastinum",
    "Cardiomegaly": "cardiomegaly",
    "Lung Opacity": "lung_opacity",
    "Lung Lesion": "lung_lesion",
    "Edema": "edema",
    "Consolidation": "consolidation",
    "Pneumonia": "pneumonia",
    "Atelectasis": "atelectasis",
    "Pneumothorax": "pneumothorax",
    "Pleural Effusion": "effusion",
    "Pleural Other": "pleural_other",
    "Fracture": "fracture",
    "Support Devices": "support_devices",
}
OTHERS = {
    "Infiltrate": "infiltration",  # ChestX-ray14's boxes
    "Pleural_Thickening": "pleural_thickening",
    "pleural thickening": "pleural_thickening",
    "NORMAL": None,  # Kermany's folders and file names
    "PNEUMONIA": "pneumonia",
    "BACTERIA": "pneumonia",
    "virus": "pneumonia",
    " Tuberculosis ": "tuberculosis",
    "COVID-19": "covid_19",
}


@pytest.mark.parametrize(("label", "key"), [*CHEXPERT.items(), *OTHERS.items()])
def test_every_source_s_label_leads_to_its_key(label: str, key: str | None) -> None:
    assert read_label(label) == read_label(label.upper()) == key


def test_nih_s_labels_lead_to_the_14() -> None:
    assert {label: read_label(label) for label in FROM_NIH} == FROM_NIH
    assert set(FROM_NIH.values()) == set(BY_KEY)


@pytest.mark.parametrize("label", ["", " ", "1", "?!", "-1", "x" * (MAX_LABEL + 1)])
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="A label must be"):
        read_label(label)


def test_a_key_is_read_as_itself() -> None:
    for key in [*BY_KEY, *filter(None, CHEXPERT.values()), "covid_19"]:
        assert read_label(key) == key and find_finding(key).key == key


def test_an_own_finding_has_the_words_of_its_label_and_says_where_they_come_from() -> None:
    assert find_finding("effusion") is BY_KEY["effusion"]
    own = find_finding("support_devices")
    assert (own.name, own.noun, own.sided) == ("Support devices", "support devices", False)
    assert own.if_present is own.if_unsure is Level.ATTENTION
    assert "own training labels" in own.why
    (alias,) = own.aliases
    for text in ("support devices", "support device", "support-devices"):
        assert re.fullmatch(alias, text)


def test_own_findings_come_after_the_14_by_name() -> None:
    keys = ["tuberculosis", "hernia", "fracture", "pneumothorax"]
    assert sorted(keys, key=order_finding) == ["pneumothorax", "hernia", "fracture", "tuberculosis"]
    assert sorted({*BY_KEY}, key=order_finding) == list(BY_KEY)


def test_what_is_learnt_is_no_longer_called_not_looked_for() -> None:
    assert list_not_looked_for() == tuple(OUTSIDE)
    own = {read_label(label) or "" for label in ("Tuberculosis", "Support Devices", "Fracture", "COVID-19")}
    assert list_not_looked_for(own) == ("the aorta", "the abdomen")
    assert list_not_looked_for(["lung_lesion"]) == list_not_looked_for()


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("fractures", "fractures"),
        ("rib_fracture", "fractures"),
        ("covid", "COVID-19"),
        ("COVID19", "COVID-19"),
        ("tb", "tuberculosis"),
        ("support_device", "tubes, lines and devices"),
        ("central line", "tubes, lines and devices"),
        ("aorta", "the aorta"),
    ],
)
def test_an_own_finding_in_other_words_is_no_longer_called_not_looked_for(label: str, name: str) -> None:
    left = list_not_looked_for([read_label(label) or ""])
    assert set(list_not_looked_for()) - set(left) == {name}


@pytest.mark.parametrize(
    "label",
    [
        "No effusion",
        "Effusion: absent",
        "Pneumonia (ruled out)",
        "rule out pneumonia",
        "Not cardiomegaly",
        "Effusion?",
        "?Pneumonia",
        "negative for mass",
        "effusion - none",
    ],
)
def test_a_label_that_names_what_is_absent_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="names what is present"):
        read_label(label)


@pytest.mark.parametrize(
    "label",
    ["No Findings", "Normal chest", "normal chest x-ray", "healthy", "unremarkable", "negative", "None", "N/A"],
)
def test_words_for_nothing_found(label: str) -> None:
    assert read_label(label) is None


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("pulmonary edema", "edema"),
        ("Pulmonary Oedema", "edema"),
        ("Oedema", "edema"),
        ("Nodules", "nodule"),
        ("Infiltrates", "infiltration"),
        ("pleural effusions", "effusion"),
        ("Hiatal hernia", "hernia"),
        ("a hiatal hernia", "hernia"),
        ("Consolidations", "consolidation"),
        ("Enlarged heart", "cardiomegaly"),
        ("a fracture", "fracture"),
        ("breast mass", "breast_mass"),
        ("abnormal", "abnormal"),
        ("normal variant", "normal_variant"),
    ],
)
def test_other_words_for_a_finding_lead_to_it(label: str, key: str) -> None:
    assert read_label(label) == key == read_label(key)


def test_a_label_is_one_key_however_it_is_encoded() -> None:
    composed, apart = "\u00e9panchement", "e\u0301panchement"
    assert read_label(composed) == read_label(apart) == composed
    hindi = "\u0928\u093f\u092e\u094b\u0928\u093f\u092f\u093e"  # its vowel signs are marks, not letters
    assert read_label(hindi) == hindi


def test_the_words_of_own_findings_fit_a_sentence() -> None:
    words = {key: (find_finding(key).name, find_finding(key).noun) for key in ("fracture", "covid_19", "pleural_other")}
    assert words == {
        "fracture": ("Fracture", "a fracture"),
        "covid_19": ("COVID-19", "COVID-19"),
        "pleural_other": ("Pleural other", "another pleural finding"),
    }
    for key in ("covid_19", "pleural_other", "enlarged_cardiomediastinum", "rib_fractures"):
        finding = find_finding(key)
        assert any(re.fullmatch(alias, finding.bare_noun.lower()) for alias in finding.aliases)


def test_what_is_not_looked_for_is_none_of_the_14() -> None:
    names = {finding.name.lower() for finding in FINDINGS}
    assert {"fractures", "tubes, lines and devices"} <= set(list_not_looked_for())
    assert not names & {name.lower() for name in list_not_looked_for()}


@needs_data
def test_every_nih_label_is_known() -> None:
    with (DATA / "films.csv").open(newline="", encoding="utf-8") as rows:
        labels = {
            label for row in csv.DictReader(rows) if row["source"] == "nih_cxr14" for label in row["labels"].split("|")
        }
    assert labels - {"No Finding"} == set(FROM_NIH)
