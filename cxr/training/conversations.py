"""What is known of a film becomes requests with their answers, in many wordings.

No sentence of anybody's report goes in: every text is written here from findings, sides, zones and sizes. A finding
that is neither present nor absent is unknown and nothing is said about it. Knows nothing about where films come from.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cxr.films.film import View
from cxr.findings import BY_KEY, FINDINGS, NOT_LOOKED_FOR, Finding
from cxr.prompts import ask_finding, ask_report, join_words, write_observation, write_place, write_report
from cxr.results import Observation


@dataclass(frozen=True)
class Truth:
    """What is known of one film; sides are the patient's. `absent` holds finding keys."""

    present: tuple[Observation, ...]
    absent: frozenset[str]
    view: View | None = None
    placed: bool = False  # sides, zones and sizes are known where a finding has them

    @property
    def complete(self) -> bool:
        """Whether all 14 findings are known."""
        return len(self.absent | {item.finding for item in self.present}) == len(FINDINGS)

    def find(self, key: str) -> Observation | None:
        """The observation of a finding that is present."""
        return next((item for item in self.present if item.finding == key), None)


Pair = tuple[str, str]  # a request and its answer

SEEN = (
    "Is there {}?",
    "Do you see {}?",
    "Can you see {}?",
    "Does this film show {}?",
    "Any sign of {}?",
    "Is {} present?",
)
FREE = ("Is this film free of {}?", "Is there no {}?")
WHAT = ("What does this film show?", "What do you see?", "What findings are present?", "Describe this film.")
SIDE = ("On which side is the {}?", "Which side is the {} on?", "Is the {} on the left or on the right?")
WHERE = ("Where is the {}?", "Where do you see the {}?")
SIZE = ("How large is the {}?", "How big is the {}?")
MEANING = ("What is {}?", "What does {} mean?", "Explain {}.")
NORMAL = ("Is this film normal?", "Is this a normal chest film?")
VIEW = ("What view is this?", "Is this a PA or an AP film?")
CARE = (
    "What should be done?",
    "What treatment is needed?",
    "Should I take antibiotics?",
    "Will I be all right?",
    "Do I need an operation?",
)
EARLIER = ("Has it changed?", "Is it better than before?", "Is this new?")
ORIENTATION = ("Which side of the picture is the patient's left?", "Where is left on this film?")
INDICATIONS = (
    "cough",
    "fever",
    "shortness of breath",
    "chest pain",
    "follow-up",
    "before an operation",
    "fall",
    "check of a line",
)
CARE_ANSWER = "I cannot advise on treatment or outcome. Please ask a clinician."
EARLIER_ANSWER = "I have no earlier film to compare with."
ORIENTATION_ANSWER = "The patient's left is on the right of the picture."


def closed_pairs(truth: Truth, rng: random.Random) -> list[Pair]:
    """The 14 closed questions, in the words from which probabilities are read, as far as they are known."""
    known = [finding for finding in FINDINGS if truth.find(finding.key) or finding.key in truth.absent]
    rng.shuffle(known)
    return [(ask_finding(finding), answer_finding(truth, finding)) for finding in known]


def answer_finding(truth: Truth, finding: Finding) -> str:
    """ "Yes, small pleural effusion on the left." or "No."."""
    seen = truth.find(finding.key)
    return f"Yes, {write_observation(seen)}." if seen else "No."


def free_pairs(truth: Truth, rng: random.Random) -> Iterator[Pair]:
    """Endless other requests about the film: reports, open questions, and some that cannot be answered."""
    writers: list[tuple[Callable[[Truth, random.Random], Pair | None], float]] = [
        (write_report_pair, 6 if truth.complete else 0),
        (ask_what, 2 if truth.complete else 0),
        (ask_one, 4),
        (ask_place, 3),
        (ask_meaning, 1),
        (ask_normal, 0.7 if truth.complete else 0),
        (ask_view, 0.7 if truth.view else 0),
        (ask_outside, 1),
    ]
    names, weights = zip(*writers, strict=True)
    while True:
        pair = rng.choices(names, weights)[0](truth, rng)
        if pair is not None:
            yield pair


def write_report_pair(truth: Truth, rng: random.Random) -> Pair:
    """A report, now and then with why the film was taken."""
    indication = rng.choice(INDICATIONS) if rng.random() < 0.25 else ""
    absent = [key for key in ("pneumothorax", "effusion", "consolidation") if key in truth.absent]
    return ask_report(indication), write_report(truth.present, absent)


def ask_what(truth: Truth, rng: random.Random) -> Pair:
    """An open question about everything seen."""
    return rng.choice(WHAT), list_findings(truth)


def list_findings(truth: Truth) -> str:
    """All that is present, in one sentence."""
    order = [finding.key for finding in FINDINGS]
    seen = [write_observation(item) for item in sorted(truth.present, key=lambda item: order.index(item.finding))]
    return f"I see {join_words(seen, 'and')}." if seen else "I see none of the 14 findings."


def ask_one(truth: Truth, rng: random.Random) -> Pair | None:
    """One finding in free words, plain or turned round; as often present as absent where both exist."""
    finding = _pick(truth, rng)
    if finding is None:
        return None
    noun = finding.bare_noun
    if rng.random() < 0.3:
        answer = (
            f"No, there is {write_observation(seen)}."
            if (seen := truth.find(finding.key))
            else f"Yes, there is no {noun}."
        )
        return rng.choice(FREE).format(noun), answer
    if finding.key == "cardiomegaly" and rng.random() < 0.5:
        return rng.choice(("Is the heart enlarged?", "Is the heart large?")), answer_finding(truth, finding)
    return rng.choice(SEEN).format(finding.noun), answer_finding(truth, finding)


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
        questions = [(wordings, answer) for wordings, answer in questions if answer]
    if not questions:
        return None
    wordings, answer = rng.choice(questions)
    return rng.choice(wordings).format(finding.bare_noun), answer or f"I see no {finding.bare_noun} on this film."


def ask_meaning(truth: Truth, rng: random.Random) -> Pair:
    """What a word means; the answer does not depend on the film."""
    finding = rng.choice(FINDINGS)
    return rng.choice(MEANING).format(
        rng.choice((finding.noun, finding.bare_noun, finding.name.lower()))
    ), finding.plain


def ask_normal(truth: Truth, rng: random.Random) -> Pair:
    """Never the word normal without "of these 14"."""
    answer = (
        f"No. {list_findings(truth)}" if truth.present else "I see none of these 14 findings; I do not look for others."
    )
    return rng.choice(NORMAL), answer


def ask_view(truth: Truth, rng: random.Random) -> Pair:
    """How the film was taken."""
    return rng.choice(VIEW), f"This is {'an' if truth.view == 'AP' else 'a'} {truth.view} view."


def ask_outside(truth: Truth, rng: random.Random) -> Pair:
    """What this model does not do: treatment, comparison, findings outside its list; and where left is."""
    other = rng.choice(NOT_LOOKED_FOR)
    return rng.choice(
        [
            (rng.choice(CARE), CARE_ANSWER),
            (rng.choice(EARLIER), EARLIER_ANSWER),
            (rng.choice(ORIENTATION), ORIENTATION_ANSWER),
            (rng.choice(SEEN).format(other), f"I do not look for {other}."),
        ]
    )


def _pick(truth: Truth, rng: random.Random) -> Finding | None:
    present, absent = [item.finding for item in truth.present], sorted(truth.absent)
    pool = present if present and (not absent or rng.random() < 0.5) else absent
    return BY_KEY[rng.choice(pool)] if pool else None
