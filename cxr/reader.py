"""Film and task in, result out: the only pipeline. The page, the API, the command line and the evaluation call it.

Knows nothing about pages, nor which model is answering.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cxr.checks import check_report
from cxr.films.burnt_in import warn_of_text
from cxr.films.film import Film, View
from cxr.films.open import open_film
from cxr.findings import BY_KEY, FINDINGS, Level, find_finding
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

    def __init__(
        self, engine: Engine, identity: Identity, calibration: Calibration | None, own_findings: Sequence[str] = ()
    ) -> None:
        """`own_findings`: keys of findings outside the 14 that the adapter was taught."""
        self.engine = engine
        self.identity = identity
        self.calibration = calibration
        self.own_findings = tuple(own_findings)

    def open(self, path: str | Path, view: View | None = None) -> Film:
        """A file as a film; needs no model. `view`: what is known where the file does not say.

        Raises:
            CxrError: it cannot be read, and why.
        """
        return warn_of_text(open_film(path, view))

    def study(self, film: Film) -> Study:
        """Encode a film; the vision encoder runs here and nowhere else."""
        return Study(film, self.engine.encode(film))

    def classify(self, study: Study) -> Classification:
        """The 14 findings and the adapter's own, from the answers to closed questions in one batched forward."""
        keys = [*BY_KEY, *self.own_findings]
        conversations = [build_conversation(ask_finding(find_finding(key))) for key in keys]
        yes = self.engine.score(study.encoded, conversations, YES_NO)[:, YES_NO.index("Yes")]
        both = tuple(self._calibrate(key, float(p)) for key, p in zip(keys, yes, strict=True))
        scores, own = both[: len(FINDINGS)], both[len(FINDINGS) :]
        known = all(score.verdict for score in scores)  # a finding that was never calibrated may be there
        level, reasons = choose_level(both) if known else (None, ())
        return Classification(scores, level, reasons, study.film.warnings, own)

    def _calibrate(self, finding: str, probability: float) -> Score:
        return self.calibration.score(finding, probability) if self.calibration else Score(finding, probability)

    def caption(self, study: Study, indication: str = "", known: Classification | None = None) -> Iterator[Report]:
        """The report as it is written; the last one is finished and held against the classification.

        `known`: that of the same study, where it was made before; else it is made now.
        """
        text = ""
        for text in _grow(self.engine.stream(study.encoded, build_conversation(ask_report(indication)))):
            yield Report(text, *parse_report(text), finished=False, warnings=study.film.warnings)
        result = known or self.classify(study)
        doubts = check_report(text, (*result.scores, *result.own))
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
    return Reader(loaded.engine, loaded.identity, loaded.calibration, loaded.own_findings)


def choose_level(scores: Sequence[Score]) -> tuple[Level, tuple[str, ...]]:
    """The highest level that a finding asks for by the table in `findings.py`, and a sentence for each that does.

    What is seen comes before what cannot be excluded. A finding without a verdict asks for nothing.
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
    finding = find_finding(score.finding)
    if score.verdict is Verdict.PRESENT:
        return finding.if_present
    return finding.if_unsure if score.verdict is Verdict.NOT_SURE else Level.NONE_SEEN


def _explain(score: Score) -> str:
    finding = find_finding(score.finding)
    found = "seen" if score.verdict is Verdict.PRESENT else "cannot be excluded"
    return f"{finding.name} {found}: {finding.why[0].lower()}{finding.why[1:]}"


def _grow(pieces: Iterator[str]) -> Iterator[str]:
    text = ""
    for piece in pieces:
        text += piece
        yield text.strip()
