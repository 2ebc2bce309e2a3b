"""The examples that a visitor may choose from, with their small pictures. Films may join while the page is up."""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from cxr.films.film import Film
from cxr.results import CxrError
from cxr.space.examples import Example
from cxr.space.views import draw_thumbnail, write_jpeg

Thumbnail = tuple[str, str]  # a small picture's path, which must not tell what the film shows, and the example's name


class Shelf:
    """Examples in the order in which they are shown. Adding is safe while others read: a new list replaces the old."""

    def __init__(self, open_film: Callable[[Path], Film], examples: Sequence[Example] = ()) -> None:
        self._open_film = open_film
        self._folder = TemporaryDirectory(prefix="chest-film-examples-")
        self._places: dict[str, tuple[Example, Thumbnail]] = {}
        self.add(examples)

    @property
    def folder(self) -> Path:
        """Where the small pictures lie, and nothing else."""
        return Path(self._folder.name)

    def add(self, examples: Sequence[Example]) -> None:
        """Put up those examples that are new and can be opened."""
        new: dict[str, tuple[Example, Thumbnail]] = {}
        for example in examples:
            if example.name in self._places:
                continue
            try:
                picture = write_jpeg(draw_thumbnail(self._open_film(example.path)))
            except CxrError:
                continue
            path = self.folder / f"{len(self._places) + len(new)}.jpg"
            path.write_bytes(picture)
            new[example.name] = (example, (str(path), example.name))
        self._places = {**self._places, **new}

    def find(self, name: str) -> Example:
        """The example of this name.

        Raises:
            CxrError: there is none.
        """
        if name not in self._places:
            raise CxrError("This example is no longer there; please reload the page.")
        return self._places[name][0]

    def list_thumbnails(self) -> list[Thumbnail]:
        """What the gallery shows."""
        return [thumbnail for _, thumbnail in self._places.values()]
