"""Whether the right sentences of a report are marked: on drawn films, of which everything is known.

    python -m cxr.evaluation.marks --drawn 200

Three kinds of sentences are planted into the true report of a film: a finding that is on another film and not on this
one, a comparison with an earlier film, and a finding of this film on the other side. Beside them: how often a true
sentence is marked, in these reports and in the model's own. Knows nothing about models.
"""

import random
from collections.abc import Iterable, Iterator, Sequence

from cxr.checks import find_sentences
from cxr.evaluation.answers import divide
from cxr.evaluation.drawn import print_table
from cxr.evaluation.embedded.tallies import Sums, measure_sums, tally, write_section
from cxr.evaluation.films import Case
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.tables import write_cell
from cxr.findings import DENIED, find_finding
from cxr.prompts import FRAMES, write_observation, write_report
from cxr.reader import Reader
from cxr.results import Mark, Observation, Statement
from cxr.sides import OPPOSITE
from cxr.statements import read_statements

EARLIER = (
    "Compared with the last film the heart is larger.",
    "The lungs are unchanged since yesterday.",
    "The effusion has increased in the interval.",
    "There is no change from the study of March.",
    "The shadow on the right is new.",
    "The lines remain where they were before.",
)
KINDS = {
    "foreign": "planted: a finding of another film",
    "earlier": "planted: an earlier film",
    "side": "planted: the other side",
    "true": "true sentences of true reports",
    "own true": "true sentences of the model's reports",
    "own false": "false sentences of the model's reports",
}
LEVELS = ("marked", "contradicted")  # for any reason; for more than a doubt


def count_film(reader: Reader, case: Case, other: Sequence[Observation], rng: random.Random) -> dict[str, float]:
    """What one film adds: sentences of each kind, how many are marked, and how many for more than a doubt."""
    study = reader.study(case.film)
    known = reader.classify(study)
    own = list(reader.caption(study, known=known))[-1]
    counts = dict.fromkeys([name for kind in KINDS for name in (kind, *(f"{kind}/{level}" for level in LEVELS))], 0.0)
    seen = case.observations or ()
    denied = [key for key in DENIED if key not in case.present]
    report = write_report(seen, denied)
    _add(counts, "true", report, reader.mark(study, report, known), find_sentences(report))
    for kind, sentence in plant(case, other, rng):
        text = report.replace(" Impression:", f" {sentence} Impression:")
        start = text.index(sentence)
        _add(counts, kind, text, reader.mark(study, text, known), [(start, start + len(sentence))])
    for start, end in find_sentences(own.text):
        truth = judge_sentence(own.text[start:end], seen)
        if truth is not None:
            _add(counts, "own true" if truth else "own false", own.text, own.marks, [(start, end)])
    return counts


def _add(
    counts: dict[str, float], kind: str, text: str, marks: Sequence[Mark], sentences: Iterable[tuple[int, int]]
) -> None:
    for sentence in sentences:
        kinds = {mark.kind for mark in marks if (mark.start, mark.end) == sentence}
        counts[kind] += 1
        counts[f"{kind}/marked"] += bool(kinds)
        counts[f"{kind}/contradicted"] += bool(kinds - {"doubt"})


def plant(case: Case, other: Sequence[Observation], rng: random.Random) -> Iterator[tuple[str, str]]:
    """The kind and the words of what is not true of a film."""
    yield "earlier", rng.choice(EARLIER)
    foreign = [item for item in other if item.finding not in case.present]
    turned = [
        Observation(item.finding, OPPOSITE[item.side], item.zone, item.size)
        for item in case.observations or ()
        if item.side in ("left", "right") and find_finding(item.finding).sided
    ]
    for kind, items in (("foreign", foreign), ("side", turned)):
        if items:
            yield kind, FRAMES[0].format(write_observation(rng.choice(items)))


def judge_sentence(sentence: str, seen: Sequence[Observation]) -> bool | None:
    """Whether all that a sentence says of findings and sides is true; None: it says nothing of them."""
    statements = read_statements(sentence)
    return all(_is_true(item, seen) for item in statements) if statements else None


def _is_true(statement: Statement, seen: Sequence[Observation]) -> bool:
    there = [item for item in seen if item.finding == statement.observation.finding]
    if not statement.present or not there:
        return statement.present == bool(there)
    named = statement.observation.side
    return named is None or not find_finding(there[0].finding).sided or any(item.side == named for item in there)


def measure_marks(sums: Sums) -> dict[str, float]:
    """The share of each kind that is marked."""
    return {f"{kind}/{level}": divide(sums[f"{kind}/{level}"], sums[kind]) for kind in KINDS for level in LEVELS}


def write_table(reader: Reader, cases: Sequence[Case], resamples: int = RESAMPLES) -> str:
    """A row a kind of sentence."""
    rng = random.Random(0)
    seen = [case.observations or () for case in cases]
    rows = [count_film(reader, case, other, rng) for case, other in zip(cases, [*seen[1:], *seen[:1]], strict=True)]
    counts = tally([case.patient for case in cases], rows)
    figures, sums = measure_sums(counts, measure_marks, resamples), counts.sum_up()
    lines = [
        f"| {words} | {sums[kind]:.0f} | "
        + " | ".join(write_cell(figures[f"{kind}/{level}"], False) for level in LEVELS)
        + " |"
        for kind, words in KINDS.items()
    ]
    told = f"{len(cases)} drawn films. Contradicted: marked for more than that the classification is not sure."
    return write_section("Marked sentences", told, lines, ("sentences", "how many", "marked", "contradicted"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    print_table("marks", __doc__, write_table, arguments)


if __name__ == "__main__":
    main()
