"""How near a report's words are to a radiologist's, and what the reports of many films have in common.

BLEU and ROUGE reward boilerplate and hardly tell "no effusion" from "effusion"; others state
them. Headings ("Findings:", "Impression:") are left out of both texts, so that no figure counts them.
Knows nothing about models.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer
from sacrebleu.metrics import BLEU

from cxr.evaluation.answers import divide
from cxr.findings import BY_KEY
from cxr.priors import mentions_prior
from cxr.prompts import parse_report
from cxr.statements import read_statements

ORDERS = (1, 2, 3, 4)
ROUGE = {"rouge1": "1", "rouge2": "2", "rougeL": "L"}  # the library's name -> ours


def join_sections(report: str) -> str:
    """The words of a report without its headings."""
    return " ".join(part for part in parse_report(report) if part)


def name_bleu() -> str:
    """sacrebleu's signature of these scores; the orders 1 to 4 differ in nothing else."""
    metric = BLEU(lowercase=True)
    metric.corpus_score(["x"], [["x"]])
    return str(metric.get_signature())


@cache
def _build_bleu() -> BLEU:
    return BLEU(lowercase=True, effective_order=True)  # the order changes no count and spares a warning


@cache
def _build_rouge() -> RougeScorer:
    return RougeScorer(list(ROUGE), tokenizer=DefaultTokenizer(use_stemmer=True))


def count_overlap(report: str, reference: str) -> dict[str, float]:
    """What one film adds to BLEU (n-gram counts, by sacrebleu) and ROUGE (F-measures); nothing without a reference."""
    counts = {f"{kind}{n}": 0.0 for n in ORDERS for kind in ("matched", "written")}
    counts |= {"length": 0.0, "reference_length": 0.0, "references": 0.0} | dict.fromkeys(ROUGE, 0.0)
    said, true = join_sections(report), join_sections(reference)
    if not true:
        return counts
    bleu = _build_bleu().sentence_score(said, [true])
    for n in ORDERS:
        counts[f"matched{n}"], counts[f"written{n}"] = bleu.counts[n - 1], bleu.totals[n - 1]
    rouge = _build_rouge().score(true, said)
    return counts | {
        "length": bleu.sys_len,
        "reference_length": bleu.ref_len,
        "references": 1,
        **{name: rouge[name].fmeasure for name in ROUGE},
    }


def count_findings(report: str, keys: Sequence[str], truth: Sequence[int]) -> dict[str, float]:
    """How the findings that a report asserts or calls possible agree with what is known (1, 0, or -1 for unknown)."""
    own = [key for key in keys if key not in BY_KEY]
    said = {item.observation.finding for item in read_statements(report, own, possible=True) if item.present}
    pairs = [(key in said, mark) for key, mark in zip(keys, truth, strict=True) if mark >= 0]
    return {
        "asserted": sum(named for named, _ in pairs),
        "present": sum(mark for _, mark in pairs),
        "agreed": sum(named and mark == 1 for named, mark in pairs),
    }


def count_reports(reports: Sequence[str]) -> list[dict[str, float]]:
    """What each film adds to the shares of distinct reports and of those that mention an earlier film.

    A report that n films have counts 1/n for each, so the sum is the number of distinct ones and a draw of patients can
    take films twice without making reports look alike.
    """
    films = Counter(reports)
    return [{"films": 1, "distinct": 1 / films[report], "prior": float(mentions_prior(report))} for report in reports]


def measure_language(sums: Mapping[str, float]) -> dict[str, float]:
    """From the sums over films: corpus BLEU in 0..1, mean ROUGE, micro F1 of named findings, the two shares."""
    bleu = {f"bleu/{n}": measure_bleu(sums, n) for n in ORDERS}
    rouge = {f"rouge/{short}": divide(sums[name], sums["references"]) for name, short in ROUGE.items()}
    return {
        **bleu,
        **rouge,
        "reports/findings_f1": divide(2 * sums["agreed"], sums["asserted"] + sums["present"]),
        "reports/distinct": divide(sums["distinct"], sums["films"]),
        "reports/prior_references": divide(sums["prior"], sums["films"]),
    }


def measure_bleu(sums: Mapping[str, float], order: int) -> float:
    """Corpus BLEU up to n-grams of `order`, by sacrebleu from summed counts; NaN without references."""
    if not sums["references"]:
        return float("nan")
    matched, written = ([int(sums[f"{kind}{n}"]) for n in ORDERS[:order]] for kind in ("matched", "written"))
    lengths = int(sums["length"]), int(sums["reference_length"])
    return float(BLEU.compute_bleu(matched, written, *lengths, smooth_method="exp", max_ngram_order=order).score) / 100
