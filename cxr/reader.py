"""Film and task in, result out: the only pipeline. The page, the API, the command line and the evaluation call it.

Knows nothing about pages, nor which model is answering.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cxr.checks import check_report
from cxr.films.burnt_in import warn_of_text
from cxr.films.film import MAX_SIDE, Film, View
from cxr.films.open import open_film
from cxr.films.gate import inspect_film
from cxr.findings import BY_KEY, FINDINGS, Level, find_finding
from cxr.model.calibration import Calibration
from cxr.model.engine import Encoded, Engine
from cxr.model.gate import Gatekeeper
from cxr.model.loading import load
from cxr.model.maps import Mapper
from cxr.model.ways import Method
from cxr.prompts import YES_NO, ask_finding, ask_report, build_conversation, clean, parse_report
from cxr.results import Answer, Classification, CxrError, Gate, Identity, RefusalError, Report, Score, Turn, Verdict
from cxr.results import HeatMap
from cxr.settings import Settings


OPEN = Gate()  # nothing to say


@dataclass(frozen=True)
class Study:
    """A film and what the vision encoder made of it: all that later tasks need, as a CPU value that can be pickled."""

    film: Film
    encoded: Encoded
    gate: Gate = OPEN

    @property
    def warnings(self) -> tuple[str, ...]:
        """What every result about this film carries."""
        return (*self.film.warnings, *self.gate.warnings)


class Reader:
    """Reads films with one model. Holds nothing of any film."""

    def __init__(
        self,
        engine: Engine,
        identity: Identity,
        calibration: Calibration | None,
        own_findings: Sequence[str] = (),
        gatekeeper: Gatekeeper | None = None,
        anyway: bool = False,
        mapper: Mapper | None = None,
    ) -> None:
        """How films are read.

        Args:
            own_findings: Keys of findings outside the 14 that the adapter was taught.
            gatekeeper: Who lets films through; None lets through all that can be opened.
            anyway: Whether what is refused is read all the same, with the reasons as warnings.
            mapper: What draws heat maps; None: one without the part that is taught.
        """
        self.engine = engine
        self.identity = identity
        self.calibration = calibration
        self.own_findings = tuple(own_findings)
        self.gatekeeper = gatekeeper
        self.anyway = anyway
        self.mapper = mapper or Mapper(engine)

    def warm_up(self) -> Iterator[str]:
        """Do once what the first visitor would wait for, a sentence for each step; nothing where there is no GPU."""
        if self.engine.fast is None:
            return
        encoded = self.engine.encode(Film(np.zeros((MAX_SIDE, MAX_SIDE), np.float32)))
        yield "A blank film is encoded."
        for tokens in self.engine.record(encoded):
            yield f"Texts of up to {tokens} tokens are prepared."
        self.engine.score(encoded, [build_conversation(ask_finding(finding)) for finding in FINDINGS], YES_NO)
        next(self.engine.stream(encoded, build_conversation(ask_report())), "")
        yield f"The model is ready{'' if self.engine.fast.runs else ', on the plain path'}."

    def open(self, path: str | Path, view: View | None = None) -> Film:
        """A file as a film; needs no model. `view`: what is known where the file does not say.

        Raises:
            CxrError: it cannot be read, and why.
        """
        return warn_of_text(open_film(path, view))

    def inspect(self, film: Film) -> Gate:
        """What the gate says of a film before the model is asked."""
        return self.gatekeeper.inspect(film) if self.gatekeeper else OPEN

    def study(self, film: Film) -> Study:
        """Encode a film; the vision encoder runs here and nowhere else.

        Raises:
            RefusalError: the gate does not let it through, by header and greys or by what the encoder made of it.
        """
        if self.gatekeeper is None:
            return Study(film, self.engine.encode(film))
        film = replace(film, anyway=film.anyway or self.anyway)
        seen = inspect_film(film)
        admit(self.gatekeeper.judge(film, seen))
        encoded = self.engine.encode(film)
        return Study(film, encoded, admit(self.gatekeeper.judge(film, seen, encoded)))

    def classify(self, study: Study) -> Classification:
        """The 14 findings and the adapter's own, from the answers to closed questions in one batched forward."""
        both = self._score(study, [*BY_KEY, *self.own_findings])
        scores, own = both[: len(FINDINGS)], both[len(FINDINGS) :]
        known = all(score.verdict for score in scores)  # a finding that was never calibrated may be there
        level, reasons = choose_level(both) if known else (None, ())
        return Classification(scores, level, reasons, study.warnings, own)

    def _score(self, study: Study, keys: Sequence[str]) -> tuple[Score, ...]:
        conversations = [build_conversation(ask_finding(find_finding(key))) for key in keys]
        yes = self.engine.score(study.encoded, conversations, YES_NO)[:, YES_NO.index("Yes")]
        return tuple(self._calibrate(key, float(p)) for key, p in zip(keys, yes, strict=True))

    def _calibrate(self, finding: str, probability: float) -> Score:
        return self.calibration.score(finding, probability) if self.calibration else Score(finding, probability)

    def caption(self, study: Study, indication: str = "", known: Classification | None = None) -> Iterator[Report]:
        """The report as it is written; the last one is finished and held against the classification.

        `known`: that of the same study, where it was made before; else it is made now.
        """
        text = ""
        for text in _grow(self.engine.stream(study.encoded, build_conversation(ask_report(indication)))):
            yield Report(text, *parse_report(text), finished=False, warnings=study.warnings)
        result = known or self.classify(study)
        doubts = check_report(text, (*result.scores, *result.own))
        yield Report(text, *parse_report(text), finished=True, warnings=(*study.warnings, *doubts))

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
            yield Answer(text, finished=False, warnings=study.warnings)
        yield Answer(text, finished=True, warnings=study.warnings)

    def locate(self, study: Study, finding: str, method: Method | None = None) -> HeatMap:
        """Where the answer about a finding came from. `method`: None for the one that did best on drawn films.

        Raises:
            CxrError: the model is not asked for this finding.
        """
        if finding not in (keys := (*BY_KEY, *self.own_findings)):
            raise CxrError(f"Heat maps are drawn of these findings: {', '.join(keys)}.")
        return self._sign_map(study, self.mapper.map_finding(study.film, study.encoded, finding, method))

    def locate_sentence(self, study: Study, sentence: str, report: str) -> HeatMap:
        """Where a sentence of a report came from, see `Mapper.map_sentence`.

        Raises:
            CxrError: the report does not hold the sentence.
        """
        asked = study.film, study.encoded, sentence, report, self.own_findings
        return self._sign_map(study, self.mapper.map_sentence(*asked))

    def _sign_map(self, study: Study, found: HeatMap) -> HeatMap:
        scores = self._score(study, found.findings) if found.findings else ()
        return replace(found, scores=scores, warnings=(*study.warnings, *found.warnings))


def load_reader(settings: Settings, anyway: bool = False) -> Reader:
    """The reader that the settings ask for; the embedded model where that cannot be had (see `Identity.problem`).

    `anyway`: read also what the gate refuses, as measurements do.
    """
    loaded = load(settings)
    keeper, mapper = Gatekeeper(loaded.familiarity), Mapper(loaded.engine, loaded.head)
    return Reader(loaded.engine, loaded.identity, loaded.calibration, loaded.own_findings, keeper, anyway, mapper)


def admit(gate: Gate) -> Gate:
    """The same, if it lets the film through.

    Raises:
        RefusalError: it does not.
    """
    if gate.refused:
        raise RefusalError(gate)
    return gate


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
