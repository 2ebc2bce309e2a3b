"""Which model answers, read from the environment once. Knows nothing about loading it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cxr.prompts import join_words


@dataclass(frozen=True)
class Settings:
    """The Space's variables and secrets. All empty: the embedded model answers."""

    base: str | None = None  # Hub name or folder of a Mllama checkpoint
    base_revision: str | None = None
    adapter: str | None = None  # Hub name or folder of a LoRA adapter
    adapter_revision: str | None = None  # 40 hex digits pin the adapter
    precision: str | None = None  # "bf16", "4bit" or "float32"; chosen by the free memory where it is not given
    tiles: str | None = (
        None  # "all" or "real": which tiles are encoded; as the adapter was trained where it is not given
    )
    token: str | None = field(default=None, repr=False)  # a read token of the Hub
    endpoint: str | None = field(default=None, repr=False)  # base URL of a server that answers instead; may hold a name
    endpoint_key: str | None = field(default=None, repr=False)
    endpoint_model: str | None = None  # as the server names it; its first where it is not given
    endpoint_calibration: str | None = None  # a folder with a calibration.json fitted to its answers, or that file

    def explain_unused(self) -> str | None:
        """Which of them say something about what is not named, in a sentence; None where all have a use."""
        needs = {
            "for a model that CXR_BASE or CXR_ADAPTER names": (
                self.base or self.adapter,
                {"CXR_PRECISION": self.precision, "CXR_TILES": self.tiles, "CXR_BASE_REVISION": self.base_revision},
            ),
            "for an adapter that CXR_ADAPTER names": (self.adapter, {"CXR_ADAPTER_REVISION": self.adapter_revision}),
            "for a server that CXR_ENDPOINT names": (
                self.endpoint,
                {
                    "CXR_ENDPOINT_KEY": self.endpoint_key,
                    "CXR_ENDPOINT_MODEL": self.endpoint_model,
                    "CXR_ENDPOINT_CALIBRATION": self.endpoint_calibration,
                },
            ),
        }
        for what, (named, given) in needs.items():
            names = [name for name, value in given.items() if value]
            if names and not named:
                return f"{join_words(names, 'and')} {'are' if len(names) > 1 else 'is'} {what}."
        return None

    @staticmethod
    def from_env(environ: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables whose names begin with CXR_, and HF_TOKEN."""

        def get(name: str) -> str | None:
            return environ.get(name, "").strip() or None

        return Settings(
            get("CXR_BASE"),
            get("CXR_BASE_REVISION"),
            get("CXR_ADAPTER"),
            get("CXR_ADAPTER_REVISION"),
            get("CXR_PRECISION"),
            get("CXR_TILES"),
            get("HF_TOKEN"),
            get("CXR_ENDPOINT"),
            get("CXR_ENDPOINT_KEY"),
            get("CXR_ENDPOINT_MODEL"),
            get("CXR_ENDPOINT_CALIBRATION"),
        )
