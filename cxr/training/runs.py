"""What a run is, as its folder says: the options, the data as they were, and whether a command goes on with it.

Knows nothing about how a run is trained.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cxr.model.sources import read_json
from cxr.results import CxrError
from cxr.training.checkpoints import find_newest, write_whole
from cxr.training.data import DataOptions, detect_kind
from cxr.training.fingerprint import fingerprint
from cxr.training.options import SftOptions
from cxr.training.student import choose_base

CHANGEABLE = {"dry_run", "workers", "keep_states", "out"}  # what a run that goes on may be told anew


def describe_run(run: Path, options: SftOptions, data: DataOptions, processes: int) -> dict[str, Any]:
    """What `write_run` writes down; before anything of the folder is touched, see that its checkpoints belong to it.

    Raises:
        CxrError: they belong to another run, or the data have changed since; or nothing known lies where data should.
    """
    kind = detect_kind(data.data)
    told = {**asdict(options), **asdict(data)}
    mark = fingerprint(data.data, data, run / "rows")
    same = {**told, "data as they are now": mark, "number of processes": processes}
    before = read_json(run / "run.json").get("same")
    if isinstance(before, dict) and find_newest(run):
        changed = sorted(name for name in same if name not in CHANGEABLE and before.get(name) != same[name])
        if changed:
            raise CxrError(f"{run} holds a run with another {', '.join(changed)}; choose another --out, or delete it.")
    return {"base": choose_base(options.base), "data_kind": kind, "options": told, "same": same}


def write_run(run: Path, record: dict[str, Any]) -> None:
    """Write down what this run is."""
    write_whole(run / "run.json", json.dumps(record, indent=2) + "\n")
