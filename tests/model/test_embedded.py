"""The weights that ship: small, real, and dependent on the film and on their adapter."""

from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from cxr.films.film import Film
from cxr.films.phantom import DrawnFilm, draw_film
from cxr.model.gate import FILE as GATE
from cxr.model.loading import EMBEDDED, load_embedded, load_named
from cxr.model.map_head import FILE as MAPS
from cxr.reader import Reader
from cxr.results import Observation, Side, Size
from cxr.settings import Settings
from cxr.statements import read_statements

SHARDS = sorted(path for path in EMBEDDED.rglob("*.safetensors") if path.name not in (GATE, MAPS))


@pytest.fixture(scope="module")
def reader() -> Reader:
    loaded = load_embedded()
    return Reader(loaded.engine, loaded.identity, loaded.calibration)


def effusion(seed: int, side: Side) -> DrawnFilm:
    return draw_film(seed, view="PA", observations=(Observation("effusion", side, None, "large"),))


def probability(reader: Reader, film: Film, finding: str) -> float:
    return reader.classify(reader.study(film)).by_finding()[finding].probability


def test_it_is_as_small_as_promised() -> None:
    files = [path for path in EMBEDDED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 24e6
    assert all(path.stat().st_size < 10e6 for path in files)
    count = 0
    for shard in SHARDS:
        with safe_open(shard, "pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (not a dict)
                assert tensors.get_tensor(name).dtype is torch.bfloat16, name
                count += tensors.get_tensor(name).numel()
    assert 9e6 < count <= 11e6


def test_it_says_who_it_is(reader: Reader) -> None:
    who = reader.identity
    assert who.embedded and who.calibrated and not who.llama and who.problem is None and who.device == "CPU, float32"


def test_fluid_is_seen_where_it_is(reader: Reader) -> None:
    named = []
    for number in range(20):
        side: Side = "left" if number % 2 else "right"
        size: Size = "large" if number % 4 < 2 else "moderate"
        wanted = (Observation("effusion", side, None, size),)
        drawn = draw_film(30_000_000 + number, view="PA" if number % 3 else "AP", observations=wanted)
        report = list(reader.caption(reader.study(drawn.film)))[-1]
        said = {
            item.observation.finding: item.observation.side for item in read_statements(report.text) if item.present
        }
        named.append(said.get("effusion") == side)
    assert sum(named) >= 18


def test_a_finding_raises_its_probability(reader: Reader) -> None:
    for seed in range(4):
        without = probability(reader, draw_film(31_000_000 + seed, view="PA", observations=()).film, "effusion")
        assert probability(reader, effusion(31_000_000 + seed, "left").film, "effusion") > without + 0.2


def test_the_adapter_changes_answers(reader: Reader) -> None:
    bare = Reader(load_named(Settings(base=str(EMBEDDED))).engine, reader.identity, None)
    tuned = Reader(reader.engine, reader.identity, None)
    changes = []
    for seed in range(32_000_000, 32_000_004):
        before, after = (one.classify(one.study(draw_film(seed).film)).by_finding() for one in (bare, tuned))
        changes.append(max(abs(before[key].probability - after[key].probability) for key in before))
    assert max(changes) > 0.05 and min(changes) > 0.02  # of every film some finding


def test_its_card_says_what_it_is() -> None:
    card = " ".join((EMBEDDED / "README.md").read_text(encoding="utf-8").split())
    for text in ("must not be used", "ChestX-ray14", "Kermany", "python -m cxr.training.embedded", "CC BY"):
        assert text in card
    assert not list(Path(EMBEDDED).rglob("*.bin")) and not list(Path(EMBEDDED).rglob("*.py"))
