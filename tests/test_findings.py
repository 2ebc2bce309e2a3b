"""The one table of findings: complete, unambiguous, and with a reading order that never plays down danger."""

import csv
import re

import pytest

from cxr.findings import BY_KEY, FINDINGS, FROM_CHEXPERT, FROM_KERMANY, FROM_NIH, NOT_LOOKED_FOR, Finding, Level
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


def test_label_maps_lead_to_our_keys() -> None:
    assert set(FROM_NIH.values()) == set(BY_KEY)
    assert FROM_NIH["Pleural_Thickening"] == "pleural_thickening" and FROM_NIH["Hernia"] == "hernia"
    assert set(FROM_CHEXPERT.values()) | set(FROM_KERMANY.values()) <= set(BY_KEY)


def test_what_is_not_looked_for_is_none_of_the_14() -> None:
    names = {finding.name.lower() for finding in FINDINGS}
    assert {"fractures", "tubes, lines and devices"} <= set(NOT_LOOKED_FOR)
    assert not names & {name.lower() for name in NOT_LOOKED_FOR}


@needs_data
def test_every_nih_label_is_known() -> None:
    with (DATA / "films.csv").open(newline="", encoding="utf-8") as rows:
        labels = {
            label for row in csv.DictReader(rows) if row["source"] == "nih_cxr14" for label in row["labels"].split("|")
        }
    assert labels - {"No Finding"} == set(FROM_NIH)
