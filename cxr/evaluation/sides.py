"""Left and right: whether a side that is named is the right one, and whether it changes on the mirrored film.

    python -m cxr.evaluation.sides --drawn 200

On drawn films, of findings with a side that are there. Beside the question that is asked, the one for either side ("Is
there a mass on the left?"), which a model may answer by whether the finding is there at all.
"""

from collections.abc import Sequence

from cxr.evaluation.answers import divide
from cxr.evaluation.drawn import print_table
from cxr.evaluation.embedded.tallies import Sums, measure_sums, tally, write_rows, write_section
from cxr.evaluation.films import Case
from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.text import read_named
from cxr.findings import find_finding
from cxr.model.engine import Encoded
from cxr.probes import ask_sides, mirror_film
from cxr.prompts import YES_NO, build_conversation
from cxr.reader import Reader
from cxr.results import Side
from cxr.sides import compare_sides

ONE_SIDED: tuple[Side, Side] = ("left", "right")
EITHER = "Is there {} on the {}?"
NAMES = (
    "findings",
    "right",
    "flips",
    "sure and right",
    "reported",
    "reported right",
    "unsure and reported",
    "unsure and reported right",
    "one",
    "one right",
    "either right",
)


def count_film(reader: Reader, case: Case) -> dict[str, float]:
    """What a film adds: its findings with a side, how many sides are right, flip, and are right where they flip."""
    counts = dict.fromkeys(NAMES, 0.0)
    seen = [item for item in case.observations or () if find_finding(item.finding).sided]
    true = {item.finding: item.side for item in seen if item.side}
    if not true:
        return counts
    study = reader.study(case.film)
    said = read_named(list(reader.caption(study))[-1].text)
    here, mirrored = (
        ask_sides(reader.engine, encoded, [*true])
        for encoded in (study.encoded, reader.engine.encode(mirror_film(case.film)))
    )
    for check, evidence in zip(compare_sides(here, mirrored), here, strict=True):
        side = true[check.finding]
        counts["findings"] += 1
        counts["right"] += check.side == side
        counts["flips"] += check.sure
        counts["sure and right"] += check.sure and check.side == side
        if check.finding in said:
            right = said[check.finding].side == side
            counts["reported"] += 1
            counts["reported right"] += right
            counts["unsure and reported"] += not check.sure
            counts["unsure and reported right"] += right and not check.sure
        if side in ONE_SIDED:
            counts["one"] += 1
            counts["one right"] += (evidence.left > evidence.right) == (side == "left")
            counts["either right"] += ask_either(reader, study.encoded, check.finding) == side
    return counts


def ask_either(reader: Reader, encoded: Encoded, finding: str) -> Side:
    """The side for which yes is likelier."""
    noun = find_finding(finding).noun
    asked = [build_conversation(EITHER.format(noun, side)) for side in ONE_SIDED]
    left, right = reader.engine.score(encoded, asked, YES_NO)[:, YES_NO.index("Yes")].tolist()
    return "left" if left > right else "right"


def measure_sides(sums: Sums) -> dict[str, float]:
    """The figures of the table."""
    unsure, unsure_right = sums["findings"] - sums["flips"], sums["right"] - sums["sure and right"]
    sure_reported = sums["reported"] - sums["unsure and reported"]
    sure_reported_right = sums["reported right"] - sums["unsure and reported right"]
    return {
        "side changes on the mirrored film": divide(sums["flips"], sums["findings"]),
        "right side, all": divide(sums["right"], sums["findings"]),
        "right side, where it changes (sure)": divide(sums["sure and right"], sums["flips"]),
        "right side, where it does not (unsure)": divide(unsure_right, unsure),
        "right side in reports, where it changes": divide(sure_reported_right, sure_reported),
        "right side in reports, where it does not": divide(
            sums["unsure and reported right"], sums["unsure and reported"]
        ),
        "one-sided: left or right told apart by the question for the side": divide(sums["one right"], sums["one"]),
        "one-sided: left or right told apart by a question for each side": divide(sums["either right"], sums["one"]),
    }


def write_table(reader: Reader, cases: Sequence[Case], resamples: int = RESAMPLES) -> str:
    """The figures of drawn films."""
    counts = tally([case.patient for case in cases], [count_film(reader, case) for case in cases])
    sums = counts.sum_up()
    told = (
        f"{len(cases)} drawn films, {sums['findings']:.0f} findings with a side that are there, "
        f"{sums['reported']:.0f} of them in the report."
    )
    return write_section("Left and right", told, write_rows(measure_sums(counts, measure_sides, resamples)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table for the model that the settings name."""
    print_table("sides", __doc__, write_table, arguments)


if __name__ == "__main__":
    main()
