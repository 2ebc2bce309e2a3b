"""Which questions are declined or corrected, and which answered: 200 that cannot be answered and 200 that can.

    python -m cxr.evaluation.questions

Each is asked in three wordings about a drawn film, whose truth is exact, by the reader that serves. Intervals of 95 %
are by question. `--set tried` asks in the wordings on which the patterns were tried.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cxr.evaluation.intervals import RESAMPLES
from cxr.evaluation.questions.asking import SETS, Asked, make_questions
from cxr.evaluation.questions.figures import Heard, write_table
from cxr.prompts import build_conversation, clean
from cxr.reader import Reader, load_reader
from cxr.serial import as_plain
from cxr.settings import Settings

OPENING = 12  # tokens of what the model alone says, which tell whether it declines


def ask_all(reader: Reader, questions: Iterable[Asked]) -> Iterator[Heard]:
    """Every question in every wording; a film is encoded and classified once."""
    for asked in questions:
        study = reader.study(asked.film) if asked.film is not None else None
        known = reader.classify(study) if study else None
        answers = tuple(list(reader.answer(study, text, known=known))[-1] for text in asked.wordings)
        alone = [
            "".join(reader.engine.stream(study.encoded, build_conversation(clean(text)), OPENING)).strip()
            if study
            else ""
            for text in asked.wordings
        ]
        yield Heard(replace(asked, film=None), answers, tuple(alone))


def write_lines(heard: Iterable[Heard]) -> str:
    """A line of JSON for each wording: what was asked and what was said, for people to read."""
    rows = [
        {"kind": one.asked.kind, "answerable": one.asked.answerable, "seed": one.asked.seed, "question": text}
        | as_plain(answer)
        for one in heard
        for text, answer in zip(one.asked.wordings, one.answers, strict=True)
    ]
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the model that the settings name."""
    parser = argparse.ArgumentParser(prog="python -m cxr.evaluation.questions", description=__doc__.partition("\n")[0])
    parser.add_argument("--set", choices=list(SETS), default="measured", help="whose wordings")
    parser.add_argument("--seed", type=int, default=0, help="of findings and wordings")
    parser.add_argument("--share", type=float, default=1.0, help="of how many questions of each kind")
    parser.add_argument("--resamples", type=int, default=RESAMPLES, help="draws of questions for an interval")
    parser.add_argument("--out", type=Path, help="a file for every question and answer, a line of JSON each")
    options = parser.parse_args(arguments)
    reader = load_reader(Settings.from_env(), anyway=True)
    heard = list(ask_all(reader, make_questions(options.set, options.seed, options.share)))
    if options.out:
        options.out.write_text(write_lines(heard), encoding="utf-8")
    sys.stdout.write(f"{reader.identity.base}, {reader.identity.adapter or 'no adapter'}.\n\n")
    sys.stdout.write(write_table(heard, options.resamples) + "\n")


if __name__ == "__main__":
    main()
