"""The view is read in the words that headers and tables hold."""

import pytest

from cxr.films.views import Projection, read_projection

WORDS: dict[str, Projection] = {
    **dict.fromkeys(("PA", "P.A.", "pa", "posteroanterior", "PA erect", "Chest PA"), Projection("PA")),
    **dict.fromkeys(("AP", " ap ", "AP Supine", "supine", "antero-posterior", "AP_horizontal"), Projection("AP")),
    **dict.fromkeys(
        ("LL", "RL", "LAT", "lat.", "right lateral", "L", "L LAT", "LATERAL LEFT", "PA LAT", "XTABLE LATERAL"),
        Projection("lateral"),
    ),
    **dict.fromkeys(("SWIMMERS", "Profil droit", "seitlich", "PERFIL"), Projection("lateral")),
    "AP LLD": Projection("AP", "decubitus"),
    "PA RLD": Projection("PA", "decubitus"),
    "left lateral decubitus": Projection(None, "decubitus"),
    **dict.fromkeys(("LPO", "RPO", "LAO", "RAO", "LLO", "oblique", "Schräg"), Projection(None, "oblique")),
    **dict.fromkeys(("", "?", "lordotic", "unknown", "R"), Projection()),
}


@pytest.mark.parametrize(("word", "said"), WORDS.items())
def test_a_view_is_read_in_the_words_that_people_write(word: str, said: Projection) -> None:
    assert read_projection(word) == said
