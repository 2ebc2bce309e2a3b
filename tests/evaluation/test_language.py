"""BLEU and ROUGE are the libraries' own, summed film by film; the rest by hand."""

import math

import pytest
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from cxr.evaluation.language import (
    ORDERS,
    count_findings,
    count_overlap,
    count_reports,
    join_sections,
    measure_language,
    name_bleu,
)

PAIRS = [
    ("The heart is enlarged. There is a small effusion.", "The heart is large. There is an effusion on the left."),
    ("No acute process.", "No acute cardiopulmonary process."),
    ("Lungs are clear", "The lungs are clear, without effusion or pneumothorax."),
]
NOTHING = {"asserted": 0.0, "present": 0.0, "agreed": 0.0}


def measure(pairs: list[tuple[str, str]]) -> dict[str, float]:
    shared = count_reports([report for report, _ in pairs])
    counts = [count_overlap(*pair) | NOTHING | more for pair, more in zip(pairs, shared, strict=True)]
    return measure_language({name: sum(count[name] for count in counts) for name in counts[0]})


@pytest.mark.parametrize("order", ORDERS)
def test_bleu_is_sacrebleus_corpus_score(order: int) -> None:
    reports, references = map(list, zip(*PAIRS, strict=True))
    theirs = BLEU(lowercase=True, max_ngram_order=order).corpus_score(reports, [references]).score / 100
    assert measure(PAIRS)[f"bleu/{order}"] == pytest.approx(theirs) and 0 < theirs < 1


def test_the_signature_is_that_of_the_score() -> None:
    metric = BLEU(lowercase=True)
    metric.corpus_score(["a b"], [["a b"]])
    assert name_bleu() == str(metric.get_signature()) and "case:lc" in name_bleu() and "tok:13a" in name_bleu()


def test_bleu_1_of_one_short_report_by_hand() -> None:
    # "the heart is" of "the heart is large": all 3 words match, brevity penalty exp(1 - 4/3)
    assert measure([("the heart is", "the heart is large")])["bleu/1"] == pytest.approx(math.exp(1 - 4 / 3))


def test_rouge_is_the_mean_f_measure_over_films() -> None:
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True)
    theirs = [scorer.score(reference, report) for report, reference in PAIRS]
    measured = measure(PAIRS)
    for name, short in (("rouge1", "1"), ("rouge2", "2"), ("rougeL", "L")):
        assert measured[f"rouge/{short}"] == pytest.approx(sum(each[name].fmeasure for each in theirs) / 3)
    assert measure([("heart large", "the heart is large")])["rouge/1"] == pytest.approx(2 * 2 / (2 + 4))


def test_headings_count_neither_for_nor_against() -> None:
    assert join_sections("Findings: Clear lungs. Impression: Normal.") == "Clear lungs. Normal."
    with_headings = measure([("Findings: heart Impression: mass", "Findings: lung Impression: rib")])
    assert with_headings["bleu/1"] == 0 == with_headings["rouge/1"]


def test_films_without_a_reference_leave_the_figures_as_they_are() -> None:
    more, alone = measure([*PAIRS, ("Anything at all.", ""), ("X", "Findings: ")]), measure(PAIRS)
    assert all(more[name] == pytest.approx(alone[name]) for name in alone if name.startswith(("bleu", "rouge")))
    none = measure([("Clear.", "")])
    assert math.isnan(none["bleu/4"]) and math.isnan(none["rouge/L"])


def test_an_empty_report_scores_nothing() -> None:
    assert measure([("", "The heart is large.")])["bleu/1"] == 0 == measure([("", "Heart.")])["rouge/L"]


def test_distinct_reports_are_counted_once() -> None:
    shared = count_reports(["a", "b", "a", "a"])
    assert sum(count["distinct"] for count in shared) == pytest.approx(2)
    assert measure([("a", ""), ("b", ""), ("a", ""), ("a", "")])["reports/distinct"] == pytest.approx(0.5)


def test_reports_that_speak_of_an_earlier_film_are_a_share() -> None:
    reports = ["The effusion is unchanged.", "There is an effusion.", "No effusion.", "Compared with the prior film."]
    assert measure([(report, "") for report in reports])["reports/prior_references"] == 0.5


def test_asserted_findings_are_compared_where_something_is_known() -> None:
    keys = ("mass", "hernia", "edema", "effusion", "support_devices")
    report = "There is a mass. No hernia. Edema is seen. The film shows support devices."
    counts = count_findings(report, keys, (1, 1, -1, 0, 1))
    assert counts == {"asserted": 2, "present": 3, "agreed": 2}  # mass and devices; edema is unknown
    sums = count_overlap("", "") | counts | {"films": 1.0, "distinct": 1.0, "prior": 0.0}
    assert measure_language(sums)["reports/findings_f1"] == pytest.approx(2 * 2 / (2 + 3))
    assert math.isnan(measure([("There is a mass.", "")])["reports/findings_f1"])
