"""What is known of one film. Knows nothing about where films come from, nor what is asked about them."""

from dataclasses import dataclass

from cxr.films.film import View
from cxr.findings import BY_KEY, order_finding
from cxr.results import Observation

Pair = tuple[str, str]  # a request and its answer


@dataclass(frozen=True)
class Truth:
    """What is known of one film; sides are the patient's. `absent` holds finding keys, own ones too."""

    present: tuple[Observation, ...]
    absent: frozenset[str]
    view: View | None = None
    placed: bool = False  # sides, zones and sizes are known where a finding has them

    @property
    def known(self) -> list[str]:
        """The keys of all findings that are known, in reading order."""
        return sorted(self.absent.union(item.finding for item in self.present), key=order_finding)

    @property
    def complete(self) -> bool:
        """Whether all 14 findings are known."""
        return set(BY_KEY).issubset(self.known)

    def find(self, key: str) -> Observation | None:
        """The observation of a finding that is present."""
        return next((item for item in self.present if item.finding == key), None)
