"""What one should know of one's own films although they can be used, or of why they cannot: noted, and nothing more.

Knows nothing about how objects become rows.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from hashlib import blake2b
from pathlib import Path
from typing import Any

from cxr.training.data import Notes
from cxr.training.film_labels import is_column, list_found, list_said
from cxr.training.film_objects import read_object, read_patient
from cxr.training.label_meaning import describe_said
from cxr.training.rows import Row, Split

FIELDS = (
    *("image", "label", "absent", "findings", "complete", "report", "indication", "questions"),
    *("patient", "split", "view"),
)
ALIKE = 0.8  # of 1, from where on a field is taken for one that is written wrong
LONGEST = 40  # characters of a field's name
PIECE = 4096  # bytes of a picture's file that are compared at its beginning, its middle and its end
UNREAD = "fields that are not read"
MISSPELT = f"fields that are not read but look like one that is ({', '.join(FIELDS)})"
NOBODY = "films without 'patient', each of which counts as a patient of its own when films are split"
TWICE = "films whose picture is there already, as the same file or a copy of it; each counts as another film"
ACROSS = "films whose picture is a copy of one in another split, so that figures of these splits flatter"


class Remarks:
    """Notes on the films of one data set; of each picture only a hash is kept."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._fields: set[str] = set(FIELDS)
        self._pictures: dict[int, Split] = {}

    def note_fields(self, data: Any) -> None:
        """Fields that nothing reads, each once. `data`: one film's object, also one that cannot be used."""
        if not isinstance(data, Mapping):
            return
        for field in [
            name for name in data if name not in self._fields and not is_column(name)
        ]:  # in the order in which they stand
            self._fields.add(field)
            if is_column(field):
                continue
            alike = get_close_matches(field.lower(), FIELDS, 1, ALIKE)
            self._notes.count(MISSPELT if alike else UNREAD, field[:LONGEST])

    def note_film(self, place: str, data: Mapping[str, Any], row: Row) -> None:
        """Its labels; a film of nobody, and one that was there before. `place`: where it stands, in words."""
        hear_labels(data, self._notes)
        if not read_patient(read_object(data)):
            self._notes.count(NOBODY, place)
        mark = hash_pieces(row.image)
        if mark is None:
            return
        if mark in self._pictures:
            self._notes.count(TWICE if self._pictures[mark] == row.split else ACROSS, place)
        else:
            self._pictures[mark] = row.split


def hear_labels(data: Mapping[str, Any], notes: Notes) -> None:
    """What each label of a film is read as, each once for it."""
    data = read_object(data)
    said = [*list_said(data), *((f"{word} (in 'findings')", one) for word, one in list_found(data))]
    for label, one in dict(said).items():
        notes.hear(label, describe_said(one), one.understood)


def hash_pieces(path: Path) -> int | None:
    """64 bits of a file's size, beginning, middle and end; None where it cannot be read, which is told elsewhere."""
    try:
        size = path.stat().st_size
        digest = blake2b(str(size).encode(), digest_size=8)
        with path.open("rb") as file:
            for start in (0, size // 2, max(0, size - PIECE)):
                file.seek(start)
                digest.update(file.read(PIECE))
    except OSError:
        return None
    return int.from_bytes(digest.digest(), "big")
