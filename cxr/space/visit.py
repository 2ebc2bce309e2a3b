"""What a visitor's browser session holds between two events, and what handlers share. Knows nothing about models."""

from base64 import b64encode
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import gradio as gr

from cxr.films.film import Film
from cxr.reader import Study
from cxr.results import Classification, CxrError, Gate, RefusalError
from cxr.space.examples import Example

Changes = dict[Any, Any]  # a component -> its new value or what changes about it
NO_FILM = "Please choose a film first; one that was chosen more than an hour ago has been deleted."


@dataclass(frozen=True)
class Visit:
    """The film one visitor looks at. `number` tells it from every other, also after pickling."""

    number: str
    film: Film
    example: Example | None = None


@dataclass(frozen=True)
class Studied:
    """What the encoder made of the film of the visit `number`, or why the gate refused it.

    A late one of an earlier film is never used.
    """

    number: str
    study: Study | Gate
    known: Classification | None = None


class Latest:
    """Which film each visitor chose last, by session; of the oldest sessions it is forgotten.

    Gradio cannot cancel an event before its id has come back to the browser: such an event runs on, and what it still
    says would stand under another film. So every event that takes long asks here before it says anything.
    """

    def __init__(self, sessions: int) -> None:
        self._numbers: OrderedDict[str | None, str] = OrderedDict()
        self._sessions = sessions

    def note(self, request: gr.Request, number: str = "") -> None:
        """From now on this visitor looks at the film of the visit `number`, or at none yet."""
        self._numbers[request.session_hash] = number
        self._numbers.move_to_end(request.session_hash)
        while len(self._numbers) > self._sessions:
            self._numbers.popitem(last=False)

    def is_gone(self, request: gr.Request, visit: Visit) -> bool:
        """Whether the visitor has chosen another film, or none, since this visit began."""
        return self._numbers.get(request.session_hash, visit.number) != visit.number


def need_visit(visit: Visit | None) -> Visit:
    """The visit.

    Raises:
        CxrError: no film has been chosen, or it was forgotten.
    """
    if visit is None:
        raise CxrError(NO_FILM)
    return visit


def find_seen(visit: Visit | None, studied: Studied | None) -> Film | Study:
    """What is known of the visit's film: what the encoder made of it, or the film alone.

    Raises:
        CxrError: no film has been chosen, or it was forgotten.
        RefusalError: the gate has refused it.
    """
    visit = need_visit(visit)
    if studied is None or studied.number != visit.number:
        return visit.film
    if isinstance(studied.study, Gate):
        raise RefusalError(studied.study)
    return studied.study


def find_known(visit: Visit | None, studied: Studied | None) -> Classification | None:
    """The classification of the visit's film, where it was made."""
    return studied.known if visit and studied and studied.number == visit.number else None


def is_refused(visit: Visit, studied: Studied | None) -> bool:
    """Whether the gate has refused the visit's film."""
    return studied is not None and studied.number == visit.number and isinstance(studied.study, Gate)


def send_file(content: bytes, name: str, kind: str) -> Any:
    """A picture or a download as the page's own JSON, with its content in it; for events with `postprocess=False`.

    It never is a file here: Gradio gives its files to whoever knows their names, other visitors too.
    """
    return {"path": None, "url": f"data:{kind};base64,{b64encode(content).decode()}", "orig_name": name}
