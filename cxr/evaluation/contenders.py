"""The base and the base with its adapter as two readers that differ in nothing but the adapter.

Both lay films on the adapter's canvas, run in the same precision, are asked for the same findings and keep their own
probabilities (no calibration). One is loaded at a time. Knows nothing about films or truth.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from cxr.model.engine import Engine
from cxr.model.loading import load_named
from cxr.model.recorded import choose_canvas, read_own_findings, read_tiles
from cxr.model.sources import fetch
from cxr.reader import Reader
from cxr.results import CxrError
from cxr.settings import Settings


@dataclass(frozen=True)
class Contenders:
    """What is compared: an adapter, or None, and the base it was made for. Names are the Hub's, or folders.

    `own_findings`: keys outside the 14 that a base alone is asked for; an adapter says itself what it was taught.
    """

    base: str
    adapter: str | None = None
    base_revision: str | None = None
    adapter_revision: str | None = None
    precision: str | None = None
    own_findings: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)

    def load_base(self) -> Reader:
        """The base alone, as the adapter's films and findings need it.

        Raises:
            CxrError: it cannot be had, and why.
        """
        loaded = load_named(self._settings())
        if self.adapter is None:
            return Reader(loaded.engine, loaded.identity, None, self.own_findings)
        model, processor = loaded.engine.model, loaded.engine.processor
        adapter = fetch(self.adapter, self.adapter_revision, self.token)
        real = read_tiles(adapter) == "real"
        engine = Engine(model, processor, choose_canvas(adapter, processor), real_tiles=real)
        return Reader(engine, loaded.identity, None, read_own_findings(adapter))  # it was never taught to be guided

    def load_adapter(self) -> Reader:
        """The base with the adapter in it.

        Raises:
            CxrError: one of them cannot be had, or they do not belong together.
        """
        adapter, revision = self.adapter, self.adapter_revision
        loaded = load_named(replace(self._settings(), adapter=adapter, adapter_revision=revision))
        return Reader(loaded.engine, loaded.identity, None, loaded.own_findings, guided=loaded.guided)

    def _settings(self) -> Settings:
        return Settings(self.base, self.base_revision, precision=self.precision, token=self.token)


def find_adapter(named: str) -> str:
    """The adapter's folder where a run's is named; else the same.

    Raises:
        CxrError: the folder holds no adapter.
    """
    folder = Path(named)
    places = [place for place in (folder, folder / "adapter") if (place / "adapter_config.json").is_file()]
    if folder.is_dir() and not places:
        raise CxrError(f"{named} holds no adapter; name a run's folder after its training has ended, or an adapter's.")
    return str(places[0]) if places else named
