"""The model of a server as a model that answers, and what is recorded for it on this side. No weights are loaded."""

from pathlib import Path
from typing import cast

from cxr.films.film import MAX_SIDE
from cxr.model.calibration import FILE, read_calibration
from cxr.model.endpoint import BAD_ADDRESS, Endpoint
from cxr.model.engine import Engine
from cxr.model.loaded import Loaded
from cxr.model.recorded import CONFIG, read_canvas, read_guided, read_own_findings, read_set_questions
from cxr.model.remote import RemoteEngine
from cxr.model.sources import Source
from cxr.results import CxrError, Identity
from cxr.settings import Settings

MERGED = "merged at the endpoint, if any"
DEVICE = "remote endpoint"


def load_endpoint(settings: Settings) -> Loaded:
    """The model that `settings.endpoint` serves.

    Calibrated only by what was fitted to its own answers, since its logits are not those of the same weights here.

    Raises:
        CxrError: the server cannot be asked for its model, or what the settings name for it is not there.
    """
    if settings.endpoint is None:
        raise CxrError(BAD_ADDRESS)
    records = find_records(settings.endpoint_calibration) if settings.endpoint_calibration else None
    calibration = read_calibration(records.folder) if records else None
    canvas, own = read_canvas(records), read_own_findings(records)
    taught = read_guided(records), read_set_questions(records)
    endpoint = Endpoint(settings.endpoint, settings.endpoint_key, settings.endpoint_model)
    engine = cast(Engine, RemoteEngine(endpoint, canvas or MAX_SIDE))  # all that a Reader asks of one
    return Loaded(engine, calibration, sign(endpoint.model, calibration is not None), own, None, None, *taught)


def find_records(named: str) -> Source:
    """The folder with the endpoint's calibration and its `cxr_config.json`.

    Either is enough: films lie on the recorded canvas already while a calibration is fitted.

    Raises:
        CxrError: neither is there.
    """
    path = Path(named)
    folder = path.parent if path.name == FILE else path
    if not any((folder / name).is_file() for name in (FILE, CONFIG)):
        raise CxrError(f"CXR_ENDPOINT_CALIBRATION must name a folder with a {FILE}, or that file.")
    return Source(folder, "endpoint", None)


def sign(model: str, calibrated: bool) -> Identity:
    """Who answers. What can be served like this is Llama 3.2 Vision, so its notice is due."""
    return Identity(
        base=model,
        base_revision=None,
        adapter=MERGED,
        adapter_revision=None,
        device=DEVICE,
        embedded=False,
        calibrated=calibrated,
        llama=True,
        remote=True,
    )
