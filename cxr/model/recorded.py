"""What is recorded with an adapter beside its weights: how films are laid and encoded, and findings of its own."""

import logging
from typing import Any, Literal, get_args

from transformers import MllamaProcessor

from cxr.films.film import MAX_SIDE
from cxr.findings import BY_KEY, order_finding, read_label
from cxr.model.sources import Source, read_json
from cxr.results import CxrError

logger = logging.getLogger(__name__)

# An object of canvas (side in px), tiles (all or real), own_findings (keys), guided and set_questions (true or false).
CONFIG = "cxr_config.json"
MAX_OWN = 64  # findings of an adapter's own; each is a question more about every film
Encoding = Literal["all", "real"]  # which tiles are encoded: as many as the base has room for, or those with film alone
ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)


def choose_canvas(adapter: Source | None, processor: MllamaProcessor) -> int:
    """The recorded side in px; without a record 2 x 2 tiles, as the stock processor cuts a film of 1024 px.

    Raises:
        CxrError: what is recorded is no side of a canvas.
    """
    recorded = read_canvas(adapter)
    if recorded is not None:
        return recorded
    tile = int(processor.image_processor.size["height"])
    return tile * 2 if processor.image_processor.max_image_tiles >= 4 else tile


def _read(adapter: Source | None) -> dict[str, Any]:
    return read_json(adapter.folder / CONFIG) if adapter else {}


def read_canvas(adapter: Source | None) -> int | None:
    """The recorded side in px, or None where none is. Raises CxrError where it is no side of a canvas."""
    recorded = _read(adapter).get("canvas")
    if recorded is None:
        return None
    if type(recorded) is not int or not 16 <= recorded <= MAX_SIDE:  # true is an int too
        raise CxrError(f"The adapter's {CONFIG} records a canvas of {recorded}, not of 16 to {MAX_SIDE} px.")
    return recorded


def read_own_findings(adapter: Source | None) -> tuple[str, ...]:
    """The recorded keys of findings outside the 14, by name; mostly none.

    Raises:
        CxrError: what is recorded is no list of such keys.
    """
    recorded = _read(adapter).get("own_findings", [])
    if not isinstance(recorded, list) or len(recorded) > MAX_OWN or not all(map(_is_own_key, recorded)):
        raise CxrError(
            f"The adapter's {CONFIG} must hold at most {MAX_OWN} own_findings, lower-case keys outside the 14."
        )
    return tuple(sorted(set(recorded), key=order_finding))


def _is_own_key(key: object) -> bool:
    try:
        return isinstance(key, str) and key not in BY_KEY and read_label(key) == key
    except ValueError:
        return False


def read_guided(adapter: Source | None) -> bool:
    """Whether an adapter was taught to write reports of what is likely and possible; not where nothing is recorded."""
    return _read(adapter).get("guided") is True


def read_set_questions(adapter: Source | None) -> bool:
    """Whether a model only answers questions in the forms of ours that it was taught; not where nothing is recorded."""
    return _read(adapter).get("set_questions") is True


def read_tiles(adapter: Source | None) -> Encoding | None:
    """Which tiles an adapter was trained on; all where nothing is recorded, None without an adapter.

    Raises:
        CxrError: what is recorded is neither.
    """
    if adapter is None:
        return None
    recorded = _read(adapter).get("tiles", "all")
    if recorded not in ENCODINGS:
        raise CxrError(f"The adapter's {CONFIG} records tiles {recorded!r}, which must be all or real.")
    return recorded


def check_tiles(wanted: str | None, recorded: Encoding | None, fitted: bool) -> Encoding:
    """Which tiles are encoded: as the adapter was trained, or as is wanted where nothing was fitted to its states.

    Raises:
        CxrError: what is wanted is neither, or the adapter's calibration or gate would not hold.
    """
    if wanted is not None and wanted not in ENCODINGS:
        raise CxrError(f"CXR_TILES must be all or real, not {wanted}.")
    chosen = next(each for each in (wanted, recorded, "all") if each)
    if recorded and chosen != recorded:
        if fitted:
            raise CxrError(
                f"The adapter was trained and calibrated with {recorded} tiles encoded, so CXR_TILES={chosen} would "
                "make its probabilities wrong; leave CXR_TILES out."
            )
        logger.warning("the adapter was trained with %s tiles encoded, and now %s are", recorded, chosen)
    return "real" if chosen == "real" else "all"
