"""The Reader behind ZeroGPU's door: one lease of a GPU a call. Knows nothing about pages.

On ZeroGPU a leased function runs in a forked process, to which its arguments and from which its results are pickled,
and which keeps nothing; so a film goes in, and what must outlive the call comes out. Elsewhere the lease does nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import spaces

from cxr.films.film import Film, View
from cxr.films.gate import Inspection
from cxr.probes import Dependence
from cxr.reader import Reader, Study
from cxr.results import Answer, Classification, HeatMap, Identity, RefusalError, Report, Turn
from cxr.sharing import Read, SharedReader
from cxr.sides import SideCheck
from cxr.space.faults import guard

Lease = Callable[..., Callable[[Callable[..., Any]], Callable[..., Any]]]  # called with duration=, gives a decorator

START = 10  # s; a fresh worker first moves the weights to its GPU: 20 GiB for the 11B in bf16
READ = 3  # s; one pass of the vision encoder and one of the questions about findings
MAP = 5  # s; the encoder once more and one question with its gradients
WRITE = 20  # s; at most 400 tokens at 20 a second or more


def estimate_reading(film: Film, *known: object) -> int:
    """GPU seconds that `Desk.read` may take."""
    return START + READ


def estimate_writing(seen: Film | Study | None, *asked: object) -> int:
    """GPU seconds that `Desk.caption` and `Desk.answer` may take; a film that was not encoded yet takes longer."""
    return START + WRITE + (READ if isinstance(seen, Film) else 0)


def estimate_checking(seen: Film | Study, *asked: object) -> int:
    """GPU seconds that a check may take: a blank or mirrored film is read beside this one."""
    return START + 3 * READ


def estimate_checking_answer(seen: Film | Study, *asked: object) -> int:
    """GPU seconds for one more answer, of a blank film."""
    return estimate_writing(seen) + READ + WRITE


def estimate_map(seen: Film | Study, *asked: object) -> int:
    """GPU seconds that a heat map may take."""
    return START + MAP + (READ if isinstance(seen, Film) else 0)


class Desk:
    """What the page and the public endpoints may ask of one Reader. Holds nothing of any film."""

    def __init__(
        self, reader: Reader, lease: Lease = spaces.GPU, turns: AbstractContextManager[object] | None = None
    ) -> None:
        """`turns`: where many share one model, each step of theirs waits for its turn; none on ZeroGPU, which forks."""
        self._reader = reader
        self._shared = SharedReader(reader, turns)
        self._read = lease(duration=estimate_reading)(guard(self._read_now))
        self._caption = lease(duration=estimate_writing)(guard(self._caption_now))
        self._answer = lease(duration=estimate_writing)(guard(self._answer_now))
        self._check_findings = lease(duration=estimate_checking)(guard(self._check_findings_now))
        self._check_sides = lease(duration=estimate_checking)(guard(self._check_sides_now))
        self._check_answer = lease(duration=estimate_checking_answer)(guard(self._check_answer_now))
        self._locate = lease(duration=estimate_map)(guard(self._locate_now))

    @property
    def identity(self) -> Identity:
        """Who is answering."""
        return self._reader.identity

    @property
    def own_findings(self) -> tuple[str, ...]:
        """The keys of what is looked for beside the 14 findings."""
        return self._reader.own_findings

    def open(self, path: str | Path, view: View | None = None) -> Film:
        """A file as a film; needs no GPU. `view`: what is known where the file does not say.

        Raises:
            CxrError: it cannot be read, and why.
        """
        return self._reader.open(path, view)

    def read(self, film: Film) -> Read:
        """The film as the model keeps it, and its findings; or what the gate says where it refuses the film."""
        try:
            admitted = self._reader.admit(film)  # before a GPU is leased; what the look said goes along
        except RefusalError as refusal:
            return refusal.gate
        return self._read(*admitted)

    def caption(
        self, seen: Film | Study, indication: str = "", known: Classification | None = None
    ) -> Iterator[Report]:
        """The report as it is written; the last one is finished."""
        yield from self._caption(seen, indication, known)

    def answer(
        self,
        seen: Film | Study | None,
        question: str,
        history: Sequence[Turn] = (),
        known: Classification | None = None,
    ) -> Iterator[Answer]:
        """The answer as it is written; the last one is finished. `seen`: None where there is no film."""
        yield from self._answer(seen, question, tuple(history), known)

    def check_findings(self, seen: Film | Study) -> tuple[Dependence, ...]:
        """Whether the probabilities depend on the film."""
        return tuple(self._check_findings(seen))

    def check_sides(self, seen: Film | Study) -> tuple[SideCheck, ...]:
        """Whether the sides change with the film's; empty where there is no side to check."""
        return tuple(self._check_sides(seen))

    def check_answer(self, seen: Film | Study, question: str, history: Sequence[Turn] = ()) -> Dependence:
        """Whether the answer to a question depends on the film."""
        found: Dependence
        *_, found = self._check_answer(seen, question, tuple(history))
        return found

    def locate(self, seen: Film | Study, finding: str) -> HeatMap:
        """Where the answer about a finding came from."""
        return self._locate(seen, finding, None, "")

    def locate_sentence(self, seen: Film | Study, sentence: str, report: str) -> HeatMap:
        """Where a sentence of a report came from."""
        return self._locate(seen, None, sentence, report)

    def _read_now(self, film: Film, look: Inspection | None) -> Read:
        return self._shared.read(film, look)

    def _caption_now(self, seen: Film | Study, indication: str, known: Classification | None) -> Iterator[Report]:
        yield from self._shared.caption(seen, indication, known)

    def _answer_now(
        self, seen: Film | Study | None, question: str, history: Sequence[Turn], known: Classification | None
    ) -> Iterator[Answer]:
        yield from self._shared.answer(seen, question, history, known)

    def _check_findings_now(self, seen: Film | Study) -> tuple[Dependence, ...]:
        return self._shared.check_findings(seen)

    def _check_sides_now(self, seen: Film | Study) -> tuple[SideCheck, ...]:
        return self._shared.check_sides(seen)

    def _check_answer_now(
        self, seen: Film | Study, question: str, history: Sequence[Turn]
    ) -> Iterator[Dependence | None]:
        yield from self._shared.check_answer(seen, question, history)

    def _locate_now(self, seen: Film | Study, finding: str | None, sentence: str | None, report: str) -> HeatMap:
        if sentence is not None:
            return self._shared.locate_sentence(seen, sentence, report)
        return self._shared.locate(seen, finding or "")
