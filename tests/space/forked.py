"""Run as a program: every task of the desk once in a forked process, as ZeroGPU does it, then here; prints both.

The forks come first: a process that has run torch on several threads cannot be forked safely.
"""

import json
import multiprocessing
import pickle
import sys
from collections.abc import Callable
from functools import wraps
from inspect import isgeneratorfunction
from typing import Any

import torch

from cxr.reader import Reader
from cxr.serial import as_plain
from cxr.space.desk import Desk
from tests.fakes import EMBEDDED
from tests.tiny import noise_film, tiny_engine


def fork_lease(duration: Callable[..., int]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What `spaces.GPU` does on ZeroGPU: a fresh fork a call, arguments and results pickled, streams piece by piece."""

    def decorate(task: Callable[..., Any]) -> Callable[..., Any]:
        def run(packed: bytes, pipe: Any) -> None:
            pieces = task(*pickle.loads(packed))
            for piece in pieces if isgeneratorfunction(task) else [pieces]:
                pipe.send_bytes(pickle.dumps(piece))
            pipe.close()

        def pull(*given: Any) -> Any:
            assert duration(*given) > 0
            here, there = multiprocessing.Pipe(duplex=False)
            child = multiprocessing.get_context("fork").Process(target=run, args=(pickle.dumps(given), there))
            child.start()
            there.close()
            try:
                while True:
                    yield pickle.loads(here.recv_bytes())
            except EOFError:
                child.join()

        if isgeneratorfunction(task):
            return wraps(task)(lambda *given: pull(*given))
        return wraps(task)(lambda *given: next(iter(list(pull(*given)))))

    return decorate


def run_tasks(desk: Desk) -> dict[str, Any]:
    """Every task about one film, as the page runs them."""
    film = noise_film(3)
    study, classification = desk.read(film)
    *_, report = desk.caption(study, "cough")
    *_, again = desk.caption(film, "cough")
    *_, answer = desk.answer(study, "Is there a nodule?", ())
    maps = [desk.locate(study, "effusion"), desk.locate_sentence(study, report.text, report.text)]
    return {"maps": [(each.place, each.values.tolist()) for each in maps]} | {
        name: as_plain(value)
        for name, value in {
            "classification": classification,
            "report": report,
            "again": again,
            "answer": answer,
        }.items()
    }


if __name__ == "__main__":
    torch.set_num_threads(1)
    reader = Reader(tiny_engine(), EMBEDDED, None)
    forked = run_tasks(Desk(reader, lease=fork_lease))
    direct = run_tasks(Desk(reader))
    json.dump({"forked": forked, "direct": direct}, sys.stdout)
