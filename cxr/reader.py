"""Film and task in, result out: the only pipeline. The page, the API, the command line and the evaluation call it.

Knows nothing about pages, nor which model is answering.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr.checks import check_report
from cxr.films.film import Film, View
from cxr.films.open import open_film
from cxr.findings import BY_KEY, FINDINGS, Level
from cxr.model.calibration import Calibration
from cxr.model.engine import Encoded, Engine
from cxr.model.loading import load
from cxr.prompts import YES_NO, ask_finding, ask_report, build_conversation, clean, parse_report
from cxr.results import Answer, Classification, CxrError, Identity, Report, Score, Turn, Verdict
from cxr.settings import Settings


@dataclass(frozen=True)
class Study:
    """A film and what the vision encoder made of it: all that later tasks need, as a CPU value that can be pickled."""

    film: Film
    encoded: Encoded


class Reader:
    """Reads films with one model. Holds nothing of any film."""

    def __init__(self, engine: Engine, identity: Identity, calibration: Calibration | None) -> None:
        self.engine = engine
        self.identity = identity
        self.calibration = calibration

    def open(self, path: str | Path, view: View | None = None) -> Film:
        """A file as a film; needs no model. `view`: what is known where the file does not say.

        Raises:
            CxrError: it cannot be read, and why.
        """
        return open_film(path, view)

    def study(self, film: Film) -> Study:
        """Encode a film; the vision encoder runs here and nowhere else."""
        return Study(film, self.engine.encode(film))

    def classify(self, study: Study) -> Classification:
        """The 14 findings, from the answers to 14 closed questions in one batched forward."""
        conversations = [build_conversation(ask_finding(finding)) for finding in FINDINGS]
        yes = self.engine.score(study.encoded, conversations, YES_NO)[:, YES_NO.index("Yes")]
        scores = tuple(self._calibrate(finding.key, float(p)) for finding, p in zip(FINDINGS, yes, strict=True))
        known = all(score.verdict for score in scores)  # a finding that was never calibrated may be there
        level, reasons = choose_level(scores) if known else (None, ())
        return Classification(scores, level, reasons, study.film.warnings)

    def _calibrate(self, finding: str, probability: float) -> Score:
        return self.calibration.score(finding, probability) if self.calibration else Score(finding, probability)

    def caption(self, study: Study, indication: str = "") -> Iterator[Report]:
        """The report as it is written; the last one is finished and held against the classification."""
        text = ""
        for text in _grow(self.engine.stream(study.encoded, build_conversation(ask_report(indication)))):
            yield Report(text, *parse_report(text), finished=False, warnings=study.film.warnings)
        doubts = check_report(text, self.classify(study).scores)
        yield Report(text, *parse_report(text), finished=True, warnings=(*study.film.warnings, *doubts))

    def answer(self, study: Study, question: str, history: Sequence[Turn] = ()) -> Iterator[Answer]:
        """The answer as it is written; the last one is finished.

        Raises:
            CxrError: nothing was asked.
        """
        question = clean(question)
        if not question:
            raise CxrError("Please write a question about the film.")
        text = ""
        for text in _grow(self.engine.stream(study.encoded, build_conversation(question, history))):
            yield Answer(text, finished=False, warnings=study.film.warnings)
        yield Answer(text, finished=True, warnings=study.film.warnings)


def load_reader(settings: Settings) -> Reader:
    """The reader that the settings ask for; the embedded model where that cannot be had (see `Identity.problem`)."""
    loaded = load(settings)
    return Reader(loaded.engine, loaded.identity, loaded.calibration)


def choose_level(scores: Sequence[Score]) -> tuple[Level, tuple[str, ...]]:
    """The highest level that a finding asks for by the table in `findings.py`, and a sentence for each that does.

    What is seen comes before what cannot be excluded.
    """
    asked = [(_ask_level(score), score) for score in scores]
    level = max((each for each, _ in asked), key=lambda each: each.rank, default=Level.NONE_SEEN)
    if level is Level.NONE_SEEN:
        return level, ()
    asking = sorted(
        (score for each, score in asked if each is level), key=lambda score: score.verdict != Verdict.PRESENT
    )
    return level, tuple(_explain(score) for score in asking)


def _ask_level(score: Score) -> Level:
    finding = BY_KEY[score.finding]
    if score.verdict is Verdict.PRESENT:
        return finding.if_present
    return finding.if_unsure if score.verdict is Verdict.NOT_SURE else Level.NONE_SEEN


def _explain(score: Score) -> str:
    finding = BY_KEY[score.finding]
    found = "seen" if score.verdict is Verdict.PRESENT else "cannot be excluded"
    return f"{finding.name} {found}: {finding.why[0].lower()}{finding.why[1:]}"


def _grow(pieces: Iterator[str]) -> Iterator[str]:
    text = ""
    for piece in pieces:
        text += piece
        yield text.strip()
