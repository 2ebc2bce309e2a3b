"""How far a verdict can be relied on, in words for somebody who is not a doctor. Knows nothing about models."""

from cxr.results import Classification, Score, TrackRecord, Verdict

CHOSEN_ON = "These films also helped to choose the model and its scales, so elsewhere expect less."
FEW = 5  # films with a finding, or answers, below which figures say little


def explain_verdict(verdict: Verdict, tested: TrackRecord) -> str:
    """ "In the 193 NIH films it was tested on, 3 of 5 such answers were right."."""
    where, said = name_films(tested), count_verdict(verdict, tested)
    if not said:
        return f"In none of {where} was this said, so nobody knows how often it is right."
    few = f"only {tested.with_it}" if tested.with_it else "none"
    return f"In {where}, {said}{f', but {few} of these films had it' if tested.with_it < FEW else ''}."


def name_tested(classification: Classification) -> str:
    """Of which films it is told how often answers were right; empty where that was never counted."""
    tested = next((score.tested for score in classification.scores if score.tested), None)
    return f"How often such answers were right was counted on {name_films(tested)}. {CHOSEN_ON}" if tested else ""


def name_films(tested: TrackRecord) -> str:
    """ "the 193 NIH films it was tested on"."""
    return f"the {tested.films} {tested.where} it was tested on"


def count_verdict(verdict: Verdict, tested: TrackRecord) -> str:
    """ "3 of 5 such answers were right"; empty where there was no such answer."""
    if verdict is Verdict.NOT_SURE:
        open_ones = tested.films - tested.present - tested.absent
        with_it = tested.with_it - tested.present_right - (tested.absent - tested.absent_right)
        return f"{with_it} of {open_ones} such films had it" if open_ones else ""
    right, count = (
        (tested.present_right, tested.present) if verdict is Verdict.PRESENT else (tested.absent_right, tested.absent)
    )
    few = ", too few to tell" if count < FEW else ""
    return f"{right} of {count} such answers were right{few}" if count else ""


def sum_up(score: Score) -> str:
    """The same for one finding where there is room for a few words; empty where nothing was measured."""
    if score.tested is None or score.verdict is None:
        return ""
    said = count_verdict(score.verdict, score.tested)
    if not said:
        return "never said in the films it was tested on"
    few = f"only {score.tested.with_it} films in all" if score.tested.with_it else "no film at all"
    return f"{said}; {few} had it" if score.tested.with_it < FEW else said
