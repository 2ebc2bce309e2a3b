"""What is known of a film becomes requests with their answers, in many wordings.

A finding that is neither present nor absent is unknown and nothing is said about it. Reports and questions that came
with the data are used as they are; every other text is written here. Knows nothing about where films come from.
"""

import random
from collections.abc import Callable, Collection, Iterator, Sequence

from cxr.findings import BY_KEY, DENIED, find_finding
from cxr.prompts import Guide, ask_finding, ask_report, clean, write_report
from cxr.results import Observation
from cxr.statements import read_statements
from cxr.training.questions import (
    answer_finding,
    ask_free,
    ask_list,
    ask_meaning,
    ask_normal,
    ask_one,
    ask_outside,
    ask_place,
    ask_sided,
    ask_unlisted,
    ask_view,
    ask_what,
    decline,
)
from cxr.training.truth import Pair, Truth
from cxr.training.wordings import INDICATIONS

TURNED = 0.25  # share of closed questions that are turned round
INDICATED = 0.25  # share of the reports of the base whose request says why the film was taken
GUIDED = 0.7  # share of the reports of the base that are
MAYBE = 0.4  # share of present findings that a guided report which is written here only calls possible
DOUBTED = 0.4  # share of these reports that call absent findings possible, too, as probabilities do
MOST_DOUBTS = 3  # absent findings that a report calls possible
LONG_REPORT = 5  # findings, to which nothing absent is added
REHEARSED = (0, 1, 1, 2, 2, 3, 4)  # findings of a report about what chance chose, each count as likely
OWN_FIRST = 0.5  # share of selections that begin with findings outside the 14: the base knows those, not these
MAX_TARGET = 4000  # characters of an answer or report that came with the data; a longer one is not used


def write_pairs(
    truth: Truth,
    report: str,
    indication: str,
    pairs: Sequence[Pair],
    rng: random.Random,
    count: int,
    own: Collection[str] | None = None,
) -> list[Pair]:
    """Different requests about one film with their answers, of every task that what is known allows.

    Args:
        report: The report that came with the film; without one it is written where all 14 findings are known.
        pairs: Questions and answers that came with the film.
        count: How many; none where nothing at all is known of the film.
        own: The own findings of the whole run; None: not known, and then nothing is called not looked for. Where they
            are known, what the truth says of others is not asked: the page would not ask it either.
    """
    truth = leave_out_others(truth, own)
    told, brought = report_pair(truth, report, indication), own_pairs(pairs)
    guided = guide_report(truth, report, indication, rng) if told else None
    if not (truth.known or told or brought):
        return []
    closed = iter(choose_closed(truth, rng, count))
    placed = any(item.side or item.zone or item.size for item in truth.present)
    writers: list[tuple[Callable[[], Pair | None], float]] = [
        (lambda: next(closed, None), 6 if truth.known else 0),
        (lambda: ask_one(truth, rng), 1 if truth.known else 0),
        (lambda: ask_list(truth, rng), 1.5 if truth.known else 0),
        (lambda: told, 1.5 if told else 0),
        (lambda: guided, 1.5 if guided else 0),
        (lambda: ask_place(truth, rng), 1.5 if placed else 0),
        (lambda: ask_sided(truth, rng), 0.5 if placed else 0),
        (lambda: rng.choice(brought), 2.5 if brought else 0),
        (lambda: ask_general(truth, rng, own), 0.5),
    ]
    names, weights = zip(*writers, strict=True)
    written: dict[str, str] = {}
    for _ in range(50 * count):
        if len(written) < count and (pair := rng.choices(names, weights)[0]()):
            written.setdefault(*pair)
    return list(written.items())


def leave_out_others(truth: Truth, own: Collection[str] | None) -> Truth:
    """The truth without findings that are neither among the 14 nor among the own ones of the run."""
    if own is None:
        return truth
    present = tuple(item for item in truth.present if item.finding in BY_KEY or item.finding in own)
    absent = frozenset(key for key in truth.absent if key in BY_KEY or key in own)
    return Truth(present, absent, truth.view, truth.placed)


def choose_closed(truth: Truth, rng: random.Random, count: int) -> list[Pair]:
    """Closed questions, at most one a finding: yes and no alike while both can be had, a quarter turned round.

    Half of the selections begin with own findings, which would be few among the 14.
    """
    present = [find_finding(key) for key in truth.known if key not in truth.absent]
    absent = [find_finding(key) for key in truth.known if key in truth.absent]
    own_first = rng.random() < OWN_FIRST
    for findings in (present, absent):
        rng.shuffle(findings)
        findings.sort(key=lambda finding: own_first and finding.key not in BY_KEY)  # the last is taken first
    pairs: list[Pair] = []
    yes = rng.random() < 0.5
    while len(pairs) < count and (present or absent):
        turned = rng.random() < TURNED
        pool = present if yes != turned else absent
        finding = (pool if present and absent else present or absent).pop()
        plain = ask_finding(finding), answer_finding(truth, finding)
        pairs.append(ask_free(truth, finding, rng) if turned else plain)
        yes = not yes
    return pairs


def report_pair(truth: Truth, report: str, indication: str) -> Pair | None:
    """The given report as the answer to its request; without one a written one, if all 14 findings are known.

    None for a report that is too long: cut, it would end before its impression.
    """
    text = clean(report, len(report))
    if len(text) > MAX_TARGET:
        return None
    if not text and truth.complete:
        text = write_report(truth.present, _list_denied(truth))
    return (ask_report(indication), text) if text else None


