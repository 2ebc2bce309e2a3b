"""The place at the GPU where one text about one film is read and written, token by token, at fixed addresses.

Because addresses and shapes are fixed, the step from a token to the next is recorded once as a CUDA graph and then
replayed without Python. Whoever comes next takes over what is already there: the film's keys and values, and those of
the text as far as it begins alike, so a further question runs only its own words. What another visitor has left is
copied aside and back. Without a GPU the same code runs unrecorded. Knows nothing about questions or words.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import RLock

import torch
from torch import Tensor
from torch.utils.weak import TensorWeakRef, WeakTensorKeyDictionary

from cxr.model.decoder import Decoder
from cxr.model.recording import Result, capture, choose_window, count_alike
from cxr.model.writing import Writing

logger = logging.getLogger(__name__)

CAPACITY = 2048  # tokens of one text: 256 MiB of keys and values for the 11B
WINDOWS = (256, 512, 1024, CAPACITY)  # a step reads as many slots as the least of these that holds the text
KEPT_FILMS = 4  # of visitors who are not at the seat, at least; up to 0.5 GiB each for the 11B with 4 tiles


@dataclass(frozen=True)
class Left:
    """What a visitor has left at the seat: the film's keys and values, the text that was run and its own."""

    film: Tensor
    ids: list[int]
    text: Tensor
    next: tuple[list[int], Result] | None  # the token that was chosen already


