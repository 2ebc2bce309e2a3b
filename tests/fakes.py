"""An engine without a model: it answers at once, and only from the film it was given, so that a mixed-up film shows."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from cxr.films.film import Film
from cxr.findings import BY_KEY, find_finding
from cxr.model.calibration import Calibration, Scale
from cxr.model.engine import Encoded
from cxr.model.gate import Gatekeeper
from cxr.model.places import describe_place
from cxr.prompts import Message
from cxr.reader import Reader
from cxr.results import HeatMap, Identity, TrackRecord

EMBEDDED = Identity(
    base="embedded Mllama",
    base_revision=None,
    adapter="embedded adapter",
    adapter_revision="0123456789abcdef",
    device="CPU, float32",
    embedded=True,
    calibrated=True,
    llama=False,
    gate=True,
)
BARE_LLAMA = Identity(
    base="unsloth/Llama-3.2-11B-Vision-Instruct",
    base_revision="fedcba9876543210",
    adapter=None,
    adapter_revision=None,
    device="NVIDIA, bfloat16",
    embedded=False,
    calibrated=False,
    llama=True,
    problem=None,
)


class FakeEngine:
    """Counts its encodings; `slow`: seconds between two words of an answer."""

    def __init__(self, slow: float = 0.0) -> None:
        self.slow = slow
        self.together = 3
        self.fast = None
        self.canvas, self.real_tiles = 64, False
        self.encodings = 0

    def encode(self, film: Film) -> Encoded:
        self.encodings += 1
        states = torch.full((1, 4, 8), float(film.pixels.mean()))
        middle = film.pixels.shape[1] // 2
        lean = float(film.pixels[:, -middle:].mean() - film.pixels[:, :middle].mean())  # of the patient's left
        states[0, 0, 0] += lean
        states[0, 0, 1] -= lean
        return Encoded(states, 1)

    def encode_all(self, films: Sequence[Film]) -> list[Encoded]:
        return [self.encode(film) for film in films]

    def score_all(
        self, encoded: Sequence[Encoded], conversations: Sequence[list[Message]], options: Sequence[str]
    ) -> np.ndarray:
        return np.stack([self.score(each, conversations, options) for each in encoded])

    def write_all(self, encoded: Sequence[Encoded], conversations: Sequence[list[Message]]) -> list[str]:
        return ["".join(self.stream(*pair)) for pair in zip(encoded, conversations, strict=True)]

    def score(self, encoded: Encoded, conversations: Sequence[list[Message]], options: Sequence[str]) -> np.ndarray:
        if len(options) == 3:  # the sides; they change with the film's
            left = 0.9 if encoded.states[0, 0, 0] > encoded.states[0, 0, 1] else 0.06
            return np.tile([left, 0.96 - left, 0.04], (len(conversations), 1))
        if len(options) != 2:  # no yes or no
            return np.full((len(conversations), len(options)), 1 / len(options))
        yes = (name_shade(encoded) / 100 + np.arange(len(conversations)) * 0.071) % 1
        return np.stack([yes, 1 - yes], axis=1)

    def stream(self, encoded: Encoded, conversation: list[Message], limit: int = 400) -> Iterator[str]:
        asked = conversation[-1]["content"][-1]["text"]
        questions = sum(message["role"] == "user" for message in conversation)
        if asked == "please halt this film":
            raise RuntimeError("secret of a visitor")
        report = f"Findings: shade {name_shade(encoded)}. Impression: {asked}"
        answer = f"Shade {name_shade(encoded)}, question {questions}: {asked}"
        for word in (report if asked.startswith("Write the report") else answer).split():
            time.sleep(self.slow)
            yield word + " "


class FakeMapper:
    """Marks the lower right of the picture, whatever it is asked."""

    def map_finding(self, film: Film, encoded: Encoded, finding: str, method: Any = None) -> HeatMap:
        return self._mark(film, find_finding(finding).noun, (finding,))

    def map_sentence(
        self, film: Film, encoded: Encoded, sentence: str, report: str, own: Sequence[str] = ()
    ) -> HeatMap:
        assert sentence in report
        return self._mark(film, sentence, ())

    def _mark(self, film: Film, about: str, findings: tuple[str, ...]) -> HeatMap:
        values = np.zeros(film.pixels.shape, np.float32)
        values[len(values) * 3 // 4 :, values.shape[1] * 3 // 4 :] = 1
        return HeatMap(values, about, findings, "a corner", describe_place(values))


def name_shade(encoded: Encoded) -> int:
    """The film's mean grey in percent: what tells the films of these tests apart."""
    return round(float(encoded.states.mean()) * 100)


def fake_reader(
    identity: Identity = EMBEDDED, slow: float = 0.0, own_findings: Sequence[str] = (), gated: bool = False
) -> Reader:
    """A Reader over the fake engine, calibrated as the identity says; `gated`: with the gate that needs no model."""
    tested = TrackRecord("NIH films", films=193, with_it=19, present=5, present_right=3, absent=110, absent_right=105)
    scales = {key: Scale(1.0, 0.0, 0.6, 0.3, tested) for key in (*BY_KEY, *own_findings)}
    engine: Any = FakeEngine(slow)
    calibration = Calibration(scales, "drawn films") if identity.calibrated else None
    keeper, mapper = Gatekeeper(None) if gated else None, FakeMapper()
    return Reader(engine, identity, calibration, own_findings, keeper, mapper=mapper)  # type: ignore[arg-type]
