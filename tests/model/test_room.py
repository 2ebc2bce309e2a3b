"""How many films stand side by side, from figures."""

from typing import Any

import torch
from transformers import MllamaConfig, MllamaForConditionalGeneration

from cxr.model.room import MANY, count_film_bytes, count_together, fit_films
from tests.tiny import tiny_engine

GIB = 1 << 30


def test_half_of_the_room_is_for_films_side_by_side() -> None:
    film = 344 << 20
    assert [fit_films(room * GIB, film) for room in (60, 16, 8, 3, 1)] == [MANY, 16, 4, 1, 1]


def test_a_film_of_the_11b_takes_what_its_architecture_says() -> None:
    config: Any = MllamaConfig()
    config.vision_config.image_size = 560
    with torch.device("meta"):
        model = MllamaForConditionalGeneration(config)
    assert count_film_bytes(model, 4) == 32_768 * 6404 + 131_072 * 1024
    assert count_together(tiny_engine().model, 1) == MANY
