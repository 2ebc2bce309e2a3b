"""What was said of a film is on the disk as soon as it is said, so that a run that was killed goes on from there.

A folder's name stands for the model and the program, so readings of another one are never taken. The files hold names
of films and what was said of them: never publish them.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from hashlib import blake2b
from pathlib import Path

from cxr.evaluation.films import Case
from cxr.evaluation.readings import Reading, read_reading

logger = logging.getLogger(__name__)

PROGRAM = Path(__file__).parents[2]
PARTS = (
    "*.py",
    "films/**/*.py",
    "films/*.json",
    "model/*.py",
    "evaluation/films.py",
    "evaluation/answers.py",
    "evaluation/readings.py",
    "evaluation/embedded/gather.py",
)

Plan = Mapping[str, Callable[[], Case]]  # by the name of a film


def mark_program(model: Path, device: str) -> str:
    """12 hex digits of what readings depend on: the files of the model (but no card), the program, the device."""
    digest = blake2b(device.encode(), digest_size=6)
    weights = [path for path in model.rglob("*") if path.is_file() and path.suffix != ".md"]
    program = [path for part in PARTS for path in PROGRAM.glob(part)]
    for folder, paths in ((model, weights), (PROGRAM, program)):
        for path in sorted(paths):
            digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size} ".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def read_on(path: Path, plan: Plan, read: Callable[[Case], Reading]) -> list[Reading]:
    """The readings of all films of a plan, in its order: those that `path` keeps, then new ones, which it keeps too."""
    kept = {reading.name: reading for reading in load_kept(path)}
    missing = [name for name in plan if name not in kept]
    if missing and len(missing) < len(plan):
        logger.info("%s keeps %d of %d films.", path.name, len(plan) - len(missing), len(plan))
    began = time.monotonic()
    with path.open("a", encoding="utf-8") as file:
        for count, name in enumerate(missing, start=1):
            kept[name] = read(plan[name]())
            file.write(json.dumps(asdict(kept[name])) + "\n")
            file.flush()
            if count * 10 // len(missing) > (count - 1) * 10 // len(missing):
                left = (time.monotonic() - began) / count * (len(missing) - count)
                logger.info("%s: %d of %d, about %.0f s left", path.stem, count, len(missing), left)
    return [kept[name] for name in plan]


def load_kept(path: Path) -> Iterator[Reading]:
    """What a file keeps; the end of a line that was cut is taken away."""
    if not path.is_file():
        return
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        path.write_bytes(whole)
    for line in whole.splitlines():
        yield read_reading(line)
