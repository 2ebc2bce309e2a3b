"""Film and task in, result out: the only pipeline. The page, the API, the command line and the evaluation call it.

Knows nothing about pages, nor which model is answering.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from cxr.answering import Seen, answer_question
from cxr.checks import check_report, list_sided, mark_report
from cxr.films.film import MAX_SIDE, Film, View
from cxr.films.gate import Inspection, inspect_film
from cxr.films.open import receive_film
from cxr.findings import BY_KEY, FINDINGS, find_finding
from cxr.guidance import choose_guide
from cxr.level import choose_level
from cxr.model.calibration import Calibration
from cxr.model.engine import Encoded, Engine
from cxr.model.gate import Gatekeeper
from cxr.model.loading import load
from cxr.model.maps import Mapper
from cxr.plain import explain_report
from cxr.probes import ask_sides
from cxr.prompts import YES_NO, Message, ask_finding, ask_report, build_conversation, clean, parse_report
from cxr.questions.indications import hold_back
from cxr.results import Answer, Classification, CxrError, Gate, Identity, Mark, RefusalError, Report, Score, Turn
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
        guided: bool = False,
        set_questions: bool = False,
    ) -> None:
        """How films are read.

        Args:
            own_findings: Keys of findings outside the 14 that the adapter was taught.
            gatekeeper: Who lets films through; None lets through all that can be opened.
            anyway: Whether what is refused is read all the same, with the reasons as warnings.
            mapper: What draws heat maps; None: one without the part that is taught.
            guided: Whether the adapter was taught to write reports of what is likely and possible.
            set_questions: Whether it only answers questions in the forms that it was taught.
        """
        self.engine = engine
        self.identity = identity
        self.calibration = calibration
        self.own_findings = tuple(own_findings)
        self.gatekeeper = gatekeeper
        self.anyway = anyway
        self.mapper = mapper or Mapper(engine)
        self.guided = guided
        self.set_questions = set_questions

    def warm_up(self) -> Iterator[str]:
        """Do once what the first visitor would wait for, a sentence for each step; nothing where there is no GPU."""
        if self.engine.fast is None:
            return
        encoded = self.engine.encode(Film(np.zeros((MAX_SIDE, MAX_SIDE), np.float32)))
        yield "A blank film is encoded."
        for tokens in self.engine.record(encoded):
            yield f"Texts of up to {tokens} tokens are prepared."
        self.engine.score(encoded, ask_findings(tuple(BY_KEY)), YES_NO)
        next(self.engine.stream(encoded, build_conversation(ask_report())), "")
        yield f"The model is ready{'' if self.engine.fast.runs else ', on the plain path'}."

    def open(self, path: str | Path, view: View | None = None) -> Film:
        """A file as a film; needs no model. `view`: what is known where the file does not say.

        Raises:
            CxrError: it cannot be read, and why.
        """
        return receive_film(path, view)

    def study(self, film: Film) -> Study:
        """Encode a film; the vision encoder runs here and nowhere else.

        Raises:
            RefusalError: the gate does not let it through, by header and greys or by what the encoder made of it.
        """
        film, seen = self.admit(film)
        return self.keep(film, seen, self.engine.encode(film))

    def admit(self, film: Film, seen: Inspection | None = None) -> tuple[Film, Inspection | None]:
        """The film and what a look at it says, made now if it is not known; None where nothing is refused.

        Raises:
            RefusalError: the gate does not let it through to the encoder.
        """
        if self.gatekeeper is None:
            return film, None
        film = replace(film, anyway=film.anyway or self.anyway)
        seen = seen or inspect_film(film)
        admit(self.gatekeeper.judge(film, seen))
        return film, seen

    def keep(self, film: Film, seen: Inspection | None, encoded: Encoded) -> Study:
        """A film that was admitted, with what the encoder made of it.

        Raises:
            RefusalError: the gate does not let it through after all.
        """
        gate = admit(self.gatekeeper.judge(film, seen, encoded)) if self.gatekeeper and seen else OPEN
        return Study(film, encoded, gate)

    @property
    def keys(self) -> tuple[str, ...]:
        """The 14 findings, then the adapter's own."""
        return (*BY_KEY, *self.own_findings)

    @property
    def questions(self) -> list[list[Message]]:
        """The closed questions about the 14 findings and the adapter's own."""
        return ask_findings(self.keys)

    def classify(self, study: Study) -> Classification:
        """The 14 findings and the adapter's own, from the answers to closed questions in one batched forward."""
        return self.conclude(study, self.engine.score(study.encoded, self.questions, YES_NO))

    def conclude(self, study: Study, answers: np.ndarray) -> Classification:
        """What the answers mean, questions x YES_NO in 0..1."""
        both = self._judge(self.keys, answers)
        scores, own = both[: len(FINDINGS)], both[len(FINDINGS) :]
        return Classification(scores, *choose_level(scores, own), study.warnings, own)

    def score(self, study: Study, keys: Sequence[str]) -> tuple[Score, ...]:
        """Some findings alone, in one batched forward."""
        return self._judge(keys, self.engine.score(study.encoded, ask_findings(keys), YES_NO))

    def _judge(self, keys: Sequence[str], answers: np.ndarray) -> tuple[Score, ...]:
        yes = answers[:, YES_NO.index("Yes")]
        return tuple(self._calibrate(key, float(p)) for key, p in zip(keys, yes, strict=True))

    def _calibrate(self, finding: str, probability: float) -> Score:
        return self.calibration.score(finding, probability) if self.calibration else Score(finding, probability)

    def caption(self, study: Study, indication: str = "", known: Classification | None = None) -> Iterator[Report]:
        """The report as it is written; the last one is finished and held against the classification.

        `known`: that of the same study, where it was made before; else it is made now.
        """
        text, known = "", known or (self.classify(study) if self.guided and self.calibration else None)
        indication, held = hold_back(clean(indication)) if self.set_questions else (indication, ())
        for text in _grow(self.engine.stream(study.encoded, self.ask_report(known, indication))):
            yield Report(text, *parse_report(text), finished=False, warnings=study.warnings)
        yield self.finish(study, text, known or self.classify(study), held)

    def ask_report(self, known: Classification | None, indication: str = "") -> list[Message]:
        """The request for a report of a film of which this much is known. Own findings a report names by itself."""
        guide = choose_guide(known.scores) if known and self.guided and self.calibration else None
        return build_conversation(ask_report(indication, guide))

    def finish(self, study: Study, text: str, result: Classification, held: tuple[str, ...] = ()) -> Report:
        """A whole report, held against the classification. `held`: what is to be said of its indication."""
        scores, marks = (*result.scores, *result.own), self.mark(study, text, result)
        warnings, plain = (*study.warnings, *held, *check_report(text, scores)), explain_report(text, scores)
        return Report(text, *parse_report(text), finished=True, warnings=warnings, marks=marks, plain=plain)

    def mark(self, study: Study, text: str, known: Classification) -> tuple[Mark, ...]:
        """The sentences of a report, of this reader or not, that say more of the film than is known."""
        sides = ask_sides(self.engine, study.encoded, list_sided(text))
        return mark_report(text, (*known.scores, *known.own), sides)

    def answer(
        self,
        study: Study | None,
        question: str,
        history: Sequence[Turn] = (),
        known: Classification | None = None,
    ) -> Iterator[Answer]:
        """The answer as it is written; the last one is finished. What cannot be answered is declined or corrected.

        `study`: None where there is no film. `known`: its classification where it was made before; else it is made
        where the question takes a finding for granted, and to hold the finished answer against it.

        Raises:
            CxrError: nothing was asked.
        """
        question = clean(question)
        if not question:
            raise CxrError("Please write a question about the film.")
        seen = Seen(study.encoded, cache(lambda: known or self.classify(study)), study.warnings) if study else None
        yield from answer_question(self.engine, seen, question, history, self.own_findings, self.set_questions)


def load_reader(settings: Settings, anyway: bool = False) -> Reader:
    """The reader that the settings ask for; the embedded model where that cannot be had (see `Identity.problem`).

    `anyway`: read also what the gate refuses, as measurements do.
    """
    loaded = load(settings)
    parts = loaded.engine, loaded.identity, loaded.calibration, loaded.own_findings, Gatekeeper(loaded.familiarity)
    return Reader(*parts, anyway, Mapper(loaded.engine, loaded.head), loaded.guided, loaded.set_questions)


def admit(gate: Gate) -> Gate:
    """The same, if it lets the film through.

    Raises:
        RefusalError: it does not.
    """
    if gate.refused:
        raise RefusalError(gate)
    return gate


def ask_findings(keys: Sequence[str]) -> list[list[Message]]:
    """The closed question about each finding."""
    return [build_conversation(ask_finding(find_finding(key))) for key in keys]


def _grow(pieces: Iterator[str]) -> Iterator[str]:
    text = ""
    for piece in pieces:
        text += piece
        yield text.strip()
