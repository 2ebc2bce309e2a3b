"""From the probabilities of a film to what its report is to be about. Knows nothing about models or films."""

from collections.abc import Sequence

from cxr.prompts import Guide
from cxr.results import Score

LIKELY = 0.5  # from here on a finding is more likely than not
# A report that names what is at least half as likely as its own best F1 has the best F1 (Lipton et al., Optimal
# thresholding of classifiers to maximize F1 measure, arXiv:1402.1892); on validation films that is 0.4.
POSSIBLE = 0.2


def choose_guide(scores: Sequence[Score]) -> Guide:
    """Which findings are likely and which possible. What was never calibrated is possible at most, from `LIKELY` on."""
    likely = tuple(score.finding for score in scores if score.verdict and score.probability >= LIKELY)
    possible = (score.finding for score in scores if score.probability >= (POSSIBLE if score.verdict else LIKELY))
    return Guide(likely, tuple(key for key in possible if key not in likely))
