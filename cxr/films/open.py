"""A file becomes a Film by what it holds, whatever its name, or gets one sentence a person understands."""

from dataclasses import replace
from pathlib import Path

from cxr.films.burnt_in import warn_of_text
from cxr.films.decoder import Kind, decode
from cxr.films.field import blacken_border
from cxr.films.film import Film, View
from cxr.films.quality import check_blank
from cxr.results import CxrError

MAX_BYTES = 64 * 2**20
READABLE = "PNG, JPEG, TIFF, WebP and DICOM films can be read."

PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
STRANGERS = (  # first bytes of what people choose by mistake
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"\0\0\0\x0cjP  ", "a bare JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a bare JPEG 2000 picture"),
    (b"NRRD", "an NRRD volume"),
    (b"\x5c\x01\0\0", "a NIfTI volume"),
    (b"\xd0\xcf\x11\xe0", "an office document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def open_film(path: str | Path, view: View | None = None) -> Film:
    """Read one film, PNG, JPEG, TIFF, WebP or DICOM, told by its first bytes and not by its name.

    Args:
        path: The file.
        view: What is known of the view where the file does not say.

    Returns:
        The film, black around its exposed field, and what is worth knowing about it, without any identifier.

    Raises:
        CxrError: it cannot be read, and why, in one sentence.
    """
    path = Path(path).absolute()
    head = _read_head(path)
    film = decode(path, tell_kind(head))
    pixels = blacken_border(film.pixels)
    check_blank(pixels)
    return replace(film, pixels=pixels, view=film.view or view)


def receive_film(path: str | Path, view: View | None = None) -> Film:
    """The same, with a warning of writing in the picture: what every film goes through that is sent in."""
    return warn_of_text(open_film(path, view))


def tell_kind(head: bytes) -> Kind:
    """What a file is, by its first bytes.

    Raises:
        CxrError: nothing that can be read, but what it seems to be.
    """
    if is_dicom(head):
        return "dicom"
    if is_picture(head):
        return "picture"
    raise CxrError(f"{_describe(head)}; {READABLE}")


def is_picture(head: bytes) -> bool:
    """Whether a file begins as PNG, JPEG, TIFF or WebP does."""
    return head.startswith(PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def is_dicom(head: bytes) -> bool:
    """Whether a file begins as DICOM does (PS3.10, 7.1), or as a bare data set without the 132 bytes before it.

    A bare one begins with an element of group 2 or 8, its number low first, with the two letters of its type
    or with a short length.
    """
    if head[128:132] == b"DICM":
        return True
    group, element, length = (int.from_bytes(head[i : i + 2], "little") for i in (0, 2, 6))
    typed = head[4:6].isalpha() and head[4:6].isupper()
    return len(head) >= 132 and group in (2, 8) and element < 0x100 and (typed or length == 0)


def _read_head(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise CxrError("This is a folder, not a film." if path.is_dir() else "There is no such file.")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise CxrError(f"This file is too large; up to {MAX_BYTES // 2**20} MB can be read.")
        with path.open("rb") as file:
            return file.read(512)
    except OSError:
        raise CxrError("The file cannot be opened.") from None  # the cause names the file, which may name the patient


def _describe(head: bytes) -> str:
    if not head:
        return "This file is empty"
    for start, name in STRANGERS:
        if head.startswith(start):
            return f"This is {name}, which cannot be read"
    if head[4:8] == b"ftyp":
        return "This is a phone's picture (HEIC or AVIF) or a video, which cannot be read"
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return "This is a web page and not a picture"
    if b"\0" not in head:
        return "This is a text and not a picture"
    return "This is not a picture that is known here"
