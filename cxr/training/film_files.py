"""Where the picture of a film lies that is named in another system's way, and what the picture's own header says.

Windows writes films\\1.png; a Mac unpacks names with their accents apart (NFD), while tables hold them composed (NFC).
Knows nothing about labels.
"""

import os
import re
import unicodedata
import zlib
from pathlib import Path

from pydicom.tag import BaseTag, Tag

from cxr.films.dicom import HEADER_ERRORS, read_dataset
from cxr.films.dicom_header import read_view
from cxr.films.film import View
from cxr.films.open import is_dicom
from cxr.results import CxrError

VIEW_TAGS = ("ViewPosition", "ViewCodeSequence")
AFTER = Tag("ViewCodeSequence")  # the later of the two
OUTSIDE = "films whose 'image' leads out of the folder of their file"


class Finder:
    """Finds pictures below a folder by the names that a file of objects gives them."""

    def __init__(self) -> None:
        self._listed: dict[str, dict[str, list[str]]] = {}  # folder -> a name in one spelling -> its names there

    def find(self, root: Path, named: str) -> Path:
        """The picture's file; where there is none, the path that is named. Links are not followed.

        Raises:
            CxrError: it leads out of `root`.
        """
        path = keep_inside(root, named)
        if os.path.lexists(path):
            return path
        slashed = named.replace("\\", "/")
        if re.match("[A-Za-z]:", slashed):
            raise CxrError(OUTSIDE)
        path = keep_inside(root, slashed)
        return self._spell(root, path.relative_to(root).parts) or path

    def _spell(self, root: Path, parts: tuple[str, ...]) -> Path | None:
        """The path as it is spelled on this disk: accents composed or apart, and letters in either case."""
        path = root
        for part in parts:
            if not os.path.lexists(path / part):
                names = self._list(str(path)).get(spell(part), [])
                same = [name for name in names if compose(name) == compose(part)] or names
                if len(same) != 1:  # not there; or two that differ in case alone
                    return None
                part = same[0]
            path /= part
        return path

    def _list(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._listed:
            names: dict[str, list[str]] = {}
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                names.setdefault(spell(name), []).append(name)
            self._listed[folder] = names
        return self._listed[folder]


def compose(name: str) -> str:
    """A name with its accents composed (NFC)."""
    return unicodedata.normalize("NFC", name)


def spell(name: str) -> str:
    """One spelling for a name however its accents are encoded, and in either case."""
    return compose(compose(name).casefold())


def keep_inside(root: Path, named: str) -> Path:
    """The path that is named, below `root`.

    Raises:
        CxrError: it leads out of `root`, or is `root`.
    """
    path = Path(os.path.normpath(root / named))  # links are not followed: pictures may lie on another disk
    if not path.is_relative_to(root) or path == root:
        raise CxrError(OUTSIDE)
    return path


def read_header_view(path: Path) -> View | None:
    """The view that a DICOM file's own header names; None for other files and where it does not say, or is damaged.

    Damaged files are told of where they are opened.
    """
    try:
        with path.open("rb") as file:
            if not is_dicom(file.read(512)):
                return None
        return read_view(read_dataset(path, VIEW_TAGS, _is_past)).view
    except (*HEADER_ERRORS, MemoryError, zlib.error, CxrError):
        return None


def _is_past(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    """Whether all has been read that says the view: elements stand in the order of their tags."""
    return tag > AFTER
