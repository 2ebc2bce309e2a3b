"""The figures that matter as means over several runs of the recipe, each with another seed.

An interval draws patients again and leaves the seeds as they are; how far these lie apart stands beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from sklearn.pipeline import Pipeline

from cxr.evaluation.classification import KEYS, Outcome, measure_macro
from cxr.evaluation.embedded.gather import Heard
from cxr.evaluation.embedded.probabilities import (
    ALL,
    ANY,
    OFTEN,
    choose_findings,
    count_films,
    find_often,
    measure_order,
    measure_trust,
)
from cxr.evaluation.embedded.questions import ANSWERED, compare_readers, tally_closed
from cxr.evaluation.embedded.reports import OURS, count_readers, measure_drawn, measure_f1s, tally_drawn
from cxr.evaluation.embedded.tallies import Tallies, subtract, write_section
from cxr.evaluation.intervals import AnySample, Pair, Several, bootstrap_all, compare, measure_mean
from cxr.evaluation.readings import collect_outcome
from cxr.evaluation.tables import write_cell

HEAD = ("measure", "mean [95 %]", "lowest seed", "highest seed")


def write_seeds(heard: Sequence[Heard], peers: Several[Outcome] | None, words: Pipeline | None, resamples: int) -> str:
    """The table. `words`: what the wording of a question gives away; None where VQA-RAD was not asked."""
    rows = [*write_real(heard, peers, resamples), *write_reports(heard, resamples)]
    if all(each.drawn for each in heard):
        rows += write_drawn(heard, resamples)
    if words:
        rows += write_closed(heard, words, resamples)
    told = f"{count_films(heard[0].real)}, each read by {len(heard)} models of the same recipe."
    return write_section(f"Means of {len(heard)} seeds", told, rows, HEAD)


def write_real(heard: Sequence[Heard], peers: Several[Outcome] | None, resamples: int) -> list[str]:
    """The 14 probabilities of real films."""
    ours = Several(tuple(choose_findings(collect_outcome(each.real), range(len(KEYS))) for each in heard))
    often = find_often(ours.parts[0])

    def measure(outcome: Outcome) -> dict[str, float]:
        order = measure_order(outcome, often)
        return {name: order[name] for name in (OFTEN, ALL, ANY)}

    rows = write_means(ours, measure, resamples, "real films: ")
    if peers:
        both = bootstrap_all(Pair(peers, ours), compare(partial(measure_mean, measure=measure)), resamples)
        for name in (OFTEN, ALL, ANY):
            rows.append(f"| the same, ResNet-18: {name} | {write_cell(both[f'base/{name}'], False)} | | |")
            rows.append(f"| above the ResNet-18: {name} | {write_cell(both[f'difference/{name}'], True)} | | |")
    return rows + write_means(ours, partial(measure_trust, often=often), resamples, "real films: ")


def write_reports(heard: Sequence[Heard], resamples: int) -> list[str]:
    """What reports of real films name, beside readers that do not look."""
    counts = Several(tuple(count_readers(each.real) for each in heard))
    return write_means(counts, lambda part: subtract(measure_f1s(part.sum_up()), OURS), resamples, "report F1: ")


def write_drawn(heard: Sequence[Heard], resamples: int) -> list[str]:
    """Drawn films."""
    outcomes = Several(tuple(collect_outcome(each.drawn) for each in heard))
    counts = Several(tuple(tally_drawn(each.drawn) for each in heard))
    return [
        *write_means(outcomes, lambda part: {ALL: measure_macro(part)}, resamples, "drawn films: "),
        *write_means(counts, lambda part: measure_drawn(part.sum_up()), resamples, "drawn films: "),
    ]


def write_closed(heard: Sequence[Heard], words: Pipeline, resamples: int) -> list[str]:
    """Closed questions of VQA-RAD, all and those that are answered."""
    counts = Several(tuple(tally_closed(each.asked, each.blank, words) for each in heard))
    rows = []
    for part, name in (("", "VQA-RAD: "), (ANSWERED, "VQA-RAD, answered: ")):

        def measure(sums: Tallies, part: str = part) -> dict[str, float]:
            return compare_readers(part, sums.sum_up())

        rows += write_means(counts, measure, resamples, name)
    return rows


def write_means(
    several: Several[AnySample], measure: Callable[[AnySample], Mapping[str, float]], resamples: int, before: str
) -> list[str]:
    """A row for each figure: the mean of the seeds, the lowest and the highest."""
    each = [measure(part) for part in several.parts]
    rows = []
    for name, figure in bootstrap_all(several, partial(measure_mean, measure=measure), resamples).items():
        values = [one[name] for one in each]
        cell = write_cell(figure, name.startswith("above "))
        rows.append(f"| {before}{name} | {cell} | {min(values):.3f} | {max(values):.3f} |")
    return rows
