"""Films with their conversations become a batch for Mllama, masks and labels right.

The stock collators put the film's token, which lies outside the output layer, into the labels; cut the
cross-attention mask to the prompt's length; and begin each completion with a stray <|begin_of_text|>. Here a row is
built as serving builds it, and only the answer is a target. Knows nothing about the model.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from transformers import MllamaProcessor

from cxr.results import CxrError
from cxr.training.conversations import Pair
from cxr.training.states import StateStore
from cxr.training.tokens import encode_answer, encode_request

logger = logging.getLogger(__name__)

IGNORED = -100  # a target that costs nothing
MULTIPLE = 64  # rows are padded to a multiple of it: few shapes, so that compiled kernels are reused

Batch = dict[str, torch.Tensor | list[str]]


@dataclass(frozen=True)
class Example:
    """One film on the canvas, and what is asked about it."""

    image: Image.Image
    pairs: tuple[Pair, ...]


class Collator:
    """Examples -> a batch of F films with R rows of L tokens.

    film_of_row: R, index of the film; input_ids, attention_mask, labels: R x L; cross_attention_mask: R x L x 1 x
    tiles, 0 before the film's token; and either states: F x (tiles * patches) x hidden, where all were kept, or
    pixel_values, aspect_ratio_ids and aspect_ratio_mask with the keys under which `states` will keep them.
    """

    def __init__(
        self,
        processor: MllamaProcessor,
        longest: int,
        multiple: int = MULTIPLE,
        states: StateStore | None = None,
        real_tiles: bool = False,
    ) -> None:
        """`longest`: tokens a row; what is over it is cut from the end of the answer. `real_tiles`: see `Student`."""
        self.real_tiles = real_tiles
        self.processor = processor
        self.longest = longest
        self.multiple = multiple
        self.states = states
        self._cut = False

    def __call__(self, examples: Sequence[Example]) -> Batch:
        """One batch.

        Raises:
            CxrError: none of its rows has room for an answer.
        """
        batch, tiles = self._look(examples)
        rows = [self.encode_pair(pair) for example in examples for pair in example.pairs]
        films = [number for number, example in enumerate(examples) for _ in example.pairs]
        width = -(-max(len(ids) for ids, _ in rows) // self.multiple) * self.multiple
        if all(start >= len(ids) for ids, start in rows):
            raise CxrError(f"No answer fits into --longest {self.longest} tokens; give rows more room.")
        ids = torch.full((len(rows), width), self.processor.tokenizer.pad_token_id)
        labels = torch.full((len(rows), width), IGNORED)
        mask = torch.zeros(len(rows), width, dtype=torch.long)
        seen = torch.zeros(len(rows), width, 1, tiles, dtype=torch.long)
        for i, (row, start) in enumerate(rows):
            ids[i, : len(row)] = torch.tensor(row)
            mask[i, : len(row)] = 1
            labels[i, start : len(row)] = ids[i, start : len(row)]
            if self.processor.image_token_id in row:
                seen[i, row.index(self.processor.image_token_id) :] = 1
        return {
            **batch,
            "film_of_row": torch.tensor(films),
            "input_ids": ids,
            "attention_mask": mask,
            "labels": labels,
            "cross_attention_mask": seen,
        }

    def encode_pair(self, pair: Pair) -> tuple[list[int], int]:
        """The tokens of a request with its answer, and where the answer begins."""
        request = encode_request(self.processor.tokenizer, pair[0])
        row = request + encode_answer(self.processor.tokenizer, pair[1])
        if len(row) > self.longest and not self._cut:
            self._cut = True
            logger.warning("some answers are longer than --longest %d tokens and are cut", self.longest)
        return row[: self.longest], len(request)

    def _look(self, examples: Sequence[Example]) -> tuple[Batch, int]:
        """What the model sees of the films, and how many tiles each has: one canvas, so all have as many."""
        images = [example.image for example in examples]
        keys = [self.states.name(image) for image in images] if self.states else []
        kept = [self.states.load(key) for key in keys] if self.states else []
        if kept and all(states is not None for states in kept):
            tiles = self.states.tiles if self.states else 1
            return {"states": torch.stack([states for states in kept if states is not None])}, tiles
        inputs = self.processor.image_processor(
            images=[[image.convert("RGB")] for image in images], return_tensors="pt"
        )
        tiles = int(inputs["aspect_ratio_mask"][0].sum())
        names = ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")
        seen = {name: inputs[name] for name in names}
        if self.real_tiles:
            seen["pixel_values"] = seen["pixel_values"][:, :, :tiles]
            seen["aspect_ratio_mask"] = seen["aspect_ratio_mask"][:, :, :tiles]
        return {**seen, "keys": keys}, tiles
