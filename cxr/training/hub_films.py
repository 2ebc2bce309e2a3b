"""The films of a dataset on the Hub become rows.

Its pictures are in a column of type Image, and its other columns are named as the fields of `film_objects`; a label may
be a ClassLabel. Rows stream; each picture is written once, as it is, to ~/.cache/cxr (XDG_CACHE_HOME moves it), for
training opens films many times. No code of a dataset is ever run. Knows nothing about models.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec
import httpx

from cxr.findings import BY_KEY, read_label
from cxr.results import CxrError
from cxr.training.data import DataOptions, Notes
from cxr.training.film_objects import SPLITS, Set, build_row
from cxr.training.remarks import Remarks
from cxr.training.rows import Row

# What the libraries raise for a name, a connection or a file that is not right; most are OSErrors or ValueErrors.
FAULTS = (OSError, ValueError, RuntimeError, httpx.HTTPError)


def read_hub(name: str, options: DataOptions, notes: Notes) -> Iterator[Row]:
    """The films of a dataset, split by split, in its own order.

    Args:
        name: owner/name on the Hub, or a folder that `datasets` can load.
        options: `blank` says what a finding means that a film's labels do not mention.
        notes: Gets what is left out, by split and position.

    Raises:
        CxrError: the dataset cannot be reached or read, or holds nothing that can be used.
    """
    remarks, count = Remarks(notes), 0
    for place, data, origin in stream_objects(name, choose_cache(name)):
        remarks.note_fields(data)
        try:
            image = data.pop("image")
            if image is None:
                raise CxrError("films without a picture in a column of type Image")
            row = build_row(data, image, image.name, origin, options)
        except CxrError as error:
            notes.count(str(error), place)
            continue
        remarks.note_film(place, data, row)
        count += 1
        yield row
    if not count:
        raise CxrError(" ".join((f"{name} holds no film that can be used.", *notes.sentences())))


def stream_objects(name: str, folder: Path) -> Iterator[tuple[str, dict[str, Any], Set]]:
    """Where each film stands, its object and what its split has in common; "image" is a file in `folder`, or None.

    Raises:
        CxrError: the dataset cannot be reached or read, or its pictures cannot be kept.
    """
    import datasets  # here, for it takes a second and most data are in folders

    try:
        parts = {str(split): films for split, films in datasets.load_dataset(name, streaming=True).items()}
        splits = {part: SPLITS.get(part.lower()) for part in parts}
        lacks_val = set(splits.values()) & {"train", "val"} == {"train"}
        for part, films in parts.items():
            features = films.features or {}
            column = next((key for key, kind in features.items() if isinstance(kind, datasets.Image)), "image")
            words = {key: kind for key, kind in features.items() if isinstance(_item(kind), datasets.ClassLabel)}
            own = {key for kind in words.values() for word in _item(kind).names if (key := read_class(word))}
            origin = Set(frozenset(own - set(BY_KEY)), splits[part], lacks_val)
            for number, data in enumerate(films.decode(False) if features else films, 1):
                named = {key: name_classes(data[key], _item(kind)) for key, kind in words.items()}
                image = keep_picture(data.pop(column, None), folder)
                yield f"{part} {number}", {**data, **named, "image": image}, origin
    except FAULTS as error:
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise CxrError(
            f"The dataset {name} cannot be read from the Hub ({why}); check its name, the connection and the free disk "
            "space, and set HF_TOKEN if it is private or gated."
        ) from error


def _item(feature: Any) -> Any:
    """The feature of a list's items; any other feature itself."""
    return getattr(feature, "feature", feature)


def name_classes(value: Any, kind: Any) -> Any:
    """The names of classes in place of their numbers; -1 is the library's word for none."""
    if isinstance(value, list):
        return [kind.int2str(number) for number in value if number >= 0]
    return kind.int2str(value) if value is not None and value >= 0 else None


def read_class(word: str) -> str | None:
    """The finding's key of a class; None for "Normal" and for what is no label."""
    try:
        return read_label(word)
    except ValueError:
        return None


# --- pictures -------------------------------------------------------------------------------------------------------


def choose_cache(name: str) -> Path:
    """The folder in which a dataset's pictures are kept."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "cxr" / re.sub(r"[^\w.-]+", "--", name).strip("-.")


def keep_picture(picture: Any, folder: Path) -> Path | None:
    """The file with a picture's bytes, named by what they hash to, so that a picture is kept once; None without one.

    Args:
        picture: What `datasets` gives for an undecoded Image: {"bytes": ..., "path": ...}, one of them None.

    Raises:
        OSError: it cannot be fetched or written.
    """
    if not isinstance(picture, Mapping) or not (picture.get("bytes") or picture.get("path")):
        return None
    data = picture.get("bytes") or fetch_bytes(str(picture["path"]))
    digest = hashlib.sha256(data).hexdigest()[:32]
    path = folder / digest[:2] / digest  # without an ending: films are told by their first bytes
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
    return path


def fetch_bytes(path: str) -> bytes:
    """A picture that lies in a file of its own, here or on the Hub ("hf://...", also inside an archive)."""
    with fsspec.open(path, "rb") as file:
        return file.read()
