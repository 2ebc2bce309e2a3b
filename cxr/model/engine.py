"""A film is encoded once; then options are scored and text is streamed from what was kept.

In Mllama the text reaches the film only through cross-attention, so the vision encoder's output (after the
projector) is all that later questions need. On a GPU the fast path of `fast.py` runs; the plain one below, by
transformers alone, is what it is held equal to and what runs elsewhere. Knows nothing about findings or pages.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import DynamicCache, MllamaForConditionalGeneration, MllamaProcessor

from cxr.films.film import Film, letterbox
from cxr.model.fast import Fast
from cxr.model.pixels import cut_as_stock
from cxr.model.room import count_together
from cxr.model.tiles import allow_few_tiles
from cxr.prompts import Message


@dataclass(frozen=True)
class Encoded:
    """What a film is to the language model: a CPU value that can be pickled and kept by a visitor.

    `states`: 1 x (tiles * patches) x hidden, in the model's dtype. Only real tiles are kept: masking the
    padding ones is exact (they are multiplied by zero attention).
    """

    states: torch.Tensor
    tiles: int


class Engine:
    """One loaded Mllama, with or without an adapter in it."""

    def __init__(
        self,
        model: MllamaForConditionalGeneration,
        processor: MllamaProcessor,
        canvas: int,
        fast: bool | None = None,
        real_tiles: bool = False,
    ) -> None:
        """How films are read.

        Args:
            canvas: Side in px of the square on which every film is laid, recorded with the adapter.
            fast: Whether to try the fast path first; left out, on a GPU.
            real_tiles: Whether padding tiles are left out already in the encoder, which is not the same (`tiles.py`).
        """
        if real_tiles:
            allow_few_tiles(model)
        self.real_tiles = real_tiles
        self.model = model.eval()
        self.processor = processor
        self.canvas = canvas
        stops = model.generation_config.eos_token_id
        self.stops = set(stops if isinstance(stops, list) else [stops])
        tile = processor.image_processor.size["height"]
        tiles = min(processor.image_processor.max_image_tiles, max(1, canvas // tile) ** 2)
        self.together = count_together(model, tiles)  # films that had better be asked about side by side
        quick = model.device.type == "cuda" if fast is None else fast
        self.fast = Fast(model, processor, canvas, kept=self.together // 2, real_tiles=real_tiles) if quick else None

    def record(self, encoded: Encoded) -> Iterator[int]:
        """Prepare the fast path with any film; yields the lengths of text for which it is ready. None without a GPU."""
        if self.fast:
            yield from self.fast.record_windows(encoded.states)

    def encode(self, film: Film) -> Encoded:
        """Run the vision encoder and the projector, once a film."""
        return self.encode_all([film])[0]

    @torch.inference_mode()
    def encode_all(self, films: Sequence[Film]) -> list[Encoded]:
        """The same for several films, side by side on the fast path."""
        laid = [letterbox(film, self.canvas) for film in films]
        encoded = self.fast.encode(laid) if self.fast else None
        if encoded is not None:
            return [Encoded(*each) for each in encoded]
        return [self._see(laid[0])] if len(films) == 1 else [self.encode(film) for film in films]

    def _see(self, canvas: Image.Image) -> Encoded:
        tiles = cut_as_stock(self.processor, canvas, self.model.device)
        if self.real_tiles:
            tiles = tiles.keep_real()
        core = self.model.model
        seen = core.vision_model(pixel_values=tiles.pixels, aspect_ratio_ids=tiles.aspect, aspect_ratio_mask=tiles.mask)
        states = core.multi_modal_projector(seen.last_hidden_state)  # 1 x 1 x tiles x patches x hidden
        return Encoded(states[0, 0, : tiles.real].reshape(1, -1, states.shape[-1]).cpu().clone(), tiles.real)

    def score(self, encoded: Encoded, conversations: Sequence[list[Message]], options: Sequence[str]) -> np.ndarray:
        """The probability of each option as the beginning of the answer to each conversation, in one batched forward.

        Returns:
            len(conversations) x len(options) float64, each row summing to 1.
        """
        return self.score_all([encoded], conversations, options)[0]

    @torch.inference_mode()
    def score_all(
        self,
        encoded: Sequence[Encoded],
        conversations: Sequence[list[Message]],
        options: Sequence[str],
        at_once: int | None = None,
    ) -> np.ndarray:
        """What `score` says of each film, films x conversations x options, `at_once` side by side on the fast path."""
        prompts = [self._tokenize(conversation) for conversation in conversations]
        answers = [self.processor.tokenizer.encode(option, add_special_tokens=False) for option in options]
        prefix = prompts[0][: self._find_film(prompts[0]) + 1]
        # A row is a prompt with all but the last token of an option, so options of one token share a row.
        keys = [[tuple(prompt[len(prefix) :] + answer[:-1]) for answer in answers] for prompt in prompts]
        rows = list(dict.fromkeys(key for row in keys for key in row))
        tokens = sorted({token for answer in answers for token in answer})
        asked = prefix, rows, max(map(len, answers)), tokens
        few = at_once or self.together
        found = [self._ask_rows(encoded[at : at + few], *asked) for at in range(0, len(encoded), few)]
        log_p = torch.cat(found).double()

        def add_up(row: tuple[int, ...], answer: list[int]) -> torch.Tensor:
            places = [tokens.index(token) for token in answer]
            return log_p[:, rows.index(row), -len(answer) :][:, range(len(answer)), places].sum(-1)

        scores = [add_up(row, answer) for key in keys for row, answer in zip(key, answers, strict=True)]
        return torch.stack(scores, -1).unflatten(-1, (len(keys), len(answers))).softmax(-1).numpy()

    def _ask_rows(
        self,
        encoded: Sequence[Encoded],
        prefix: list[int],
        rows: Sequence[tuple[int, ...]],
        keep: int,
        tokens: list[int],
    ) -> torch.Tensor:
        """What `_run_rows` says of each film: films x rows x keep x tokens."""
        asked = prefix, rows, keep, tokens
        log_p = self.fast.score_rows([each.states for each in encoded], *asked) if self.fast else None
        if log_p is not None:
            return log_p
        if len(encoded) == 1:
            return self._run_rows(encoded[0], *asked)[None]
        return torch.cat([self._ask_rows([each], *asked) for each in encoded])

    @torch.inference_mode()
    def _run_rows(
        self, encoded: Encoded, prefix: list[int], rows: Sequence[tuple[int, ...]], keep: int, tokens: list[int]
    ) -> torch.Tensor:
        """Log-probabilities of `tokens` after the last `keep` tokens of each row: rows x keep x tokens, on the CPU."""
        before, longest = len(prefix), max(map(len, rows))
        ids = torch.zeros(len(rows), longest, dtype=torch.long)
        mask = torch.ones(len(rows), before + longest, dtype=torch.long)
        for i, row in enumerate(rows):  # padding stands between prefix and row, so that all rows end together
            ids[i, longest - len(row) :] = torch.tensor(row)
            mask[i, before : before + longest - len(row)] = 0
        cache = self._new_cache()
        self._forward(torch.tensor([prefix]), encoded, cache, logits_to_keep=1)
        cache.batch_repeat_interleave(len(rows))
        output = self._forward(
            ids,
            encoded,
            cache,
            attention_mask=mask,
            logits_to_keep=keep,
            position_ids=(mask.cumsum(1) - 1)[:, before:],
        )
        return output.logits.float().log_softmax(-1)[..., tokens].cpu()

    def stream(self, encoded: Encoded, conversation: list[Message], limit: int = 400) -> Iterator[str]:
        """The answer in pieces of text, decoded greedily, of at most `limit` tokens; closing it stops the model."""
        ids, cache = self._tokenize(conversation), self._new_cache()
        start, sent = len(ids), 0
        for _ in range(limit):
            token = self._choose_next(ids, encoded, cache)
            if token in self.stops:
                return
            ids.append(token)
            text = self.processor.tokenizer.decode(ids[start:], skip_special_tokens=True)
            if not text.endswith("\N{REPLACEMENT CHARACTER}"):  # half of a character is kept back
                yield text[sent:]
                sent = len(text)

    @torch.inference_mode()
    def _choose_next(self, ids: list[int], encoded: Encoded, cache: DynamicCache) -> int:
        """The likeliest token after `ids`. `cache`: of the plain path, which runs what is not in it yet."""
        token = self.fast.choose_next(encoded.states, ids, self._find_film(ids)) if self.fast else None
        if token is None:
            rest = torch.tensor([ids[cache.get_seq_length() :]])
            token = int(self._forward(rest, encoded, cache, logits_to_keep=1).logits[0, -1].argmax())
        return token

    def write_all(
        self,
        encoded: Sequence[Encoded],
        conversations: Sequence[list[Message]],
        limit: int = 400,
        at_once: int | None = None,
    ) -> list[str]:
        """What `stream` writes about each film in its own conversation, `at_once` side by side on the fast path.

        Raises:
            ValueError: there are not as many conversations as films.
        """
        pairs, texts = list(zip(encoded, conversations, strict=True)), []
        few = at_once or self.together
        for start in range(0, len(pairs), few):
            some = pairs[start : start + few]
            prompts = [self._tokenize(conversation) for _, conversation in some]
            asked = [each.states for each, _ in some], prompts, [*map(self._find_film, prompts)], limit, self.stops
            written = self.fast.write_all(*asked) if self.fast else None
            if written is None:
                texts += ["".join(self.stream(*pair, limit)) for pair in some]
            else:
                decoded = [self.processor.tokenizer.decode(each, skip_special_tokens=True) for each in written]
                texts += [text.rstrip("\N{REPLACEMENT CHARACTER}") for text in decoded]
        return texts

    def _find_film(self, ids: Sequence[int]) -> int:
        return ids.index(self.processor.image_token_id)

    def _new_cache(self) -> DynamicCache:
        return DynamicCache(config=self.model.config.get_text_config())

    def _tokenize(self, conversation: list[Message]) -> list[int]:
        text = self.processor.apply_chat_template(conversation, add_generation_prompt=True)
        # The template writes <|begin_of_text|> itself; the tokenizer must not add a second one.
        return self.processor.tokenizer.encode(text, add_special_tokens=False)

    def _forward(self, ids: torch.Tensor, encoded: Encoded, cache: DynamicCache, **more: Any) -> Any:
        """One forward of `ids` (batch x tokens) after what the cache holds; an empty one is given the film, too."""
        device, past = self.model.device, cache.get_seq_length()
        # Mllama wants the mask at full length (cache + new); tokens before the film do not see it.
        seen = torch.ones(ids.shape[0], past + ids.shape[1], 1, encoded.tiles, dtype=torch.long)
        if not past:
            seen[:, : self._find_film(ids[0].tolist())] = 0
            more["cross_attention_states"] = encoded.states.to(device, self.model.dtype)
        more = {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in more.items()}
        return self.model(
            input_ids=ids.to(device),
            cross_attention_mask=seen.to(device),
            past_key_values=cache,
            use_cache=True,
            **more,
        )
