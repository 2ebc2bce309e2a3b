"""A request and its answer as tokens, cut as serving cuts them. Knows nothing about films."""

from collections.abc import Sequence

from transformers import PreTrainedTokenizerFast

from cxr.prompts import build_conversation
from cxr.results import Turn


def encode_request(tokenizer: PreTrainedTokenizerFast, request: str, history: Sequence[Turn] = ()) -> list[int]:
    """The tokens up to the assistant's turn; the template writes <|begin_of_text|> itself, once."""
    text = tokenizer.apply_chat_template(
        build_conversation(request, history), add_generation_prompt=True, tokenize=False
    )
    return tokenizer.encode(text, add_special_tokens=False)


def encode_answer(tokenizer: PreTrainedTokenizerFast, answer: str) -> list[int]:
    """The tokens of an answer and the one that ends a turn."""
    return [*tokenizer.encode(answer, add_special_tokens=False), tokenizer.eos_token_id]
