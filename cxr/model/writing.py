"""Texts of different lengths that go on in step, a token of each at a time. Knows nothing of models."""

from collections.abc import Collection, Sequence
from itertools import zip_longest

import torch
from torch import Tensor

ENDED = -1  # where a text has no token of its own any more


class Writing:
    """What stands in each text already and what is written after it.

    All begin at `begun`, where the shortest ends. A longer one's own tokens stand in for what is chosen there.
    """

    def __init__(
        self, texts: Sequence[Sequence[int]], limit: int, stops: Collection[int], device: torch.device
    ) -> None:
        """At most `limit` tokens are written after each text, and none of or after `stops`."""
        self.lengths, self.limit, self.stops = [len(text) for text in texts], limit, stops
        self.begun = min(self.lengths)
        rests = zip_longest(*(text[self.begun :] for text in texts), fillvalue=ENDED)
        self._rests = torch.tensor(list(rests), dtype=torch.long, device=device)[..., None]  # places x texts x 1
        self.end = max(self.lengths) + limit
        self.written: list[list[int]] = [[] for _ in texts]
        self._going = set(range(len(texts)))

    def dictate(self, tokens: Tensor, place: int) -> None:
        """Put the texts' own tokens at `place` among the chosen ones (texts x 1), without waiting for these."""
        if place - self.begun < len(self._rests):
            own = self._rests[place - self.begun]
            tokens.copy_(torch.where(own == ENDED, tokens, own))

    def note(self, tokens: Sequence[int], place: int) -> bool:
        """Keep what was chosen at `place` for each text; whether any of them goes on."""
        for i in list(self._going):
            if place < self.lengths[i]:
                continue
            if tokens[i] in self.stops or len(self.written[i]) == self.limit:
                self._going.discard(i)
            else:
                self.written[i].append(tokens[i])
        return bool(self._going)
