"""python -m cxr.evaluation.embedded: every figure of the model that ships with the code, as one Markdown report.

python -m cxr.evaluation.embedded --films FOLDER [--split val|test] [--model FOLDER ...] [--peer FILE.npz ...]

Of several models, made with other seeds, the first is told of; what matters is also told as the mean of all.

What is read is kept in --work, so that a run that was killed goes on, and figures can be made again.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from sklearn.pipeline import Pipeline

from cxr.evaluation.classification import Outcome
from cxr.evaluation.embedded.gather import Heard, Wanted, draw_nothing, gather, load_model
from cxr.evaluation.embedded.probabilities import read_peers, write_groups, write_probabilities
from cxr.evaluation.embedded.questions import learn_words, write_closed, write_forms
from cxr.evaluation.embedded.reports import write_agreement, write_drawn, write_switch, write_variety
from cxr.evaluation.embedded.seeds import write_seeds
from cxr.evaluation.embedded.tallies import write_section
from cxr.evaluation.films import DRAWN_SEED
from cxr.evaluation.intervals import RESAMPLES, Several
from cxr.evaluation.text import read_named
from cxr.model.loading import EMBEDDED
from cxr.reader import Reader
from cxr.results import CxrError, Verdict


def write_nothing(reader: Reader) -> str:
    """What is found on pictures of nothing, read although the gate may refuse them."""
    rows = []
    for name, film in draw_nothing().items():
        study = reader.study(film)
        result = reader.classify(study)
        report = list(reader.caption(study, known=result))[-1].text
        called = sum(score.verdict is Verdict.PRESENT for score in result.scores)
        refused = "yes" if any(reason.refuses for reason in study.gate.reasons) else "no"
        rows.append(f"| {name} | {len(read_named(report))} | {called} | {refused} |")
    words = "Findings asserted or called possible when they are read all the same, and whether the gate refuses them."
    return write_section("Pictures of nothing", words, rows, ("picture", "report", "operating points", "refused"))


def write_origin(reader: Reader, wanted: Wanted, resamples: int) -> str:
    """Who was read, and how to read the figures."""
    who = reader.identity
    note = "Calibration and choices were made on these films, so what depends on them is flattered. "
    return (
        f"# The embedded model on the {wanted.split} films\n\n{who.base} {who.base_revision}, {who.adapter} "
        f"{who.adapter_revision}; {who.device}. {note if wanted.split == 'val' else ''}In brackets: 95 % intervals, "
        f"patients drawn again {resamples} times. Findings in reports are read by rules of our own, not by CheXbert."
    )


def write_report(
    heard: Heard,
    reader: Reader,
    wanted: Wanted,
    peers: Several[Outcome] | None,
    words: Pipeline | None,
    resamples: int,
) -> str:
    """All sections, from what was said. `words`: as `write_seeds` takes them."""
    seeds = range(wanted.first, wanted.first + wanted.drawn)
    parts = [
        write_origin(reader, wanted, resamples),
        write_probabilities(heard.real, peers, resamples),
        write_groups(heard.films, heard.real, resamples),
        write_agreement(heard.real, resamples),
        write_variety(heard.real),
        write_switch(heard.real, heard.off, reader.calibration, resamples),
        write_forms(heard.real, resamples),
    ]
    if heard.drawn:
        parts.append(write_drawn(heard.drawn, seeds, resamples))
    if words:
        parts.append(write_closed(heard.asked, heard.blank, words, resamples))
    return "\n\n".join([*parts, write_nothing(reader)]) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read what is not yet read, and print the report."""
    parser = argparse.ArgumentParser(
        prog="python -m cxr.evaluation.embedded", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--films", type=Path, required=True, help="folder of films.csv")
    parser.add_argument("--split", choices=["train", "val", "test"], default="val")
    parser.add_argument("--model", type=Path, nargs="+", default=[EMBEDDED], help="folders of base and adapter")
    parser.add_argument("--peer", type=Path, nargs="+", default=[], help="predictions of a ResNet-18, a file a seed")
    parser.add_argument("--drawn", type=int, default=300, help="how many drawn films")
    parser.add_argument("--first", type=int, default=DRAWN_SEED, help="seed of the first drawn film")
    parser.add_argument("--limit", type=int, default=0, help="at most so many real films of each kind; 0: all")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="draws of patients for an interval")
    parser.add_argument("--work", type=Path, default=Path("outputs/embedded-figures"), help="keeps what was said")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    wanted = Wanted(options.films, options.split, options.drawn, options.first, options.limit)
    try:
        readers = [load_model(model) for model in options.model]
        heard = [gather(wanted, *pair, options.work) for pair in zip(options.model, readers, strict=True)]
        peers = read_peers(options.peer, heard[0].real)
        words = learn_words(wanted.films) if heard[0].asked else None  # all were asked the same
        sys.stdout.write(write_report(heard[0], readers[0], wanted, peers, words, options.resamples))
        if len(heard) > 1:
            sys.stdout.write(f"\n{write_seeds(heard, peers, words, options.resamples)}\n")
    except CxrError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