class Seat:
    """Holds one text at a time about one film, or a text about each of `films` films, all in step."""

    def __init__(self, decoder: Decoder, films: int = 1, capacity: int = CAPACITY, kept: int = KEPT_FILMS) -> None:
        self.decoder, self.films, self.capacity, self.kept = decoder, films, capacity, kept
        self.windows = [window for window in WINDOWS if window < capacity] + [capacity]
        self.recorded: dict[tuple[int, int], torch.cuda.CUDAGraph | None] = {}  # by positions of a film and window
        shape = (decoder.self_layers, 2, films, decoder.heads.kept, capacity, decoder.width)
        self._cache = torch.zeros(shape, dtype=decoder.dtype, device=decoder.device)
        self._film = self._cache.new_empty(0)
        self._token = torch.zeros(films, 1, dtype=torch.long, device=decoder.device)
        self._position = torch.zeros(1, dtype=torch.long, device=decoder.device)
        self._columns = torch.arange(capacity, device=decoder.device)
        self._pool = torch.cuda.graph_pool_handle() if decoder.device.type == "cuda" else None
        self._whose: list[TensorWeakRef] = []
        self._ids: list[int] = []  # the text whose keys and values lie in the cache
        self._next: tuple[list[int], Result] | None = None  # a text that was run, and the token after it
        self._left = WeakTensorKeyDictionary()
        self._lock = RLock()

    @contextmanager
    def _taken(self, films: Sequence[Tensor]) -> Iterator[None]:
        """The seat for these films' states (each 1 x positions x hidden, on any device), with what is known of them."""
        with self._lock, torch.inference_mode():
            seated = [whose() for whose in self._whose]
            if len(seated) != len(films) or any(one is not other for one, other in zip(seated, films, strict=True)):
                self._leave()
                self._enter(films, films)
            yield

    def take(self, states: Tensor, there: Tensor) -> None:
        """Seat a film whose states are on the GPU already, `there`."""
        with self._lock, torch.inference_mode():
            self._leave()
            self._enter([states], [there])

    def _leave(self) -> None:
        states = self._whose[0]() if self._whose and self.films == 1 else None
        if states is not None:
            before: Left | None = self._left.pop(states, None)  # to stand last, as the newest
            text = self._cache[..., : len(self._ids), :].clone()
            self._left[states] = Left(before.film if before else self._film.clone(), self._ids, text, self._next)
            for oldest in list(self._left.keys())[: -self.kept]:
                del self._left[oldest]
        self._whose, self._ids, self._next = [], [], None

    def forget(self) -> None:
        """Nobody is seated, and nothing is left of anybody: the seat as it was made, but for recorded steps."""
        with self._lock:
            self._whose, self._ids, self._next, self._left = [], [], None, WeakTensorKeyDictionary()

    def _enter(self, films: Sequence[Tensor], there: Sequence[Tensor]) -> None:
        positions = films[0].shape[1]
        shape = (self.decoder.cross_layers, 2, self.films, self.decoder.heads.kept, positions, self.decoder.width)
        if self._film.shape != shape:  # recorded steps read the old place
            self._film = self._cache.new_empty(shape)
            self.recorded.clear()
        left: Left | None = self._left.get(films[0]) if self.films == 1 else None
        if left:
            self._film.copy_(left.film)
            self._cache[..., : len(left.ids), :].copy_(left.text)
            self._ids, self._next = left.ids, left.next
            if self._next:
                self._token.fill_(self._next[1].read()[0])
                self._position.fill_(len(self._next[0]))
        else:
            for i, one in enumerate(there):
                self.decoder.project(one.to(self.decoder.device, self.decoder.dtype), self._film[:, :, i : i + 1])
        self._whose = [TensorWeakRef(states) for states in films]

    def holds(self, tokens: int) -> bool:
        """Whether a text of so many tokens can be run here."""
        return tokens <= self.capacity

    def choose_next(self, states: Tensor, ids: Sequence[int], film_at: int) -> int:
        """The likeliest token after `ids`, a text about one film; `film_at`: where the film stands in it.

        The step after it is started before this one is waited for, so the GPU works while the word is shown.
        """
        with self._taken([states]):
            known = list(ids)
            if self._next is None or self._next[0] != known:
                self._run_texts([known], film_at)
                self._ids = known
                self._next = known, Result(self._token)
            result, self._next = self._next[1], None
            if not self.holds(len(known) + 1):
                return result.read()[0]
            self._step(len(known))
            later = Result(self._token)
            self._ids = [*known, result.read()[0]]
            self._next = self._ids, later
            return self._ids[-1]

    def _run_texts(self, texts: Sequence[list[int]], film_at: int) -> None:
        """Run what has not been run of each film's text, all equally long; the tokens after them stand in `_token`."""
        end = len(texts[0])
        start = min(end - 1, *(count_alike(self._ids, text) for text in texts))
        self._ids = self._ids[:start]
        self._position.fill_(end - 1)
        if start == end - 1 and start > film_at:
            self._token.copy_(torch.tensor([text[-1:] for text in texts]))
            self._step(start)
        else:
            sees = torch.ones(end - start, end, dtype=torch.bool).tril(start)
            hidden = self._run([text[start:] for text in texts], torch.arange(start, end), sees, film_at)
            self._token.copy_(self.decoder.head(hidden[:, -1]).argmax(-1, keepdim=True))
            self._position.fill_(end)

    def score_rows(
        self, films: Sequence[Tensor], prefix: list[int], rows: Sequence[tuple[int, ...]], keep: int, tokens: list[int]
    ) -> Tensor:
        """Log-probabilities of `tokens` after the last `keep` tokens of each row of each film.

        All rows are run as one text in one pass, in which a row sees the prefix and itself alone. Returns films x rows
        x keep x tokens, on the CPU.
        """
        with self._taken(films):
            start = min(count_alike(self._ids, prefix), len(prefix))
            self._next, self._ids = None, prefix[:start]
            ids = [*prefix[start:], *(token for row in rows for token in row)]
            of = torch.tensor([-1] * len(prefix) + [i for i, row in enumerate(rows) for _ in row])
            places = torch.tensor([*range(len(prefix)), *(len(prefix) + i for row in rows for i in range(len(row)))])
            sees = ((of[:, None] == of) | (of == -1)).tril()[start:]
            ends = torch.tensor([len(row) for row in rows]).cumsum(0) + len(prefix) - start
            last = ends[:, None] - keep + torch.arange(keep)
            hidden = self._run([ids], places[start:], sees, len(prefix) - 1)
            self._ids = prefix
            logits = self.decoder.head(hidden[:, last.to(hidden.device)]).float()
            return logits.log_softmax(-1)[..., torch.tensor(tokens, device=logits.device)].cpu()

    def _run(self, ids: Sequence[list[int]], places: Tensor, sees: Tensor, film_at: int) -> Tensor:
        """Hidden states of tokens that fill the slots up to the last column of `sees` (tokens x slots, bool).

        `ids`: those of each film, or of all.
        """
        device, (rest, last) = self.decoder.device, sees.shape
        window = -(-last // 16) * 16  # fused attention wants rows that are aligned
        mask = torch.zeros(rest, window, dtype=self.decoder.dtype)
        mask[:, :last].masked_fill_(~sees, torch.finfo(mask.dtype).min)
        mask[:, last:] = torch.finfo(mask.dtype).min
        slots = torch.arange(last - rest, last, device=device)
        after = (places >= film_at).to(self.decoder.dtype)[:, None].to(device) if int(places[0]) < film_at else None
        tokens = torch.tensor(ids, device=device).expand(self.films, -1)
        return self.decoder.run(tokens, places.to(device), slots, mask.to(device), self._cache, self._film, after)

    def _step(self, slot: int) -> None:
        """From the token in `_token`, which stands at `slot`, to the one after it: replayed where it was recorded."""
        window = choose_window(slot + 1, self.windows)
        key = self._film.shape[-2], window
        if key not in self.recorded:
            self.recorded[key] = self._record(window)
        graph = self.recorded[key]
        if graph is None:
            self._walk(window)
        else:
            graph.replay()

    def _walk(self, window: int) -> None:
        """One step; nothing in it is looked at on the host."""
        least = torch.finfo(self.decoder.dtype).min
        hidden_slots = self._columns[:window] > self._position
        mask = torch.zeros(window, dtype=self.decoder.dtype, device=self.decoder.device).masked_fill_(
            hidden_slots, least
        )
        hidden = self.decoder.run(
            self._token, self._position, self._position, mask[None], self._cache, self._film, None
        )
        self._token.copy_(self.decoder.head(hidden[:, -1]).argmax(-1, keepdim=True))
        self._position.add_(1)

    def _record(self, window: int) -> torch.cuda.CUDAGraph | None:
        """The step as a CUDA graph; None where there is no GPU or it cannot be recorded, which is said once."""
        if self._pool is None:
            return None
        token, position = self._token.clone(), self._position.clone()
        try:
            graph = capture(lambda: self._walk(window), self._pool, lambda: self._position.copy_(position))
        except RuntimeError as error:
            logger.warning(
                "steps run without a CUDA graph, about half as fast: %s", (str(error).splitlines() or [""])[0]
            )
            graph = None
        self._token.copy_(token)
        self._position.copy_(position)
        return graph

    def warm_up(self, states: Tensor, window: int) -> None:
        """Record the step of one window, with any film's states."""
        with self._taken([states]):
            self._position.fill_(window - 1)
            self._ids, self._next = [], None
            self._step(window - 1)

    def write(
        self, films: Sequence[Tensor], texts: Sequence[list[int]], film_at: int, limit: int, stops: Collection[int]
    ) -> list[list[int]]:
        """At most `limit` tokens after each film's own text, all in step until every one has stopped.

        What every text is long enough for is run at once. `film_at`: where the film stands in each of them.
        """
        writing = Writing(texts, limit, stops, self.decoder.device)
        with self._taken(films):
            self._run_texts([text[: writing.begun] for text in texts], film_at)
            for place in range(writing.begun, min(writing.end, self.capacity)):
                writing.dictate(self._token, place)
                result = Result(self._token)
                self._step(place)
                if not writing.note(result.read(), place):
                    break
        return writing.written
