"""One request about a film and its answer, each function in its own many wordings.

A finding that is neither present nor absent is unknown and nothing is said about it. Knows nothing about which requests
are chosen, nor about texts that came with a film.
"""

import random
from collections.abc import Collection, Sequence

from cxr.findings import BY_KEY, FINDINGS, Finding, find_finding, list_not_looked_for, order_finding
from cxr.prompts import join_words, write_observation, write_place
from cxr.results import Observation
from cxr.training.truth import Pair, Truth
from cxr.training.wordings import (
    ABNORMAL,
    CARE,
    CARE_ANSWER,
    EARLIER,
    EARLIER_ANSWER,
    FREE,
    HEART,
    HEART_FINE,
    MEANING,
    NONE,
    NORMAL,
    ORIENTATION,
    ORIENTATION_ANSWER,
    OTHER_PICTURE,
    PICTURE,
    PICTURE_ANSWER,
    SEEN,
    SEEN_OWN,
    SIDE,
    SIDED,
    SIZE,
    THIS_PICTURE,
    UNLISTED,
    VIEW,
    VIEW_OR_NOT,
    WHAT,
    WHERE,
    WHICH,
)


def answer_finding(truth: Truth, finding: Finding) -> str:
    """ "Yes, small pleural effusion on the left." or "No."."""
    seen = truth.find(finding.key)
    return f"Yes, {write_observation(seen)}." if seen else "No."


def ask_what(truth: Truth, rng: random.Random) -> Pair:
    """An open question about everything seen."""
    return rng.choice(WHAT), list_findings(truth.present)


def list_findings(present: Sequence[Observation], none: str = "I see none of the 14 findings.") -> str:
    """All that is present, in one sentence."""
    seen = [write_observation(item) for item in sorted(present, key=lambda item: order_finding(item.finding))]
    return f"I see {join_words(seen, 'and')}." if seen else none


def ask_list(truth: Truth, rng: random.Random) -> Pair | None:
    """Which findings are there: of all where the 14 are known, or of a few that are."""
    if truth.complete and rng.random() < 0.5:
        return ask_what(truth, rng)
    absent = sorted(truth.absent)
    some = {item.finding for item in rng.sample(truth.present, rng.randint(0, min(2, len(truth.present))))}
    some.update(rng.sample(absent, min(len(absent), rng.randint(2, 3))))
    if len(some) < 2:
        return None
    nouns = [find_finding(key).noun for key in sorted(some, key=order_finding)]
    seen = [item for item in truth.present if item.finding in some]
    return rng.choice(WHICH).format(join_words(nouns, "or")), list_findings(seen, "I see none of these.")


def ask_one(truth: Truth, rng: random.Random) -> Pair | None:
    """One finding in free words, plain or turned round; as often present as absent where both exist."""
    finding = _pick(truth, rng)
    if finding is None:
        return None
    if rng.random() < 0.3:
        return ask_free(truth, finding, rng)
    if finding.key == "cardiomegaly" and rng.random() < 0.6:
        return ask_heart(truth, finding, rng)
    asked = SEEN if finding.key in BY_KEY else SEEN_OWN
    return rng.choice(asked).format(finding.noun), answer_finding(truth, finding)


def ask_heart(truth: Truth, finding: Finding, rng: random.Random) -> Pair:
    """Whether the heart is enlarged, without the word for it."""
    if rng.random() < 0.7:
        return rng.choice(HEART), answer_finding(truth, finding)
    return rng.choice(HEART_FINE), answer_free(truth, finding)


def ask_sided(truth: Truth, rng: random.Random) -> Pair | None:
    """Whether a finding is on one side; None where its side is not known."""
    finding = _pick(truth, rng)
    seen = truth.find(finding.key) if finding else None
    if finding is None or not finding.sided or (seen and not seen.side):
        return None
    side = rng.choice(("left", "right"))
    answer = "No."
    if seen:
        there = seen.side in (side, "both")
        answer = answer_finding(truth, finding) if there else f"No, the {finding.bare_noun} is on the {seen.side}."
    return rng.choice(SIDED).format(finding.noun, side), answer


def answer_free(truth: Truth, finding: Finding) -> str:
    """Whether a finding among the 14 is absent."""
    seen = truth.find(finding.key)
    return f"No, there is {write_observation(seen)}." if seen else f"Yes, there is no {finding.bare_noun}."


