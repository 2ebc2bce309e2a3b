"""Results become pictures, sentences, files and HTML."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cxr.films.film import Film
from cxr.findings import BY_KEY, FINDINGS, Level, list_not_looked_for
from cxr.results import Answer, Classification, Manner, Mark, Report, Score, Turn, Verdict
from cxr.space import markup, views
from tests.fakes import BARE_LLAMA, EMBEDDED, fake_reader


@pytest.fixture
def film() -> Film:
    """A ramp: dark on the left, bright on the right."""
    return Film(np.tile(np.linspace(0, 1, 200, dtype=np.float32), (100, 1)), view="PA", warnings=("Something <odd>.",))


@pytest.fixture
def classification(film: Film) -> Classification:
    reader = fake_reader()
    return reader.classify(reader.study(film))


def test_inverting_turns_air_white(film: Film) -> None:
    plain, inverted = (np.asarray(views.render_film(film, views.Look(inverted=flag))) for flag in (False, True))
    assert (plain[:, 0].max(), inverted[:, 0].min()) == (0, 255)


def test_zooming_shows_the_part_around_the_centre_at_full_size(film: Film) -> None:
    right = np.asarray(views.render_film(film, views.Look(zoom=4, across=1.0)))
    assert right.shape == (384, 768)  # a small film is enlarged
    assert right.min() > 0.7 * 255  # only the right quarter is seen


@pytest.mark.parametrize("across", [0.0, 0.3, 1.0])
def test_the_part_never_leaves_the_film(film: Film, across: float) -> None:
    left, top, right, bottom = views.find_part((200, 100), views.Look(3, across, 1 - across))
    assert 0 <= left < right <= 200 and 0 <= top < bottom <= 100
    assert right - left == pytest.approx(200 / 3)


def test_a_click_is_found_again_on_the_film(film: Film) -> None:
    look = views.Look(2, 0.75, 0.5)
    assert views.aim(film, look, 384, 192) == pytest.approx((0.75, 0.5))  # the middle of the picture
    assert views.aim(film, look, 768, 384) == pytest.approx((1.0, 0.75))  # its lower right corner


def test_every_finding_stands_in_clinical_order_with_its_threshold_and_verdict(classification: Classification) -> None:
    page = markup.show_findings(classification, EMBEDDED)
    places = [page.index(f"<summary>{finding.name}<") for finding in FINDINGS]
    assert places == sorted(places)
    assert page.count("Present from 60%, absent below 30%") == 14
    for verdict in Verdict:
        assert f"{markup.SIGNS[verdict]} {verdict.value}" in page
    assert page.count(">30–60%<") == 14


def test_what_is_not_looked_for_is_named_for_all_three_tabs() -> None:
    for missing in list_not_looked_for():
        assert missing in markup.show_scope()


def test_own_findings_stand_below_the_14_with_what_is_said_of_them(film: Film) -> None:
    reader = fake_reader(own_findings=["fracture", "support_devices"])
    result = reader.classify(reader.study(film))
    page = markup.show_findings(result, EMBEDDED)
    heading = page.index("Also learnt by this adapter: a fracture and support devices")
    assert page.index(f"<summary>{FINDINGS[-1].name}<") < heading < page.index("<summary>Fracture<")
    assert page.count("Present from 60%, absent below 30%") == 16 and "Not calibrated" not in page
    assert "14 findings and the calibrated ones below" in page and "training labels" in page
    content = json.loads(views.write_findings_file(result, EMBEDDED))
    assert [score["finding"] for score in content["own"]] == ["fracture", "support_devices"]


def test_without_own_findings_nothing_is_said_of_them(classification: Classification) -> None:
    page = markup.show_findings(classification, EMBEDDED)
    assert "Also learnt" not in page and "14 findings alone" in page


@pytest.mark.parametrize("level", list(Level))
def test_the_level_says_of_what_it_speaks(level: Level) -> None:
    shown = markup.show_findings(Classification((), level, ("Because <b>.",)), EMBEDDED)
    assert level.value in shown and "of these 14" in shown and "Because &lt;b&gt;." in shown
    assert "normal" not in shown.lower()


def test_without_a_calibration_nothing_is_present_or_absent() -> None:
    scores = tuple(Score(finding.key, 0.9) for finding in FINDINGS)
    shown = markup.show_findings(Classification(scores, None, ()), BARE_LLAMA)
    assert "Not fine-tuned, not calibrated" in shown and "90%" in shown
    table = shown[shown.index("<tbody") :]
    assert not any(verdict.value in table for verdict in (Verdict.PRESENT, Verdict.NOT_SURE))
    assert all(level.value not in shown for level in Level)


def test_who_answers_is_named_with_purpose_and_revisions() -> None:
    shown = markup.show_identity(EMBEDDED)
    for text in ("embedded Mllama", "embedded adapter", "01234567", "CPU, float32", "Research and teaching only"):
        assert text in shown
    assert "Llama" not in shown and "Meta" not in markup.show_licence(EMBEDDED)


def test_llama_is_named_where_its_weights_answer() -> None:
    shown = markup.show_identity(BARE_LLAMA)
    assert "Built with Llama" in shown and "Not fine-tuned, not calibrated" in shown
    assert "European Union" in markup.show_licence(BARE_LLAMA)


def test_a_list_keeps_its_own_role_and_its_announcement_stands_around_it() -> None:
    shown = markup.show_notes(["One.", "Two."])
    assert re.fullmatch(r'<div role="status"><ul class="[^"]*">(<li>[^<]*</li>){2}</ul></div>', shown)


def test_no_list_of_the_page_is_given_another_role() -> None:
    for path in Path(markup.__file__).parent.glob("*.py"):
        assert not re.findall(r"<(?:ul|ol|dl|li|table)\b[^>]*\brole=", path.read_text(encoding="utf-8")), path.name


def test_notes_are_escaped_and_absent_where_there_are_none(film: Film) -> None:
    assert "Something &lt;odd&gt;." in markup.show_notes(film.warnings)
    assert markup.show_notes(()) == ""


def test_the_report_file_holds_the_report_its_warnings_and_its_author() -> None:
    report = Report("Findings: a. Impression: b.", "a.", "b.", finished=True, warnings=("Blank.",))
    text = views.write_report_file(report, EMBEDDED).decode()
    assert text.startswith("Findings: a.\n\nImpression: b.")
    assert all(part in text for part in ("Blank.", "Research and teaching only", "embedded adapter"))


def test_a_marked_sentence_keeps_its_reason_in_the_text_and_in_the_file() -> None:
    mark = Mark(10, 19, "doubt", "The classification is not sure of a mass.")
    report = Report("Findings: A <mass>. Impression: b.", "a.", "b.", finished=True, marks=(mark,))
    text = views.write_report_text(report)
    assert text == "Findings: A <mass>. [Doubtful: the classification is not sure of a mass.]\n\nImpression: b."
    assert text in views.write_report_file(report, EMBEDDED).decode()


def test_how_often_an_answer_was_right_stands_beside_each_finding(classification: Classification) -> None:
    shown = markup.show_findings(classification, EMBEDDED)
    assert shown.count("such answers were right</small>") + shown.count("such films had it</small>") == len(FINDINGS)
    assert "was counted on the 193 NIH films it was tested on" in shown
    assert "In the 193 NIH films it was tested on, " in shown
    bare = replace(classification, scores=tuple(replace(score, tested=None) for score in classification.scores))
    assert "<small>" not in markup.show_findings(bare, EMBEDDED)


def test_the_findings_file_holds_what_the_endpoint_gives(classification: Classification) -> None:
    content = json.loads(views.write_findings_file(classification, EMBEDDED))
    assert [score["finding"] for score in content["scores"]] == [finding.key for finding in FINDINGS]
    assert content["answered_by"]["adapter"] == "embedded adapter"


def test_a_chat_becomes_finished_turns() -> None:
    chat = [
        {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
        {"role": "assistant", "content": "So."},
        {"role": "user", "content": "Left?"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "Stop"},
    ]
    assert views.read_turns(chat) == (Turn("Why?", "So."),)


def test_what_is_written_in_a_chat_is_read_back_letter_by_letter() -> None:
    text = "Is <b>a</b> & b > 5 mm &lt;?"
    assert "<" not in views.write_chat_text(text)
    chat = [{"role": role, "content": views.write_chat_text(text)} for role in ("user", "assistant")]
    assert views.read_turns(chat) == (Turn(text, text),)


def test_a_film_is_described_with_its_view_and_side(film: Film) -> None:
    assert "200 × 100 px" in views.describe_film(film) and "PA" in views.describe_film(film)
    assert "patient's left is on the right" in views.describe_film(film)


def test_a_side_view_has_no_left_and_right(film: Film) -> None:
    assert "left" not in views.describe_film(replace(film, view="lateral"))
    assert "frontal" in views.describe_film(replace(film, view=None))


def test_the_summary_names_what_is_present_and_nothing_where_nothing_is_calibrated(
    classification: Classification,
) -> None:
    shown = markup.show_summary(classification)
    present = [s.finding for s in classification.scores if s.verdict is Verdict.PRESENT]
    assert present and all(BY_KEY[key].name in shown for key in present)
    assert markup.show_summary(replace(classification, level=None)) == ""


def test_the_chat_says_how_a_question_was_met_and_the_model_hears_only_the_answer() -> None:
    answer = Answer(
        "No <mass>.\nNone.", True, ("It is odd.",), Manner.CORRECTED, "No <mass>.", "None.", "Is there a mass?"
    )
    shown = views.write_answer(answer)
    assert shown.startswith("Corrected:\nNo &lt;mass&gt;.")
    assert "Note: It is odd." in shown and 'Understood as: "Is there a mass?"' in shown
    messages = [{"role": "user", "content": "any mass"}, {"role": "assistant", "content": shown}]
    assert views.read_turns(messages) == (Turn("any mass", "No <mass>.\nNone."),)
    assert views.write_answer(Answer("A PA view.", True)) == "A PA view."


def test_plain_words_are_a_list_on_the_page_and_stand_in_the_file() -> None:
    report = Report("Findings: A. Impression: A.", "A.", "A.", True, plain="A <b> (x).\nNo c (y).")
    assert markup.show_plain(report.plain).count("<li>") == 2 and "&lt;b&gt;" in markup.show_plain(report.plain)
    assert "In plain words:\nA <b> (x).\nNo c (y)." in views.write_report_file(report, EMBEDDED).decode()
