"""Files of objects in JSON, a list or one a line, are read one object at a time. Knows nothing about what they hold."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from cxr.results import CxrError
from cxr.training.data import Notes
from cxr.training.remarks import FIELDS

CHUNK = 1 << 16  # characters read at a time
MAX_OBJECT = 1 << 20  # characters of one film's object
BETWEEN = re.compile(r"[^\s,]|$(?!\n)")  # the first character after white space and commas
WIDE = (b"\xff\xfe", b"\xfe\xff")  # marks at the beginning of UTF-16
NO_LIST = "is no list of films in JSON"
EXPECTED = 'Expected is a list, [{"image": ...}, ...].'


@contextmanager
def open_text(path: Path) -> Iterator[TextIO]:
    """A file of text in UTF-8.

    Raises:
        CxrError: it is in another encoding, which would spoil names and reports; by its first bytes, in which.
    """
    with path.open("rb") as file:
        first = file.read(4)
    other = "UTF-16" if first.startswith(WIDE) or b"\0" in first else "Latin-1 or Windows-1252"
    fault = CxrError(f"{path.name} is not in UTF-8 but, as it seems, in {other}; save it as UTF-8.")
    if b"\0" in first:  # letters of ASCII in UTF-16 without a mark are UTF-8, too
        raise fault
    try:
        with path.open(encoding="utf-8-sig") as text:
            yield text
    except UnicodeDecodeError as error:
        raise fault from error


def read_lines(path: Path, notes: Notes) -> Iterator[tuple[str, Any]]:
    """The objects of a .jsonl file; a line that is no JSON is noted."""
    with open_text(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            place = f"{path.name}, line {number}"
            try:
                data = json.loads(line)
            except (ValueError, RecursionError):
                notes.count("lines that are no JSON", place)
                continue
            yield place, data


def read_list(path: Path) -> Iterator[tuple[str, Any]]:
    """The objects of a list in a .json file, of which only one is held at a time; also objects without the brackets.

    Raises:
        CxrError: it is no JSON, and where; or no list, or one with something after it.
    """
    decode = json.JSONDecoder().raw_decode
    with open_text(path) as file:
        text, at, number = file.read(CHUNK).lstrip(), 0, 0
        listed = text.startswith("[")
        text = text[listed:]
        while True:
            at = BETWEEN.search(text, at).start()  # type: ignore[union-attr]  # the end is found, if nothing else
            if listed and text.startswith("]", at):
                if holds_more(text[at + 1 :], file):
                    raise CxrError(f"{path.name} goes on after the list of films, which ends after film {number}.")
                return
            try:
                data, at = decode(text, at)
            except (ValueError, RecursionError):  # cut by the end of what was read, or no JSON at all
                more = file.read(CHUNK)
                if not (more or listed or text[at:]):
                    return
                if not more or len(text) - at > MAX_OBJECT:
                    raise CxrError(f"{path.name} {NO_LIST}; it breaks after film {number}. {EXPECTED}") from None
                text, at = text[at:] + more, 0
                continue
            number += 1
            if not listed and wraps_list(data):
                raise CxrError(f"{path.name} {NO_LIST}, but an object that holds one. {EXPECTED}")
            yield f"{path.name}, film {number}", data


def holds_more(rest: str, file: TextIO) -> bool:
    """Whether anything but white space is left. `rest`: what has been read already."""
    while not rest.strip() and (rest := file.read(CHUNK)):
        pass
    return bool(rest.strip())


def wraps_list(data: Any) -> bool:
    """Whether an object is no film but holds films in a list: {"films": [{...}, ...]}."""
    if not isinstance(data, dict) or "image" in data:
        return False
    lists = [value for name, value in data.items() if isinstance(value, list) and name not in FIELDS]
    return any(isinstance(item, dict) for items in lists for item in items[:1])