def ask_free(truth: Truth, finding: Finding, rng: random.Random) -> Pair:
    """A known finding turned round: the answer is yes where it is absent."""
    seen, noun = truth.find(finding.key), finding.bare_noun
    if finding.key not in BY_KEY:  # one thing or many: nobody knows
        answer = f"No, I see {write_observation(seen)}." if seen else f"Yes, I see no {noun}."
        return FREE[0].format(finding.noun), answer
    asked = [wording.format(finding.noun) for wording in FREE] + [wording.format(noun) for wording in NONE]
    return rng.choice(asked), answer_free(truth, finding)


def ask_place(truth: Truth, rng: random.Random) -> Pair | None:
    """Side, place or size of a finding; one that is absent is said to be absent."""
    finding = _pick(truth, rng)
    if finding is None or not finding.sided:
        return None
    seen = truth.find(finding.key)
    questions: list[tuple[Sequence[str], str]] = [(SIDE, ""), (WHERE, ""), (SIZE, "")]
    if seen:
        side = "On both sides." if seen.side == "both" else f"On the {seen.side}."
        place = write_place(seen)
        questions = [
            (SIDE, side if seen.side else ""),
            (WHERE, f"{place[:1].upper()}{place[1:]}." if place else ""),
            (SIZE, f"It is {seen.size}." if seen.size else ""),
        ]
        questions = [(words, answer) for words, answer in questions if answer]
    if not questions:
        return None
    words, answer = rng.choice(questions)
    return rng.choice(words).format(finding.bare_noun), answer or f"I see no {finding.bare_noun} on this film."


def ask_meaning(truth: Truth, rng: random.Random) -> Pair:
    """What a word means; the answer does not depend on the film."""
    finding = rng.choice(FINDINGS)
    return rng.choice(MEANING).format(finding.noun), finding.plain


def ask_normal(truth: Truth, rng: random.Random) -> Pair:
    """Never the word normal without "of these 14"."""
    asked, answer = rng.choice(((NORMAL, "No."), (ABNORMAL, "Yes.")))
    if not truth.present:
        return rng.choice(asked), "I see none of these 14 findings; I do not look for others."
    return rng.choice(asked), f"{answer} {list_findings(truth.present)}"


def ask_view(truth: Truth, rng: random.Random) -> Pair:
    """How the film was taken."""
    told = f"{'an' if truth.view == 'AP' else 'a'} {truth.view}"
    if rng.random() < 0.5:
        return rng.choice(VIEW), f"This is {told} view."
    asked = rng.choice(("an AP", "a PA"))
    answer = f"Yes, this is {told} view." if asked == told else f"No, this is {told} view."
    return rng.choice(VIEW_OR_NOT).format(asked), answer


def ask_outside(truth: Truth, rng: random.Random) -> Pair:
    """What this model does not do: treatment, comparison, findings outside its list; and where left is."""
    return rng.choice([*decline(rng), *ask_unlisted(truth.known, rng)])


def ask_unlisted(own: Collection[str], rng: random.Random) -> list[Pair]:
    """What people may expect and neither the 14 nor the `own` findings hold; nothing where all of it is held."""
    others = list_not_looked_for(own)
    if not others:
        return []
    other = rng.choice(UNLISTED if BY_KEY.keys() >= set(own) and rng.random() < 0.5 else others)
    return [(rng.choice(SEEN_OWN).format(other), f"I do not look for {other}.")]


def decline(rng: random.Random) -> list[Pair]:
    """What is answered alike for every film."""
    return [
        (rng.choice(CARE), CARE_ANSWER),
        (rng.choice(EARLIER), EARLIER_ANSWER),
        (rng.choice(ORIENTATION), ORIENTATION_ANSWER),
        rng.choice(
            (
                (rng.choice(PICTURE), PICTURE_ANSWER),
                (rng.choice(THIS_PICTURE), f"Yes. {PICTURE_ANSWER}"),
                (rng.choice(OTHER_PICTURE), f"No. {PICTURE_ANSWER}"),
            )
        ),
    ]


def _pick(truth: Truth, rng: random.Random) -> Finding | None:
    present, absent = [item.finding for item in truth.present], sorted(truth.absent)
    pool = present if present and (not absent or rng.random() < 0.5) else absent
    return find_finding(rng.choice(pool)) if pool else None
