"""Files are opened in the order in which they will be read, ahead of the model where processes are given for it.

Opening takes a core about 30 ms a film, the findings of one on a large GPU hardly twice that. Knows nothing of models.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from torch.utils.data import DataLoader, Dataset

from cxr.films.film import Film
from cxr.films.gate import Inspection, inspect_film
from cxr.films.open import receive_film
from cxr.results import CxrError

AHEAD = 64  # films that lie open at most before the model asks for them, 5 MB each


@dataclass(frozen=True)
class Opened:
    """A file: the film in it and what a look at it says, or why there is none."""

    name: str
    film: Film | None = None
    look: Inspection | None = None
    refused: str = ""


class Folder(Dataset[Opened]):
    """The files of a folder by their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __getitem__(self, name: str) -> Opened:
        try:
            film = receive_film(self.folder / name)
        except CxrError as error:
            return Opened(name, refused=str(error))
        return Opened(name, film, inspect_film(film))


def open_ahead(folder: Path, names: Iterable[str], openers: int) -> Iterator[Opened]:
    """Each file in turn. `openers`: processes that open so many at once; 0: it is done here.

    Raises:
        RuntimeError: one of these processes has ended.
    """
    yield from DataLoader(
        Folder(folder),
        batch_size=None,
        sampler=names,
        num_workers=openers,
        collate_fn=leave,  # type: ignore[arg-type]  # of one film, since there are no batches
        prefetch_factor=max(1, AHEAD // openers) if openers else None,
        multiprocessing_context="spawn" if openers else None,  # a fork would share the threads of this process
    )


def leave(opened: Opened) -> Opened:
    """The film as it is, and not as a tensor."""
    return opened
