"""A film is encoded once; then options are scored and text is streamed from what was kept.

In Mllama the text reaches the film only through cross-attention, so the vision encoder's output (after the
projector) is all that later questions need. Knows nothing about findings, reports or pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers import DynamicCache, MllamaForConditionalGeneration, MllamaProcessor

from cxr.films.film import Film, letterbox
from cxr.prompts import Message


@dataclass(frozen=True)
class Encoded:
    """What a film is to the language model: a CPU value that can be pickled and kept by a visitor.

    `states`: 1 x (tiles * patches) x hidden, in the model's dtype. Only real tiles are kept: masking the
    padding ones is exact (they are multiplied by zero attention).
    """

    states: torch.Tensor
    tiles: int


@dataclass(frozen=True)
class Prefix:
    """The conversation up to the film, run once: its tokens and the cache of keys and values."""

    ids: list[int]
    cache: DynamicCache


class Engine:
    """One loaded Mllama, with or without an adapter in it."""

    def __init__(self, model: MllamaForConditionalGeneration, processor: MllamaProcessor, canvas: int) -> None:
        """`canvas`: side in px of the square on which every film is laid, recorded with the adapter."""
        self.model = model.eval()
        self.processor = processor
        self.canvas = canvas
        stops = model.generation_config.eos_token_id
        self.stops = set(stops if isinstance(stops, list) else [stops])

    @torch.inference_mode()
    def encode(self, film: Film) -> Encoded:
        """Run the vision encoder and the projector, once a film."""
        image = letterbox(film, self.canvas).convert("RGB")
        inputs = self.processor.image_processor(images=[[image]], return_tensors="pt").to(self.model.device)
        tiles = int(inputs["aspect_ratio_mask"].sum())
        core = self.model.model
        seen = core.vision_model(
            **{name: inputs[name] for name in ("pixel_values", "aspect_ratio_ids", "aspect_ratio_mask")}
        )
        states = core.multi_modal_projector(seen.last_hidden_state)  # 1 x 1 x tiles x patches x hidden
        return Encoded(states[0, 0, :tiles].reshape(1, -1, states.shape[-1]).cpu().clone(), tiles)

    @torch.inference_mode()
    def score(self, encoded: Encoded, conversations: Sequence[list[Message]], options: Sequence[str]) -> np.ndarray:
        """The probability of each option as the beginning of the answer to each conversation, in one batched forward.

        Returns:
            len(conversations) x len(options) float64, each row summing to 1.
        """
        prompts = [self._tokenize(conversation) for conversation in conversations]
        answers = [self.processor.tokenizer.encode(option, add_special_tokens=False) for option in options]
        prefix = self._run_prefix(encoded, prompts[0])
        # A row is a prompt with all but the last token of an option, so options of one token share a row.
        keys = [[tuple(prompt[len(prefix.ids) :] + answer[:-1]) for answer in answers] for prompt in prompts]
        rows = list(dict.fromkeys(key for row in keys for key in row))
        log_p = dict(zip(rows, self._run_rows(encoded, prefix, rows, max(map(len, answers))), strict=True))
        scores = [
            [
                float(sum(log_p[key][-len(answer) + i, token] for i, token in enumerate(answer)))
                for key, answer in zip(row, answers, strict=True)
            ]
            for row in keys
        ]
        return torch.tensor(scores, dtype=torch.float64).softmax(-1).numpy()

    @torch.inference_mode()
    def _run_rows(self, encoded: Encoded, prefix: Prefix, rows: Sequence[tuple[int, ...]], keep: int) -> torch.Tensor:
        """Log-probabilities after the last `keep` tokens of each row: rows x keep x vocabulary, float32 on the CPU."""
        before, longest = len(prefix.ids), max(map(len, rows))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.ones(len(rows), before + longest, dtype=torch.long)
        for i, row in enumerate(rows):  # padding stands between prefix and row, so that all rows end together
            ids[i, longest - len(row) :] = torch.tensor(row)
            mask[i, before : before + longest - len(row)] = 0
        prefix.cache.batch_repeat_interleave(len(rows))
        output = self._forward(
            ids,
            encoded,
            prefix.cache,
            attention_mask=mask,
            logits_to_keep=keep,
            position_ids=(mask.cumsum(1) - 1)[:, before:],
        )
        return output.logits.float().log_softmax(-1).cpu()

    def _run_prefix(self, encoded: Encoded, prompt: Sequence[int]) -> Prefix:
        ids = list(prompt[: prompt.index(self.processor.image_token_id) + 1])
        cache = DynamicCache(config=self.model.config.get_text_config())
        self._forward(torch.tensor([ids]), encoded, cache, first=True, logits_to_keep=1)
        return Prefix(ids, cache)

    def stream(self, encoded: Encoded, conversation: list[Message], limit: int = 400) -> Iterator[str]:
        """The answer in pieces of text, decoded greedily, of at most `limit` tokens; closing it stops the model."""
        cache = DynamicCache(config=self.model.config.get_text_config())
        ids, written, sent = torch.tensor([self._tokenize(conversation)]), [], 0
        for step in range(limit):
            token = self._next_token(ids, encoded, cache, first=step == 0)
            if token in self.stops:
                return
            written.append(token)
            ids = torch.tensor([[token]])
            text = self.processor.tokenizer.decode(written, skip_special_tokens=True)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):  # half of a character is kept back
                yield text[sent:]
                sent = len(text)

    @torch.inference_mode()
    def _next_token(self, ids: torch.Tensor, encoded: Encoded, cache: DynamicCache, *, first: bool) -> int:
        return int(self._forward(ids, encoded, cache, first=first, logits_to_keep=1).logits[0, -1].argmax())

    def _tokenize(self, conversation: list[Message]) -> list[int]:
        text = self.processor.apply_chat_template(conversation, add_generation_prompt=True)
        # The template writes <|begin_of_text|> itself; the tokenizer must not add a second one.
        return self.processor.tokenizer.encode(text, add_special_tokens=False)

    def _forward(
        self, ids: torch.Tensor, encoded: Encoded, cache: DynamicCache, *, first: bool = False, **more: Any
    ) -> Any:
        """One forward of `ids` (batch x tokens) after what the cache holds; `first`: hand over the film too."""
        device, past = self.model.device, cache.get_seq_length()
        # Mllama wants the mask at full length (cache + new); tokens before the film do not see it.
        seen = torch.ones(ids.shape[0], past + ids.shape[1], 1, encoded.tiles, dtype=torch.long)
        if first:
            seen[:, : int((ids[0] == self.processor.image_token_id).nonzero()[0])] = 0
            more["cross_attention_states"] = encoded.states.to(device, self.model.dtype)
        more = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in more.items()}
        return self.model(
            input_ids=ids.to(device),
            cross_attention_mask=seen.to(device),
            past_key_values=cache,
            use_cache=True,
            **more,
        )
