"""What loading gives: a model that answers, with all that is known of it. Knows nothing about where it comes from."""

from dataclasses import dataclass

from cxr.model.calibration import Calibration
from cxr.model.engine import Engine
from cxr.model.gate import Familiarity
from cxr.model.map_head import MapHead
from cxr.results import Identity


@dataclass(frozen=True)
class Loaded:
    """A model that answers, what is known of its probabilities, who it is, and what it was taught beside the 14."""

    engine: Engine
    calibration: Calibration | None
    identity: Identity
    own_findings: tuple[str, ...] = ()
    familiarity: Familiarity | None = None  # which films the model knows
    head: MapHead | None = None  # what was taught where findings lie
    guided: bool = False  # whether it was taught to write reports of what is likely and possible
    set_questions: bool = False  # whether it only answers questions in the forms that it was taught
