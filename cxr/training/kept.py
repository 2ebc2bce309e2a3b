"""What a reader said is on the disk as soon as it is said, so that an evaluation that was killed goes on from there.

The files hold names and texts of patients, as `predictions.jsonl` does: never publish them. Knows nothing about models.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

from cxr.evaluation.readings import Reading, read_reading
from cxr.model.calibration import Calibration
from cxr.reader import Reader
from cxr.serial import as_plain
from cxr.training.checkpoints import write_whole
from cxr.training.fingerprint import AS_IT_IS, DEPTH, list_state
from cxr.training.rows import Row, write_row

logger = logging.getLogger(__name__)

SYNCED = 20  # films after which even a machine that loses its power has kept them


def mark_readings(reader: Reader, rows: Iterable[Row], guide: Calibration | None = None) -> str:
    """What readings depend on, in 32 hex digits: who answers (a folder by its files, but no calibration), the rows.

    `guide`: by which reports are guided.
    """
    who, engine = reader.identity, reader.engine
    told = [as_plain(who), reader.own_findings, engine.canvas, engine.real_tiles, reader.guided, repr(guide)]
    digest = blake2b(json.dumps(told).encode(), digest_size=16)
    for name, revision in ((who.base, who.base_revision), (who.adapter, who.adapter_revision)):
        if name and not revision and (folder := Path(name).absolute()).is_dir():
            for line in list_state(folder, DEPTH, {folder / "calibration.json"}):
                digest.update(line.encode(errors=AS_IT_IS))
    for row in rows:
        digest.update(write_row(row).encode(errors=AS_IT_IS))
    return digest.hexdigest()


def read_on(
    path: Path, mark: str, rows: Sequence[Row], read: Callable[[Sequence[Row]], Iterator[Reading]]
) -> list[Reading]:
    """The readings of all rows that can be opened: those that `path` keeps, then new ones, each of which it keeps too.

    Args:
        mark: What they depend on; readings of another one are forgotten.
        read: Reads some rows in their order, and leaves out what cannot be opened.
    """
    readings = load_kept(path, mark)
    begin = find_next(rows, readings)
    if begin:
        logger.info("%s keeps what was said of %d of %d films; it goes on there.", path.name, begin, len(rows))
    with path.open("a", encoding="utf-8") as file:
        for count, reading in enumerate(read(rows[begin:] if begin else rows), start=1):
            file.write(json.dumps(asdict(reading)) + "\n")
            file.flush()
            if count % SYNCED == 0:
                os.fsync(file.fileno())
            readings.append(reading)
    return readings


def load_kept(path: Path, mark: str) -> list[Reading]:
    """What a file keeps under this mark; one with another, or none, is begun anew."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []  # a line that was cut has no end
    if not lines or json.loads(lines[0]) != {"mark": mark}:
        lines = [json.dumps({"mark": mark}).encode()]
    write_whole(path, "".join(f"{line.decode()}\n" for line in lines))
    return [read_reading(line) for line in lines[1:]]


def find_next(rows: Sequence[Row], readings: Sequence[Reading]) -> int:
    """The number of the row after the last one that was read; rows that could not be opened have no reading."""
    names = (str(row.image) for row in rows)
    place = 0
    for reading in readings:
        place += 1 + next(skipped for skipped, name in enumerate(names) if name == reading.name)
    return place
