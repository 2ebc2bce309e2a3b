"""What the rows of data depend on, in a few hex digits: whether an index is still of the data as they are.

Knows nothing about what is in the files.
"""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

from cxr.training.data import DataOptions

EDITION = 3  # of an index's files; another one is made anew
AS_IT_IS = "surrogatepass"  # names of files and texts may hold what is no proper Unicode
DEPTH = 3  # folders below the data within which a change is noticed
PICTURES = (".png", ".jpg", ".jpeg", ".dcm")  # only their names are looked at
CHOSEN_LATER = ("normal_share", "rare_floor", "seed")  # options that change no row


def fingerprint(where: str, options: DataOptions, skipped: Path) -> str:
    """What rows depend on, in 32 hex digits: the options that change them, and the files by names, times and sizes.

    `skipped`: a folder that may lie among the data and is none of them.
    """
    told = {name: value for name, value in asdict(options).items() if name not in CHOSEN_LATER}
    digest = blake2b(json.dumps([EDITION, where, told]).encode(), digest_size=16)
    aside = skipped.absolute()
    for line in list_state(Path(where).expanduser().absolute(), DEPTH, {aside, *aside.parents}):
        digest.update(line.encode(errors=AS_IT_IS))
    return digest.hexdigest()


def list_state(path: Path, depth: int, skipped: Collection[Path]) -> Iterator[str]:
    """The pictures below a folder, and time, size and name of other files; of folders deeper than `depth` the time."""
    if not path.exists():  # a link that leads nowhere, or the name of a Hub dataset
        return
    if not path.is_dir() or not depth:
        state = path.stat()
        yield f"{state.st_mtime_ns} {state.st_size} {path}\n"
        return
    for name in sorted(os.listdir(path)):
        if name.lower().endswith(PICTURES):
            yield f"{name}\n"
        elif path / name not in skipped:
            yield from list_state(path / name, depth - 1, skipped)
