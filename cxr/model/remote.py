"""A model behind an endpoint, asked as `engine.py` asks one in this process. No GPU and no weights here.

The film goes along as a picture with every request, first in the first turn of the user; the server keeps what it
computed of the beginning that requests share, so the film is encoded once if one question is answered before the others
are asked. Knows nothing about findings or pages.
"""

import base64
import io
import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from cxr.films.film import MAX_SIDE, Film, letterbox
from cxr.model.endpoint import Endpoint
from cxr.model.forks import END, find_forks
from cxr.prompts import Message
from cxr.results import CxrError

TOP = 20  # tokens of which a server tells the probability, by OpenAI's specification
QUESTIONS, FILMS = 16, 8  # at most so many side by side; the server makes its own batches
NO_LOGPROBS = "The endpoint tells no probabilities (logprobs), so findings cannot be read from it."
NOT_AMONG = (
    "How likely each possible answer is cannot be told: a word of one is not among the {} likeliest tokens that the "
    "endpoint tells of."
)
NOT_APART = "The endpoint cannot weigh these answers against each other: one is the beginning of another."


@dataclass(frozen=True)
class Sent:
    """A film as it is sent: the PNG of its canvas, grey, at most MAX_SIDE px. A CPU value that can be pickled."""

    png: bytes

    @property
    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


class RemoteEngine:
    """What `Engine` can do, by a server."""

    fast = None  # nothing is prepared here
    together = FILMS

    def __init__(self, endpoint: Endpoint, canvas: int = MAX_SIDE, top: int = TOP) -> None:
        """`canvas`: as of `Engine`; `top`: of how many tokens the server tells the probability."""
        self._endpoint = endpoint
        self.canvas = canvas
        self._top = top

    def record(self, encoded: Sent) -> Iterator[int]:
        """Nothing: the server prepares itself."""
        yield from ()

    def encode(self, film: Film) -> Sent:
        """The film on its canvas. The server encodes it when it is first asked."""
        file = io.BytesIO()
        letterbox(film, self.canvas).save(file, "PNG")
        return Sent(file.getvalue())

    def encode_all(self, films: Sequence[Film]) -> list[Sent]:
        """The same for several films."""
        return [self.encode(film) for film in films]

    def score(self, encoded: Sent, conversations: Sequence[list[Message]], options: Sequence[str]) -> np.ndarray:
        """The probability of each option as the answer to each conversation, the first before all others.

        It goes by the words by which options are told apart, each of which must be one token, as yes, no and the sides
        are in Llama's vocabulary; what all options that begin alike go on with is taken for granted.

        Returns:
            len(conversations) x len(options) float64, each row summing to 1.

        Raises:
            CxrError: the server does not tell it, or as `Endpoint.ask`.
        """
        weigh = partial(self._weigh, encoded, options)
        first = weigh(conversations[0])
        with ThreadPoolExecutor(QUESTIONS) as pool:
            return np.stack([first, *pool.map(weigh, conversations[1:])])

    def score_all(
        self,
        encoded: Sequence[Sent],
        conversations: Sequence[list[Message]],
        options: Sequence[str],
        at_once: int | None = None,
    ) -> np.ndarray:
        """What `score` says of each film, films x conversations x options, `at_once` side by side."""
        with ThreadPoolExecutor(at_once or self.together) as pool:
            return np.stack([*pool.map(lambda each: self.score(each, conversations, options), encoded)])

    def stream(self, encoded: Sent, conversation: list[Message], limit: int = 400) -> Iterator[str]:
        """The answer in pieces of text, decoded greedily, of at most `limit` tokens; closing it stops the server."""
        yield from self._endpoint.stream(messages=add_film(conversation, encoded), max_tokens=limit, temperature=0)

    def write_all(
        self,
        encoded: Sequence[Sent],
        conversations: Sequence[list[Message]],
        limit: int = 400,
        at_once: int | None = None,
    ) -> list[str]:
        """What `stream` writes about each film in its own conversation, `at_once` side by side.

        Raises:
            ValueError: there are not as many conversations as films.
        """
        pairs = list(zip(encoded, conversations, strict=True))
        with ThreadPoolExecutor(at_once or self.together) as pool:
            return list(pool.map(lambda pair: "".join(self.stream(pair[0], pair[1], limit)), pairs))

    def _weigh(self, encoded: Sent, options: Sequence[str], conversation: list[Message]) -> np.ndarray:
        log_p = np.zeros(len(options))
        for said, words in find_forks(options).items():
            if END in words:
                raise CxrError(NOT_APART)
            told = self._ask_next(encoded, conversation, said)
            for word, numbers in words.items():
                if word.encode() not in told:
                    raise CxrError(NOT_AMONG.format(self._top))
                log_p[numbers] += told[word.encode()]
        shares = np.exp(log_p - log_p.max())
        return np.asarray(shares / shares.sum())

    def _ask_next(self, encoded: Sent, conversation: list[Message], said: str) -> dict[bytes, float]:
        """The log-probabilities of the likeliest next tokens, by bytes, of an answer that begins with `said`."""
        messages = add_film(conversation, encoded)
        more: dict[str, Any] = {}
        if said:  # SGLang's own; another server that ignores it tells of other tokens
            messages, more = [*messages, {"role": "assistant", "content": said}], {"continue_final_message": True}
        choice = self._endpoint.ask(
            messages=messages, max_tokens=1, temperature=0, logprobs=True, top_logprobs=self._top, **more
        )
        return read_logprobs(choice)


def add_film(conversation: Sequence[Message], encoded: Sent) -> list[Message]:
    """The conversation as it is sent: the film where the image stands."""
    picture = {"type": "image_url", "image_url": {"url": encoded.url}}
    return [
        {**message, "content": [picture if part["type"] == "image" else part for part in message["content"]]}
        for message in conversation
    ]


def read_logprobs(choice: dict[str, Any]) -> dict[bytes, float]:
    """Of the first token of an answer: each likely one, by its bytes, with its log-probability.

    Raises:
        CxrError: the server tells none.
    """
    try:
        rows = choice["logprobs"]["content"][0]["top_logprobs"]
        told = [(bytes(row["bytes"]), float(row["logprob"])) for row in rows if row["bytes"] is not None]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise CxrError(NO_LOGPROBS) from error
    if not told or not all(math.isfinite(value) and value < 1e-3 for _, value in told):
        raise CxrError(NO_LOGPROBS)
    return dict(reversed(told))  # two tokens of the same letters: the likelier one, which comes first
