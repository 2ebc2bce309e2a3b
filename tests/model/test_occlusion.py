"""A covered block costs what the model says of the covered film."""

import numpy as np
import pytest

from cxr.films.film import Film, letterbox
from cxr.findings import FINDINGS
from cxr.model.occlusion import BLOCKS, draw_occlusion
from cxr.prompts import YES_NO, ask_finding, build_conversation
from tests.tiny import noise_film, tiny_engine


@pytest.mark.parametrize("tiles", [1, 4])
def test_a_block_counts_by_what_its_covering_takes_from_yes(tiles: int) -> None:
    engine, film = tiny_engine(tiles), noise_film(2, 112, 112)
    asked = [build_conversation(ask_finding(finding)) for finding in FINDINGS[:2]]
    greys = np.asarray(letterbox(film, engine.canvas))
    found = draw_occlusion(engine, film, asked)
    assert [each.shape for each in found] == [(BLOCKS, BLOCKS)] * 2
    block = len(greys) // BLOCKS
    row, column = np.unravel_index(found[0].argmax(), found[0].shape)
    covered = greys.copy()
    covered[row * block : (row + 1) * block, column * block : (column + 1) * block] = round(float(greys.mean()))

    def ask(pixels: np.ndarray) -> float:
        yes, no = engine.score(engine.encode(Film(pixels.astype(np.float32) / 255)), asked[:1], YES_NO)[0]
        return float(np.log(yes / no))

    assert found[0].max() == pytest.approx(ask(greys) - ask(covered), rel=1e-2)
