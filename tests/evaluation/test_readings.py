"""A film is encoded once, and everything is said by the reader that serves."""

import json

import numpy as np

from cxr.evaluation.answers import write_exchanges
from cxr.evaluation.films import Case
from cxr.evaluation.readings import classify_cases, collect_outcome, describe_film, read_cases
from cxr.findings import FINDINGS
from cxr.prompts import ask_report
from cxr.reader import Reader
from tests.fakes import BARE_LLAMA, FakeEngine, fake_reader
from tests.tiny import noise_film, tiny_engine

KEYS = tuple(finding.key for finding in FINDINGS)


def case(seed: int = 0) -> Case:
    return Case(
        noise_film(seed),
        f"p{seed}",
        frozenset({"mass", "tuberculosis"}),
        frozenset({"hernia"}),
        name=f"{seed}.png",
        report="Findings: A mass. Impression: Mass.",
        indication="cough",
        pairs=(("What view is this?", "PA"),),
    )


def test_one_encoding_a_film_is_all() -> None:
    reader = fake_reader(BARE_LLAMA)
    engine: FakeEngine = reader.engine  # type: ignore[assignment]
    list(read_cases(reader, [case(0), case(1)]))
    assert engine.encodings == 2


def test_a_reading_holds_what_was_said_and_what_is_true() -> None:
    reader = fake_reader(BARE_LLAMA)
    (reading,) = read_cases(reader, [case()])
    study = reader.study(case().film)
    assert (reading.name, reading.patient, reading.keys) == ("0.png", "p0", KEYS)
    assert [key for key, mark in zip(KEYS, reading.truth, strict=True) if mark == 1] == ["mass"]
    assert [key for key, mark in zip(KEYS, reading.truth, strict=True) if mark == 0] == ["hernia"]
    assert reading.probabilities == tuple(score.probability for score in reader.classify(study).scores)
    assert reading.reference == case().report and reading.report.endswith(ask_report("cough"))
    assert [item.question for item in reading.exchanges] == [item.question for item in write_exchanges(case())]
    plain = ""
    for item in reading.exchanges:  # this reader was not taught to look for tuberculosis
        plain = item.question if item.kind == "plain" else plain
        put = plain if item.kind == "negated" else item.question  # what is turned round is put to the model plainly
        declined = "tuberculosis" in item.question
        assert item.answer.startswith("I do not look for") if declined else item.answer.endswith(put)


def test_own_findings_are_asked_and_compared_too() -> None:
    engine: object = FakeEngine()
    reader = Reader(engine, BARE_LLAMA, None, ["tuberculosis"])  # type: ignore[arg-type]
    readings = list(read_cases(reader, [case(0), case(1)]))
    outcome = collect_outcome(readings)
    assert outcome.keys == (*KEYS, "tuberculosis") and outcome.truth.shape == (2, 15) == outcome.probabilities.shape
    assert outcome.truth[:, -1].tolist() == [1, 1] and outcome.patients.tolist() == ["p0", "p1"]


def test_a_real_engine_says_the_same_about_the_findings_with_and_without_the_texts() -> None:
    reader = Reader(tiny_engine(), BARE_LLAMA, None)
    silent = Case(noise_film(), "p", frozenset(), frozenset())  # an untrained model does not stop: one text is enough
    (quick,), (whole,) = classify_cases(reader, [silent]), read_cases(reader, [silent])
    np.testing.assert_array_equal(quick.probabilities, whole.probabilities)
    assert (quick.report, whole.exchanges) == ("", ()) and whole.report and quick.truth == (-1,) * 14


def test_a_line_holds_the_truth_once_and_every_reader() -> None:
    (reading,) = read_cases(fake_reader(BARE_LLAMA), [case()])
    line = json.loads(json.dumps(describe_film({"base": reading, "adapter": reading})))
    assert line["truth"]["mass"] == "present" and line["truth"]["hernia"] == "absent"
    assert line["truth"]["edema"] == "unknown" and line["film"] == "0.png" and line["patient"] == "p0"
    assert line["base"] == line["adapter"] and line["base"]["report"] == reading.report
    assert line["base"]["answers"][0] == {
        "question": "What view is this?",
        "reference": "PA",
        "kind": "data",
        "answer": reading.exchanges[0].answer,
    }