def guide_report(truth: Truth, report: str, indication: str, rng: random.Random) -> Pair | None:
    """The same after a request that tells what is likely and what possible, as when the probabilities are known.

    The guide says what the report says: of one that came, what it asserts is likely and what it hedges possible, so
    that the model learns to keep to the guide. One that is written here hedges some of what is present and, without a
    place, some of what is not: most of what is called possible on a film turns out not to be there. Only the 14 are
    guided: a report that came may leave out an own finding that is there, and then no guide may ask for it.
    """
    pair = report_pair(truth, report, indication)
    if pair is None:
        return None
    if report.strip():
        said = [item for item in read_statements(pair[1], possible=True) if item.present]
        likely = {item.observation.finding for item in said if not item.possible}
        guide = Guide(tuple(likely), tuple({item.observation.finding for item in said} - likely))
        return ask_report(indication, guide), pair[1]
    maybe = [item for item in truth.present if item.finding in BY_KEY and rng.random() < MAYBE]
    sure = [item for item in truth.present if item not in maybe]
    absent = sorted(truth.absent & BY_KEY.keys())
    if rng.random() < DOUBTED:
        room = max(0, min(rng.randint(1, MOST_DOUBTS), LONG_REPORT - len(truth.present), len(absent)))
        maybe += map(Observation, rng.sample(absent, room))
    guide = Guide(tuple(item.finding for item in sure if item.finding in BY_KEY), tuple(item.finding for item in maybe))
    denied = [key for key in _list_denied(truth) if key not in guide.possible]
    return ask_report(indication, guide), write_report(sure, denied, possible=maybe)


def own_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    """Questions and answers as they came, without the marks that steer the model; none with too long an answer."""
    cleaned = [(clean(question), clean(answer, len(answer))) for question, answer in pairs]
    return [(question, answer) for question, answer in cleaned if question and 0 < len(answer) <= MAX_TARGET]


def closed_pairs(truth: Truth, rng: random.Random) -> list[Pair]:
    """Every closed question whose answer is known, in the words from which probabilities are read."""
    known = [find_finding(key) for key in truth.known]
    rng.shuffle(known)
    return [(ask_finding(finding), answer_finding(truth, finding)) for finding in known]


Writers = Sequence[tuple[Callable[[Truth, random.Random], Pair | None], float]]  # each with its weight


def free_pairs(truth: Truth, rng: random.Random) -> Iterator[Pair]:
    """Endless other requests about the film: reports, open questions, and some that cannot be answered."""
    writers: Writers = [
        (write_report_pair, 6 if truth.complete else 0),
        (ask_what, 2 if truth.complete else 0),
        (ask_one, 4),
        (ask_place, 3),
        (ask_sided, 1.5),
        (ask_meaning, 1),
        (ask_normal, 0.7 if truth.complete else 0),
        (ask_view, 0.7 if truth.view else 0),
        (ask_outside, 1),
    ]
    return _write_on(writers, truth, rng)


def rehearsed_pairs(truth: Truth, rng: random.Random) -> Iterator[Pair]:
    """Endless requests whose answers no label of the film decides, for labels that are often wrong.

    So few films would be learnt by heart. What there is to learn from them: to follow the guide, in reports without
    places, and how the film was taken.
    """
    writers: Writers = [(rehearse, 6), (ask_view, 2 if truth.view else 0), (ask_meaning, 1), (ask_outside, 1)]
    return _write_on(writers, truth, rng)


def _write_on(writers: Writers, truth: Truth, rng: random.Random) -> Iterator[Pair]:
    names, weights = zip(*writers, strict=True)
    while True:
        pair = rng.choices(names, weights)[0](truth, rng)
        if pair is not None:
            yield pair


def write_report_pair(truth: Truth, rng: random.Random) -> Pair | None:
    """A report, now and then with why the film was taken, mostly with what is likely and possible."""
    indication = rng.choice(INDICATIONS) if rng.random() < INDICATED else ""
    if rng.random() < GUIDED:
        return guide_report(truth, "", indication, rng)
    return report_pair(truth, "", indication)


def rehearse(truth: Truth, rng: random.Random) -> Pair | None:
    """A guided report of findings that chance chose, without places: what the guide says is followed on any film."""
    keys = rng.sample(sorted(BY_KEY), rng.choice(REHEARSED))
    chosen = Truth(tuple(map(Observation, keys)), frozenset(BY_KEY) - set(keys), truth.view)
    return guide_report(chosen, "", rng.choice(INDICATIONS) if rng.random() < INDICATED else "", rng)


def ask_general(truth: Truth, rng: random.Random, own: Collection[str] | None) -> Pair:
    """What hardly depends on the film. `own` as in `write_pairs`."""
    pairs = [*decline(rng), ask_meaning(truth, rng)]
    if truth.view:
        pairs.append(ask_view(truth, rng))
    if own is not None:
        pairs += ask_unlisted(own, rng)
    if truth.complete and own is not None and not own:  # its answer says that nothing else is looked for
        pairs.append(ask_normal(truth, rng))
    return rng.choice(pairs)


def _list_denied(truth: Truth) -> list[str]:
    return [key for key in DENIED if key in truth.absent]
