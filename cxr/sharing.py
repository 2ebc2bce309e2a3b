"""One Reader for many visitors, each in a thread of their own: whose turn it is, and whose films are read at once."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from cxr.films.film import Film
from cxr.films.gate import Inspection
from cxr.many import classify_all, study_all
from cxr.probes import Dependence
from cxr.reader import Reader, Study
from cxr.results import Answer, Classification, Gate, HeatMap, RefusalError, Report, Turn
from cxr.second_look import SecondLook
from cxr.sides import SideCheck
from cxr.turns import Together, take_turns

# Encoding takes as long for each film, so in a larger batch the first would wait for the last. Without a GPU a batch of
# any size gains nothing.
AT_ONCE = 4

Looked = tuple[Film, Inspection | None]  # a film and what `inspect_film` says of it, where it is known
Read = tuple[Study, Classification] | Gate  # a film with its findings, or why the gate refuses it


class SharedReader:
    """What may be asked of one Reader by many. Holds no film but those that wait."""

    def __init__(
        self, reader: Reader, turns: AbstractContextManager[object] | None = None, at_once: int | None = None
    ) -> None:
        """How it is shared.

        Args:
            turns: Each step of the model waits for its turn there; None: nobody waits.
            at_once: Films of waiting visitors in one batch; None: what is best on this machine.
        """
        self.reader = reader
        self._look = SecondLook(reader)
        self._turns = turns or nullcontext()
        self._together = Together(self._read_all, self._turns, at_once or (AT_ONCE if reader.engine.fast else 1))

    def read(self, film: Film, look: Inspection | None = None) -> Read:
        """The film as the model keeps it, and its findings; films that wait together are read in batches.

        `look`: what `inspect_film` says of it, where it is known.
        """
        return self._together.ask((film, look))

    def _read_all(self, films: Sequence[Looked]) -> list[Read]:
        seen = study_all(self.reader, [film for film, _ in films], [look for _, look in films])
        results = iter(classify_all(self.reader, [study for study in seen if isinstance(study, Study)]))
        return [each.gate if isinstance(each, RefusalError) else (each, next(results)) for each in seen]

    def caption(
        self, seen: Film | Study, indication: str = "", known: Classification | None = None
    ) -> Iterator[Report]:
        """The report as it is written; the last one is finished."""
        yield from take_turns(self.reader.caption(self._study(seen), indication, known), self._turns)

    def answer(
        self,
        seen: Film | Study | None,
        question: str,
        history: Sequence[Turn] = (),
        known: Classification | None = None,
    ) -> Iterator[Answer]:
        """The answer as it is written; the last one is finished. `seen`: None where there is no film."""
        study = None if seen is None else self._study(seen)
        yield from take_turns(self.reader.answer(study, question, history, known), self._turns)

    def check_findings(self, seen: Film | Study) -> tuple[Dependence, ...]:
        """Whether the probabilities depend on the film."""
        study = self._study(seen)
        with self._turns:
            return self._look.check_findings(study)

    def check_sides(self, seen: Film | Study) -> tuple[SideCheck, ...]:
        """Whether the sides change with the film's."""
        study = self._study(seen)
        with self._turns:
            return self._look.check_sides(study)

    def check_answer(self, seen: Film | Study, question: str, history: Sequence[Turn]) -> Iterator[Dependence | None]:
        """Whether an answer depends on the film: None while it is being written."""
        yield from take_turns(self._look.check_answer(self._study(seen), question, history), self._turns)

    def locate(self, seen: Film | Study, finding: str) -> HeatMap:
        """Where the answer about a finding came from."""
        study = self._study(seen)
        with self._turns:
            return self._look.locate(study, finding)

    def locate_sentence(self, seen: Film | Study, sentence: str, report: str) -> HeatMap:
        """Where a sentence of a report came from."""
        study = self._study(seen)
        with self._turns:
            return self._look.locate_sentence(study, sentence, report)

    def _study(self, seen: Film | Study) -> Study:
        if isinstance(seen, Study):
            return seen
        with self._turns:
            return self.reader.study(seen)
