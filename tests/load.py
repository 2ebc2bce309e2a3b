"""Many visitors at once on the page as it is served: `python -m tests.load [streams visits burst full embedded]`.

The page runs in a process of its own, over an engine that gives each visitor seven words a second, or (`embedded`) with
the model that ships, as app.py starts it. Visitors speak HTTP and server-sent events as a browser does. Prints a row a
measurement; a visitor is lost who gets no finished report.
"""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.programs import find_port, is_up

ROOT = Path(__file__).resolve().parents[1]
FILM = ROOT / "examples" / "drawn-effusion.png"
START_SECONDS = 120.0
WORD_SECONDS = 0.14  # of the stub engine; the report of 70 words then takes ten seconds
WHY = " ".join(f"word{number}" for number in range(60))  # why the film was taken; the stub engine repeats it


@dataclass
class Seen:
    """What one visitor met: times in s since `asked`, each update's time, and whether the report was finished."""

    chosen: float = 0.0
    asked: float = 0.0
    updates: list[float] = field(default_factory=list)
    finished: bool = False
    refusal: str = ""


class Visitor:
    """One browser: its session, and the page's events by name."""

    def __init__(self, client: httpx.AsyncClient, events: dict[str, int]) -> None:
        self._client = client
        self._events = events
        self._session = uuid4().hex
        self.seen = Seen()

    async def join(self, event: str, *data: object) -> httpx.Response:
        """Start an event."""
        body = {"data": list(data), "fn_index": self._events[event], "session_hash": self._session}
        return await self._client.post("gradio_api/queue/join", json=body)

    async def listen(self) -> AsyncIterator[dict[str, Any]]:
        """What the page says until it has no more to say."""
        async with self._client.stream("GET", f"gradio_api/queue/data?session_hash={self._session}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    yield json.loads(line.removeprefix("data: "))

    async def run(self, event: str, *data: object) -> bool:
        """Start an event and wait for its end; whether it succeeded."""
        if (await self.join(event, *data)).status_code != 200:
            return False
        done = [message["success"] async for message in self.listen() if message["msg"] == "process_completed"]
        return done == [True]

    async def choose_film(self) -> bool:
        """Upload a film, see it and its findings."""
        self.seen.chosen = time.monotonic()
        sent = await self._client.post("gradio_api/upload", files={"files": ("film.png", FILM.read_bytes())})
        film = {"path": sent.json()[0], "meta": {"_type": "gradio.FileData"}}
        return await self.run("open_upload", film) and await self.run("read_film", None)

    async def read_report(self) -> None:
        """Have the report written and note when each update of its text came."""
        seen = self.seen
        seen.asked = time.monotonic()
        if (await self.join("write_report", None, None, WHY)).status_code != 200:
            return
        async for message in self.listen():
            if message["msg"] == "process_generating" and message["output"]["data"][0]:  # at first it is empty
                seen.updates.append(time.monotonic())
            elif message["msg"] == "process_completed":
                seen.finished = message["success"] and bool(seen.updates)


@contextmanager
def serve_apart(command: Sequence[str], port: int) -> Iterator[str]:
    """A page in a process of its own, once it answers; what it writes goes nowhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CXR_", "HF_", "SPACE_"))}
    with tempfile.TemporaryDirectory() as folder:
        environment = {**kept, "GRADIO_SERVER_PORT": str(port), "TMPDIR": folder, "XDG_CACHE_HOME": folder}
        program = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environment | {"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if not is_up(f"http://127.0.0.1:{port}/", program, START_SECONDS):
                raise SystemExit(f"no page after {START_SECONDS} s")
            yield f"http://127.0.0.1:{port}/"
        finally:
            program.terminate()
            program.wait(30)


@contextmanager
def open_clients(address: str) -> Iterator[tuple[httpx.AsyncClient, dict[str, int]]]:
    """A client for all visitors, and the page's events by name."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    config = httpx.get(f"{address}config", timeout=60).json()
    events = {each["api_name"]: each["id"] for each in config["dependencies"]}
    yield httpx.AsyncClient(base_url=address, timeout=300, limits=limits), events


async def meet(address: str, visitors: int, seconds: float, prepared: bool) -> list[Seen]:
    """So many visitors, evenly within so many seconds; `prepared`: all have chosen their film before."""
    with open_clients(address) as (client, events):
        everybody = [Visitor(client, events) for _ in range(visitors)]
        if prepared:
            for few in (everybody[at : at + 8] for at in range(0, visitors, 8)):
                assert all(await asyncio.gather(*(visitor.choose_film() for visitor in few)))

        async def come(number: int, visitor: Visitor) -> None:
            await asyncio.sleep(seconds * number / visitors)
            if prepared or await visitor.choose_film():
                await visitor.read_report()

        await asyncio.gather(*(come(number, visitor) for number, visitor in enumerate(everybody)))
        return [visitor.seen for visitor in everybody]


async def crowd(address: str, running: int, waiting: int) -> tuple[list[float], str]:
    """Fill the queue, then knock 20 times more: how long each refusal took, in s, and what it said."""
    with open_clients(address) as (client, events):
        inside = [Visitor(client, events) for _ in range(running + waiting)]
        few = inside[:running]
        assert all([await visitor.choose_film() for visitor in few])
        for visitor in few:
            await visitor.join("write_report", None, None, WHY)
        await asyncio.sleep(1)
        for visitor in inside[running:]:
            assert (await visitor.join("write_report", None, None, WHY)).status_code == 200
        took, said = [], ""
        for _ in range(20):
            begin = time.monotonic()
            answer = await Visitor(client, events).join("write_report", None, None, WHY)
            took.append(time.monotonic() - begin)
            assert answer.status_code == 503, answer.text
            said = answer.json()["detail"]
        return took, said


def rank(values: Sequence[float], share: float) -> float:
    """The value below which so large a share of the others lies."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))] if values else float("nan")


def tell(name: str, seen: Sequence[Seen], prepared: bool = False) -> None:
    """One row of the table; how long ago a film was chosen that was prepared says nothing."""
    good = [each for each in seen if each.finished]
    if not good:
        sys.stdout.write(f"| {name} | {len(seen)} | {len(seen)} |\n")
        return
    first = [each.updates[0] - each.asked for each in good]
    whole = [each.updates[0] - each.chosen for each in good]
    gaps = [later - sooner for each in good for sooner, later in zip(each.updates, each.updates[1:], strict=False)]
    together = max(sum(o.updates[0] <= at <= o.updates[-1] for o in good) for at in (e.updates[0] for e in good))
    shown = [f"{rank(values, share):.2f}" for values in (first, whole) for share in (0.5, 0.95)]
    times = " | ".join([*shown[:2], "–", "–"] if prepared else shown)
    counts = f"{name} | {len(seen)} | {len(seen) - len(good)} | {together}"
    sys.stdout.write(f"| {counts} | {times} | {1 / statistics.mean(gaps):.1f} |\n")
    sys.stdout.flush()


HEAD = (
    "| measurement | visitors | lost | streams at once | first text after it was asked for, s: p50 | p95 "
    "| after the film was chosen, s: p50 | p95 | updates a second and stream |\n|---|---|---|---|---|---|---|---|---|\n"
)
RUNS = {  # name -> visitors, seconds within which they come, whether they have chosen their film before
    "streams": (128, 5.0, True),
    "burst": (128, 0.0, True),
    "visits": (128, 5.0, False),
    "embedded": (16, 5.0, False),
}


def serve_stub(at_once: int) -> None:
    """The page over the stub engine, as app.py serves it; runs until the process is ended."""
    from cxr.space.desk import Desk
    from cxr.space.page import build_page
    from cxr.space.serving import serve
    from cxr.space.shelf import Shelf
    from tests.fakes import fake_reader

    reader = fake_reader(slow=WORD_SECONDS)
    page = build_page(Desk(reader), Shelf(reader.open), at_once)
    serve(page, quiet=True)
    page.block_thread()


def measure(names: Sequence[str]) -> None:
    """Run what is named and print the table."""
    sys.stdout.write(HEAD)
    for name in names:
        port = find_port()
        if name == "full":
            with serve_apart(["-m", "tests.load", "serve", "2"], port) as address:
                took, said = asyncio.run(crowd(address, running=2, waiting=128))
            sys.stdout.write(f"A full queue refused {len(took)} in at most {max(took) * 1000:.0f} ms each: {said!r}\n")
            continue
        command = ["app.py"] if name == "embedded" else ["-m", "tests.load", "serve", "128"]
        with serve_apart(command, port) as address:
            tell(name, asyncio.run(meet(address, *RUNS[name])), RUNS[name][2])


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve_stub(int(sys.argv[2]))
    else:
        measure(sys.argv[1:] or [*RUNS, "full"])
