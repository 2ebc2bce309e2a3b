"""One's own films, in a folder or on the Hub, become rows.

A folder holds dataset.json (a list), dataset.jsonl (one object a line), train.jsonl beside val.jsonl and test.jsonl, or
the folders train, val and test, each with such a file or with pictures in folders named by their label
(train/Pneumonia/1.png). `film_objects` says what an object holds. Pictures lie in the folder of the file that names
them. Knows nothing about models.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cxr.results import CxrError
from cxr.training.data import MISSING, DataOptions, Notes
from cxr.training.film_files import Finder, compose
from cxr.training.film_labels import list_own
from cxr.training.film_objects import NOTHING_SAID, SPLITS, Set, build_row, read_object, read_text
from cxr.training.hub_films import read_hub as read_hub  # the other door, for a name on the Hub
from cxr.training.label_meaning import find_meaning
from cxr.training.object_files import read_lines, read_list
from cxr.training.remarks import Remarks, hear_labels
from cxr.training.rows import Row, Split

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".dcm", ".dicom"})
MAX_OWN = 50  # findings outside the 14 of which nobody has heard; more are free text and no labels


class Part(NamedTuple):
    """A file of objects, or a folder of folders of pictures, and what its name says that the films are for."""

    path: Path
    split: Split | None
    base: Path  # of the films' names, the same by whichever path the data are named


def read_records(where: Path, options: DataOptions, notes: Notes) -> Iterator[Row]:
    """The films of a folder or of one .json or .jsonl file, in the order of the files.

    Args:
        where: The folder or file.
        options: `blank` says what a finding means that a film's labels do not mention.
        notes: Gets what is left out, by file and position.

    Raises:
        CxrError: nothing here is known or can be used, or a file is no JSON in UTF-8.
    """
    where = where.expanduser().absolute()
    parts = find_parts(where)
    own = gather_own(parts)
    lacks_val = {part.split for part in parts} & {"train", "val"} == {"train"}
    remarks, finder, count = Remarks(notes), Finder(), 0
    for part in parts:
        origin = Set(own, part.split, lacks_val)
        for place, data in read_part(part.path, notes):
            remarks.note_fields(data)
            row = try_row(place, data, part, origin, options, notes, finder)
            if row:
                remarks.note_film(place, data, row)
                count += 1
                yield row
    if not count:
        raise CxrError(" ".join((f"{where} holds no film that can be used.", *notes.sentences())))


def try_row(
    place: str, data: Any, part: Part, origin: Set, options: DataOptions, notes: Notes, finder: Finder
) -> Row | None:
    """The row of one object of a part; None, and a note, where it cannot be one."""
    try:
        image = find_image(read_object(data), part.path if part.path.is_dir() else part.path.parent, finder)
        row = build_row(data, image, compose(image.relative_to(part.base).as_posix()), origin, options)
    except CxrError as error:
        notes.count(str(error), place)
        if str(error) == NOTHING_SAID:
            hear_labels(data, notes)  # for it may be a label that is not understood
        return None
    if not os.path.isfile(image):  # a name that is too long for a file is none, too
        notes.count(MISSING, place)
        return None
    return row


def find_image(data: dict[str, Any], root: Path, finder: Finder) -> Path:
    """The picture's file.

    Raises:
        CxrError: none is named, or it leaves the folder `root`.
    """
    named = read_text(data, "image").strip()
    if not named or "\0" in named:
        raise CxrError("films without 'image', the path of their picture")
    try:
        return finder.find(root, named)
    except OSError:  # a name that is too long for a file
        raise CxrError(MISSING) from None


# --- where objects are ----------------------------------------------------------------------------------------------


def find_parts(where: Path) -> list[Part]:
    """The files of objects and the folders of pictures.

    Raises:
        CxrError: there are none.
    """
    if where.is_file():
        return [Part(where, SPLITS.get(where.stem.lower()), where.parent)]
    for folder in (where, where / "data"):
        files = find_files(folder)
        if files:
            return [Part(file, SPLITS.get(file.stem.lower()), folder) for file in files]
        splits = [(name, folder / name) for name in SPLITS if (folder / name).is_dir()]
        if splits:
            return [Part(path, SPLITS[name], folder) for name, inner in splits for path in find_files(inner) or [inner]]
    raise CxrError(f"{where} holds neither dataset.json nor a .jsonl file, nor the folders train and val.")


def find_files(folder: Path) -> list[Path]:
    """dataset.json alone, or every .jsonl file in the order of their names."""
    listed = folder / "dataset.json"
    return [listed] if listed.is_file() else sorted(folder.glob("*.jsonl"))


def gather_own(parts: list[Part]) -> frozenset[str]:
    """The keys outside the 14 that any film has a label for; `complete` films lack those that they do not name.

    Raises:
        CxrError: there are so many that they are no labels.
    """
    own: set[str] = set()
    for part in parts:
        for _, data in read_part(part.path, Notes()):
            try:
                own |= list_own(read_object(data))
            except (CxrError, TypeError):  # it is malformed, and said to be where its row is built
                continue
            if len(own) > MAX_OWN and sum(not find_meaning(key.replace("_", " ")).understood for key in own) > MAX_OWN:
                raise CxrError(f"{part.path.name} has more than {MAX_OWN} different labels outside the 14 findings.")
    return frozenset(own)


def read_part(path: Path, notes: Notes) -> Iterator[tuple[str, Any]]:
    """Where each object is, in words, and the object."""
    if path.is_dir():
        return read_pictures(path, notes)
    return read_lines(path, notes) if path.suffix.lower() == ".jsonl" else read_list(path)


def read_pictures(folder: Path, notes: Notes) -> Iterator[tuple[str, Any]]:
    """An object for every picture below a folder; its label is the name of the folder's own folder that it is in."""
    for root, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = Path(root, file).relative_to(folder)
            if file.startswith("."):
                continue
            if path.suffix.lower() not in PICTURES:
                notes.count("files that are no picture", f"{folder.name}/{path.as_posix()}")
                continue
            label = path.parts[0] if len(path.parts) > 1 else None  # no label at all, and not one that nothing is seen
            yield f"{folder.name}/{path.as_posix()}", {"image": path.as_posix(), "label": label}
