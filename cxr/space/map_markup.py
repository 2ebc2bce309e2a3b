"""What a heat map shows, in words for somebody who is not a doctor, and for whoever cannot see it.

Every text that is not ours is escaped.
"""

from html import escape

from cxr.findings import find_finding
from cxr.prompts import join_words
from cxr.results import HeatMap, Score, Verdict, write_percent
from cxr.space.markup import show_notes

SAYS = {
    Verdict.PRESENT: "calls it present",
    Verdict.NOT_SURE: "is not sure of it",
    Verdict.ABSENT: "calls it absent, so the colour marks only what came closest to it",
}


def name_map(found: HeatMap) -> str:
    """A few words for the legend."""
    names = [find_finding(key).name for key in found.findings]
    return f"Counted for: {join_words(names, 'and')}" if names else "Attention while it was written"


def show_map(found: HeatMap) -> str:
    """Where the map lies, what the model says of the finding, how the map was made, and what it does not mean."""
    about = found.about if not found.findings or found.about.endswith(".") else f"For {found.about}"
    where = f"the colour lies mostly {found.place}" if found.place else "no place stands out"
    scores = " ".join(_tell_score(score) for score in found.scores)
    quoted = f"“{escape(about)}”" if about == found.about else escape(about)
    return (
        f'{show_notes(found.warnings)}<section class="cxr-truth" role="status">'
        f"<p><strong>{quoted}: {escape(where)}.</strong> {escape(scores)}</p>"
        f'<p class="cxr-small">The stronger the colour, the more the place counted for this map. '
        f"Shown is {escape(found.method)}.</p></section>"
    )


def _tell_score(score: Score) -> str:
    name, percent = find_finding(score.finding).name, write_percent(score.probability)
    says = SAYS[score.verdict] if score.verdict else "was never calibrated, so it means neither present nor absent"
    return f"{name}, {percent}: the model {says}."
