"""Which film with which questions stands at each place of a run: a matter of the seed alone.

So a run that was killed goes on with the very films and questions it would have had. Knows nothing about models.
"""

import logging
import random
from collections.abc import Callable, Sequence

import numpy as np
from torch.utils.data import Dataset

from cxr.films.film import letterbox
from cxr.results import CxrError
from cxr.training.collator import Example
from cxr.training.conversations import Pair
from cxr.training.rows import Row, open_row

logger = logging.getLogger(__name__)

Ask = Callable[[Row, random.Random], Sequence[Pair]]  # what is asked about a film
TRIES = 50  # broken films in a row after which the data are taken for broken


class FilmDataset(Dataset[Example]):
    """Films in a fixed order, each with questions drawn by its place."""

    def __init__(self, rows: Sequence[Row], order: np.ndarray, ask: Ask, canvas: int, seed: int) -> None:
        """`order`: numbers of rows, one a place; `canvas`: side in px."""
        self.rows = rows
        self._order = order
        self._ask = ask
        self._canvas = canvas
        self._seed = seed
        self._told: set[int] = set()  # rows whose picture cannot be read, each of which is named once

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, place: int) -> Example:
        """The film at a place; in place of one that cannot be read, the next.

        Raises:
            CxrError: a great many in a row cannot be read.
        """
        tries = min(TRIES, len(self))
        for offset in range(tries):
            number = int(self._order[(place + offset) % len(self)])
            row = self.rows[number]
            pairs = tuple(self._ask(row, random.Random(f"{self._seed}:{place}")))
            if not pairs:  # asked first: to open a film takes far longer
                continue
            try:
                film = open_row(row)
            except CxrError as error:
                if number not in self._told:
                    logger.warning(
                        "\nA film is skipped, row %d of %s.jsonl in the run's data: %s", number, row.split, error
                    )
                self._told.add(number)
                continue
            return Example(letterbox(film, self._canvas), pairs)
        raise CxrError(f"{tries} films in a row cannot be read or say nothing; the last is row {number} of the index.")


def order_epochs(choose: Callable[[int], np.ndarray], epochs: float, seed: int) -> np.ndarray:
    """The rows of all epochs one after the other, each shuffled. `choose`: the rows of an epoch by its number."""
    parts = []
    for epoch in range(max(1, int(np.ceil(epochs)))):
        chosen = np.random.default_rng((seed, epoch)).permutation(choose(epoch))
        share = min(1.0, epochs - epoch)
        parts.append(chosen[: max(1, round(len(chosen) * share))])
    return np.concatenate(parts)
