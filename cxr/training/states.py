"""What the frozen encoder made of each film, kept on disk, so that a second epoch need not see the film again.

A film takes 13 MB a tile for the 11B. The key is made of pixels, canvas and base, so nothing stale is ever read; the
store stops growing at its bound. Knows nothing about who encodes.
"""

import hashlib
import logging
import os
from pathlib import Path
from uuid import uuid4

import torch
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

logger = logging.getLogger(__name__)


class StateStore:
    """A bounded folder of states, one file a film; several processes may share it."""

    def __init__(self, folder: Path, base: str, canvas: int, tiles: int, bound: int, processes: int = 1) -> None:
        """`base`: which weights encode, by name and revision; `canvas`: side in px; `bound`: bytes of the folder, of
        which what is left now is shared out evenly among the `processes`."""
        self.folder = folder
        self.tiles = tiles
        self._made_by = f"{base}|{canvas}|"
        folder.mkdir(parents=True, exist_ok=True)
        self._held = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        self._bound = self._held + (bound - self._held) // processes
        self._full = False

    def name(self, image: Image.Image) -> str:
        """The key of a film that lies on the canvas."""
        return hashlib.sha256(self._made_by.encode() + image.tobytes()).hexdigest()

    def load(self, key: str) -> torch.Tensor | None:
        """(tiles * patches) x hidden in the model's dtype, or None where nothing whole is kept."""
        try:
            return load_file(self.folder / f"{key}.safetensors")["states"]
        except FileNotFoundError:
            return None
        except SafetensorError:  # cut off or damaged: it is written again
            (self.folder / f"{key}.safetensors").unlink(missing_ok=True)
            return None

    def keep(self, key: str, states: torch.Tensor) -> None:
        """Write it whole or not at all; nothing happens once the bound is reached."""
        path = self.folder / f"{key}.safetensors"
        size = states.numel() * states.element_size()
        if self._full or path.exists():
            return
        if self._held + size > self._bound:
            self._full = True
            logger.info(
                "kept image states have reached %.3g GiB; further films are encoded each time", self._bound / 2**30
            )
            return
        part = path.with_suffix(f".{uuid4().hex}")
        save_file({"states": states.contiguous().cpu()}, part)
        os.replace(part, path)
        self._held += size
