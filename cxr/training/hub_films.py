"""The films of a dataset on the Hub become rows.

Its pictures are in a column of type Image, and its other columns are named as the fields of `film_objects`; a label may
be a ClassLabel. Rows stream; each picture is written once, as it is, to ~/.cache/cxr (XDG_CACHE_HOME moves it), for
training opens films many times. No code of a dataset is ever run, and nothing outside its own repository is opened:
neither an address nor a path of this machine that a column or the card names. Knows nothing about models.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec
import httpx
import yaml
from huggingface_hub import get_session, hf_hub_url
from huggingface_hub.utils import build_hf_headers

from cxr.findings import BY_KEY
from cxr.results import CxrError
from cxr.training.data import DataOptions, Notes
from cxr.training.film_objects import NOTHING_SAID, SPLITS, Set, build_row
from cxr.training.label_reading import read_said
from cxr.training.remarks import Remarks, hear_labels
from cxr.training.rows import Row

CARDS = ("README.md", ".huggingface.yaml")  # where a dataset says which files it consists of
ARCHIVE = re.compile(r"(?:zip|tar|gz|gzip|bz2|xz|zstd|lz4)://[^:]*")  # a file inside an archive
OUTSIDE = "films whose picture is an address or a path outside the dataset's own repository, which is not opened"
# What the libraries raise for a name, a connection or a file that is not right; most are OSErrors or ValueErrors.
FAULTS = (OSError, ValueError, RuntimeError, httpx.HTTPError, yaml.YAMLError)


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
            if isinstance(image, CxrError):
                raise image
            if image is None:
                raise CxrError("films without a picture in a column of type Image")
            row = build_row(data, image, image.name, origin, options)
        except CxrError as error:
            notes.count(str(error), place)
            if str(error) == NOTHING_SAID:
                hear_labels(data, notes)
            continue
        remarks.note_film(place, data, row)
        count += 1
        yield row
    if not count:
        raise CxrError(" ".join((f"{name} holds no film that can be used.", *notes.sentences())))


def stream_objects(name: str, folder: Path) -> Iterator[tuple[str, dict[str, Any], Set]]:
    """Where each film stands, its object and what its split has in common.

    "image" is a file in `folder`, None, or why the picture was not opened.

    Raises:
        CxrError: the dataset cannot be reached or read, or its pictures cannot be kept.
    """
    import datasets  # here, for it takes a second and most data are in folders

    try:
        check_card(name)
        parts = {str(split): films for split, films in datasets.load_dataset(name, streaming=True).items()}
        splits = {part: SPLITS.get(part.lower()) for part in parts}
        lacks_val = set(splits.values()) & {"train", "val"} == {"train"}
        for part, films in parts.items():
            features = films.features or {}
            column = next((key for key, kind in features.items() if isinstance(kind, datasets.Image)), "image")
            words = {key: kind for key, kind in features.items() if isinstance(_item(kind), datasets.ClassLabel)}
            own = {key for kind in words.values() for word in _item(kind).names for key in read_class(word)}
            origin = Set(frozenset(own - set(BY_KEY)), splits[part], lacks_val)
            for number, data in enumerate(films.decode(False) if features else films, 1):
                named = {key: name_classes(data[key], _item(kind)) for key, kind in words.items()}
                image = try_picture(data.pop(column, None), name, folder)
                yield f"{part} {number}", {**data, **named, "image": image}, origin
    except CxrError:
        raise
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


def read_class(word: str) -> frozenset[str]:
    """The findings' keys of a class; none for "Normal" and for what is no label."""
    try:
        return frozenset(item.finding for item in read_said(word).present)
    except ValueError:
        return frozenset()


# --- addresses ------------------------------------------------------------------------------------------------------


def check_card(name: str) -> None:
    """Refuse a dataset whose card names files outside its repository, which the library would open.

    Raises:
        CxrError: it does.
    """
    for file in CARDS:
        text = read_card(name, file)
        block = re.match(r"\s*---\s*\n(.*?)\n---", text, re.DOTALL)  # of a card; the other file is all of it
        card = yaml.safe_load(text if not file.endswith(".md") else block[1] if block else "")
        if any(map(leads_out, list_files(card.get("configs") if isinstance(card, dict) else None))):
            raise CxrError(f"The dataset {name} names files outside its own repository, which are not opened.")


def read_card(name: str, file: str) -> str:
    """A text of the dataset; empty where there is none.

    Raises:
        httpx.HTTPError: the Hub cannot be reached, or does not give it.
    """
    if Path(name).is_dir():
        path = Path(name, file)
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    url = hf_hub_url(name, file, repo_type="dataset")
    answer = get_session().get(url, headers=build_hf_headers(), follow_redirects=True)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return ""
    return answer.raise_for_status().text


def list_files(configs: Any) -> Iterator[str]:
    """Every text in the configurations of a card that says where files are."""
    if isinstance(configs, str):
        yield configs
    elif isinstance(configs, Mapping):
        for key, value in configs.items():
            yield from list_files(value) if key not in ("config_name", "split", "description") else ()
    elif isinstance(configs, list):
        for value in configs:
            yield from list_files(value)


def leads_out(path: str) -> bool:
    """Whether a path within a repository is an address, a path of a machine, or leads out of the repository."""
    parts = path.replace("\\", "/").split("/")
    return "::" in path or "://" in path or path.startswith(("/", "~", "\\")) or ".." in parts or path[1:2] == ":"


def lies_inside(path: str, name: str) -> bool:
    """Whether a picture's address is that of a file of the dataset on the Hub, also of one inside an archive of it."""
    *hops, place = path.split("::")
    if not all(ARCHIVE.fullmatch(hop) for hop in hops):
        return False
    if Path(name).is_dir():  # this machine's own, whose paths are its user's
        return "://" not in place
    start = re.match(rf"hf://datasets/{re.escape(name)}(?:@[^/]+)?/(.+)", place, re.IGNORECASE)
    return start is not None and not leads_out(start[1])


# --- pictures -------------------------------------------------------------------------------------------------------


def choose_cache(name: str) -> Path:
    """The folder in which a dataset's pictures are kept."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "cxr" / re.sub(r"[^\w.-]+", "--", name).strip("-.")


def try_picture(picture: Any, name: str, folder: Path) -> Path | CxrError | None:
    """The file with a picture's bytes, None without one, or why it is not opened."""
    try:
        return keep_picture(picture, name, folder)
    except CxrError as error:
        return error


def keep_picture(picture: Any, name: str, folder: Path) -> Path | None:
    """The file with a picture's bytes, named by what they hash to, so that a picture is kept once; None without one.

    Args:
        picture: What `datasets` gives for an undecoded Image: {"bytes": ..., "path": ...}, one of them None.
        name: The dataset's.

    Raises:
        CxrError: it lies outside the dataset's repository.
        OSError: it cannot be fetched or written.
    """
    if isinstance(picture, str) and leads_out(picture):  # a column of texts, of which none is ever opened
        raise CxrError(OUTSIDE)
    if not isinstance(picture, Mapping) or not (picture.get("bytes") or picture.get("path")):
        return None
    if not picture.get("bytes") and not lies_inside(str(picture["path"]), name):
        raise CxrError(OUTSIDE)
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
    """A picture that lies in a file of its own in the dataset ("hf://...", also inside an archive)."""
    with fsspec.open(path, "rb") as file:
        return file.read()
