"""What is asked of a reading afterwards, on demand: does it depend on the film, on its sides, and where is it from.

None of it slows the first answer. Knows nothing about pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from cxr.model.maps import NO_MAPS, Mapper
from cxr.model.ways import Method
from cxr.probes import (
    Dependence,
    ask_sides,
    compare_answers,
    compare_scores,
    draw_blank,
    list_to_check,
    mirror_film,
    weigh_findings,
)
from cxr.prompts import clean
from cxr.questions.question import Question
from cxr.questions.reading import read_question
from cxr.reader import Reader, Study
from cxr.results import Answer, Classification, CxrError, HeatMap, Manner, Turn
from cxr.sides import SideCheck, compare_sides


class SecondLook:
    """Looks again at what one Reader said. Holds nothing of any film but the blank one."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    @cached_property
    def _blank(self) -> Study:
        """A film on which there is nothing, encoded once."""
        film = draw_blank()
        return Study(film, self.reader.engine.encode(film))

    @cached_property
    def _blank_findings(self) -> Classification:
        return self.reader.classify(self._blank)

    def check_findings(self, study: Study, known: Classification | None = None) -> tuple[Dependence, ...]:
        """Whether the probabilities of the findings depend on the film: the same questions of a blank one."""
        seen, blank = known or self.reader.classify(study), self._blank_findings
        return compare_scores((*seen.scores, *seen.own), (*blank.scores, *blank.own))

    def check_answer(self, study: Study, question: str, history: Sequence[Turn] = ()) -> Iterator[Dependence | None]:
        """Whether the answer to a question depends on the film: the same question of a blank one.

        None while both answers are being written; only the last is the result.

        Raises:
            CxrError: nothing was asked.
        """
        answers: list[Answer] = []
        for film in (study, self._blank):
            for answer in self.reader.answer(film, question, history):
                if answer.finished:
                    answers.append(answer)
                yield None
        read = read_question(clean(question), self.reader.own_findings, history)
        yield replace(self._compare(study, read, history, answers), asked=clean(question))

    def _compare(self, study: Study, read: Question, history: Sequence[Turn], answers: Sequence[Answer]) -> Dependence:
        """What the model wrote is weighed as it was asked; what follows the classification, by the classification."""
        texts, manners = (answers[0].text, answers[1].text), {answer.manner for answer in answers}
        if manners & {Manner.CLASSIFIED, Manner.CORRECTED, Manner.NOT_SURE}:
            films = (self.reader.score(film, read.findings or self.reader.keys) for film in (study, self._blank))
            return weigh_findings(read.request, texts, *films)
        return compare_answers(
            self.reader.engine, (study.encoded, self._blank.encoded), read.request, history, texts, read.turned
        )

    def check_sides(self, study: Study, known: Classification | None = None) -> tuple[SideCheck, ...]:
        """Whether the sides of what may be there change with the film's: the same questions of the mirrored film."""
        result = known or self.reader.classify(study)
        findings = list_to_check((*result.scores, *result.own))
        if not findings:
            return ()
        mirrored = self.reader.engine.encode(mirror_film(study.film))
        return compare_sides(*(ask_sides(self.reader.engine, film, findings) for film in (study.encoded, mirrored)))

    def locate(self, study: Study, finding: str, method: Method | None = None) -> HeatMap:
        """Where the answer about a finding came from. `method`: None for the one that did best on drawn films.

        Raises:
            CxrError: the model is not asked for this finding, or is out of reach.
        """
        if finding not in (keys := self.reader.keys):
            raise CxrError(f"Heat maps are drawn of these findings: {', '.join(keys)}.")
        return self._sign_map(study, self._mapper.map_finding(study.film, study.encoded, finding, method))

    def locate_sentence(self, study: Study, sentence: str, report: str) -> HeatMap:
        """Where a sentence of a report came from, see `Mapper.map_sentence`.

        Raises:
            CxrError: the report does not hold the sentence, or the model is out of reach.
        """
        asked = study.film, study.encoded, sentence, report, self.reader.own_findings
        return self._sign_map(study, self._mapper.map_sentence(*asked))

    @property
    def _mapper(self) -> Mapper:
        if self.reader.identity.remote:
            raise CxrError(NO_MAPS)
        return self.reader.mapper

    def _sign_map(self, study: Study, found: HeatMap) -> HeatMap:
        scores = self.reader.score(study, found.findings) if found.findings else ()
        return replace(found, scores=scores, warnings=(*study.warnings, *found.warnings))
