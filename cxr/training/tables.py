"""Tables of text are read by the names in their header, however another program has saved them.

Commas, semicolons or tabs; UTF-8 or UTF-16; columns in any order, with others between them; names in either case;
packed or not. A table whose columns cannot be told is refused. Knows nothing about what is in the columns.
"""

import csv
import gzip
import math
import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from cxr.results import CxrError

DELIMITERS = ",;\t"
WIDE = (b"\xff\xfe", b"\xfe\xff")  # marks at the beginning of UTF-16
MISSING_WORDS = frozenset({"", "nan", "null", "<na>", "nat", "#n/a", "n/a", "na"})  # as tables write an empty cell
Cells = dict[str, str]  # by the name of their column


def read_table(path: Path, needed: Sequence[str], known: Collection[str] = ()) -> Iterator[tuple[int, Cells | None]]:
    """The lines after the header with their numbers, from 2 on; None in place of one that has not its columns.

    Args:
        path: Its file; packed where its name ends in ".gz".
        needed: Names of columns that must be there. These, and those in `known`, name cells as they are spelled here;
            other cells have the name that stands in the table.

    Raises:
        CxrError: it is no table or damaged, lacks a column or has it twice, or no line has the columns of its header.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as raw:
            encoding = "utf-16" if raw.read(2) in WIDE else "utf-8-sig"
        with opened(path, "rt", encoding=encoding, errors="replace", newline="") as file:
            first = file.readline()
            delimiter = choose_delimiter(first, needed)
            header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
            check_header(path, header, needed)
            names = name_columns(header, (*needed, *known))
            yield from _read_lines(path, csv.reader(file, delimiter=delimiter), names)
    except (OSError, EOFError, zlib.error, csv.Error, UnicodeError) as error:
        raise CxrError(f"{path.name} is damaged or was not copied whole: {error}.") from None


def _read_lines(path: Path, lines: Iterator[list[str]], names: list[list[str]]) -> Iterator[tuple[int, Cells | None]]:
    fits, counts = 0, set()
    for number, cells in enumerate(lines, 2):
        if any(cells):
            row = name_cells(cells, names)
            fits += row is not None
            counts.add(len(cells))
            yield number, row
    if counts and not fits:
        raise CxrError(
            f"{path.name} has {len(names[0])} names of columns but {min(counts)} cells in its lines, so that which is "
            "which cannot be told; save it with one name for each column, or download it again."
        )


def plain(name: str) -> str:
    """The letters and digits of a column's name: "Patient ID" and "patient_id" are one."""
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def choose_delimiter(first: str, needed: Sequence[str]) -> str:
    """What stands between the names of a header: with which most of those that are needed are found."""
    wanted = {*map(plain, needed)}

    def count(delimiter: str) -> int:
        return len(wanted & {*map(plain, next(csv.reader([first], delimiter=delimiter), []))})

    return max(DELIMITERS, key=count)


def check_header(path: Path, header: list[str], needed: Sequence[str]) -> None:
    """Refuse a table whose columns cannot be told.

    Raises:
        CxrError: a column is not there, or is there twice.
    """
    plainly = [*map(plain, header)]
    for name in needed:
        count = plainly.count(plain(name))
        if not count and "\ufffd" in "".join(header):
            raise CxrError(f"{path.name} is no table of text; download it again.")
        if count != 1:
            there = "several columns" if count else "no column"
            raise CxrError(f"{path.name} has {there} {name}; its first line must name each column once.")


def name_columns(header: list[str], known: Collection[str]) -> list[list[str]]:
    """The names of columns, and the same where a bracket that one name holds, "Size[Width,Height]", is several."""
    spelled = {plain(name): name for name in known}
    wide = [part.strip() for name in header for part in (name.split(",") if "[" in name else [name])]
    return [[spelled.get(plain(name), name) for name in names] for names in (header, wide)]


def name_cells(cells: list[str], names: list[list[str]]) -> Cells | None:
    """The cells by the names of their columns; None where their number is another, but for empty ones at the end."""
    for layout in names:
        filled = max((place for place, name in enumerate(layout, 1) if name), default=0)
        if filled <= len(cells) and not any(map(str.strip, cells[len(layout) :])):
            return {name: cell.strip() for name, cell in zip(layout, cells, strict=False) if name}
    return None


def is_missing(value: Any) -> bool:
    """Whether a value is how a table says that there is none: null, NaN, an empty text, "nan"."""
    if isinstance(value, str):
        return value.strip().lower() in MISSING_WORDS
    return value is None or (isinstance(value, float) and math.isnan(value))
