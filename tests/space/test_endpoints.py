"""The public endpoints over HTTP and MCP, as a program meets them."""

import base64
import io
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from cxr.findings import FINDINGS
from cxr.prompts import MAX_ANSWER, MAX_QUESTION, MAX_TURNS
from cxr.questions import reading
from cxr.results import CxrError, Turn
from cxr.space.door import TOO_MANY
from cxr.space.endpoints import read_history
from cxr.space.faults import GENERAL
from tests.space.served import call, call_mcp, mark_file, serve_fake, upload, write_bad_files, write_dicom, write_film

TASKS = ("classify", "caption", "answer", "locate")
CHECKS = ("check_film", "check_sides")
ASKED = {"answer": ["Why?"], "locate": ["effusion"]}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_fake(tmp_path_factory.mktemp("page")) as address:
        yield address


@pytest.fixture(scope="module")
def client(address: str) -> Client:
    return Client(address, verbose=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("films") / "film.png", 0.4)


def test_classify_gives_14_probabilities_and_who_gave_them(client: Client, film: Path) -> None:
    result = client.predict(handle_file(film), api_name="/classify")
    assert [score["finding"] for score in result["scores"]] == [finding.key for finding in FINDINGS]
    assert all(0 <= score["probability"] <= 1 and score["verdict"] for score in result["scores"])
    assert result["level"] and result["answered_by"]["base"] == "embedded Mllama"
    assert result["own"] == []  # this adapter was taught nothing beside the 14


def test_caption_uses_the_indication(client: Client, film: Path) -> None:
    result = client.predict(handle_file(film), "cough", api_name="/caption")
    assert result["finished"] and result["findings"] == "shade 40." and "Indication: cough." in result["impression"]


def test_caption_needs_no_indication(client: Client, film: Path) -> None:
    assert client.predict(handle_file(film), api_name="/caption")["findings"] == "shade 40."


def test_answer_knows_the_earlier_turns(client: Client, film: Path) -> None:
    history = [{"question": "What is this?", "answer": "A film."}]
    assert (
        client.predict(handle_file(film), "And now?", history, api_name="/answer")["text"]
        == "Shade 40, question 2: And now?"
    )


def test_the_findings_are_checked_against_a_blank_film(client: Client, film: Path) -> None:
    result = client.predict(handle_file(film), api_name="/check_film")
    assert [check["asked"] for check in result["checks"]] == [finding.key for finding in FINDINGS]
    for check in result["checks"]:  # this film is of shade 40, the blank one of shade 50
        assert check["depends"] is not ("barely" in check["sentence"])
        assert check["probability"] != check["blank_probability"]
    assert result["answered_by"]["base"] == "embedded Mllama"


def test_an_answer_is_checked_with_its_earlier_turns(client: Client, film: Path) -> None:
    history = [{"question": "What is this?", "answer": "A film."}]
    (check,) = client.predict(handle_file(film), "And now?", history, api_name="/check_film")["checks"]
    assert check["answer"] == "Shade 40, question 2: And now?" and check["blank_answer"].startswith("Shade 50, quest")


def test_sides_are_checked_on_the_mirrored_film(client: Client, film: Path) -> None:
    checks = client.predict(handle_file(film), api_name="/check_sides")["checks"]
    assert checks and all(check["sure"] and check["side"] != check["mirrored_side"] for check in checks)


def test_what_cannot_be_answered_is_declined_in_a_way_that_programs_see(client: Client, film: Path) -> None:
    reply = client.predict(handle_file(film), "Should I go to hospital?", api_name="/answer")
    assert reply["manner"] == "declined" and reply["reason"] and reply["step"] and "Shade" not in reply["text"]
    reply = client.predict(handle_file(film), "whats a mass", api_name="/answer")
    assert reply["manner"] == "explained" and "3 cm" in reply["text"]
    reply = client.predict(handle_file(film), "any mass pls", api_name="/answer")
    assert reply["manner"] in ("classified", "not sure") and "a mass" in reply["text"] and "%" in reply["text"]
    reply = client.predict(handle_file(film), "pa or ap pls", api_name="/answer")
    assert reply["manner"] == "answered" and reply["asked"] == "What view is this?"


def test_a_report_comes_in_plain_words_too(client: Client, film: Path) -> None:
    assert client.predict(handle_file(film), "a mass", api_name="/caption")["plain"].startswith("A mass (a spot")


def test_a_dicom_without_an_extension_is_read(client: Client, tmp_path: Path) -> None:
    assert len(client.predict(handle_file(write_dicom(tmp_path / "IM0001")), api_name="/classify")["scores"]) == 14


def test_locate_gives_a_map_of_the_films_size_with_what_it_means(client: Client, film: Path) -> None:
    result = client.predict(handle_file(film), "effusion", api_name="/locate")
    kind, _, content = result["map"].partition(",")
    greys = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert kind == "data:image/png;base64" and greys.shape == np.asarray(Image.open(film)).shape
    assert greys[-1, -1] == 255 and greys[0].max() == 0
    assert result["place"].startswith("in the lower third, on the right of the picture, which is the patient's left")
    assert "not where disease is" in result["note"] and "unproven on real films" in result["note"]
    assert result["scores"][0]["finding"] == "effusion" and result["answered_by"]["base"] == "embedded Mllama"


def test_locate_knows_its_findings(client: Client, film: Path) -> None:
    with pytest.raises(AppError, match="pneumothorax, effusion"):
        client.predict(handle_file(film), "a broken rib", api_name="/locate")


@pytest.mark.parametrize("name", ["text.txt", "nothing", "truncated.dcm", "huge.png"])
@pytest.mark.parametrize("task", TASKS)
def test_what_is_no_film_gets_a_sentence(client: Client, tmp_path: Path, name: str, task: str) -> None:
    more = ASKED.get(task, [])
    with pytest.raises(AppError) as caught:
        client.predict(handle_file(write_bad_files(tmp_path)[name]), *more, api_name=f"/{task}")
    sentence = str(caught.value)
    assert sentence.rstrip().endswith(".") and len(sentence.split()) > 3
    assert GENERAL not in sentence and "/" not in sentence and "Error" not in sentence


def test_what_breaks_inside_says_nothing_of_what_was_sent(
    client: Client, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(AppError, match=GENERAL[:20]):
        client.predict(handle_file(film), "please halt this film", api_name="/answer")
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text and "please halt this film" not in caplog.text and "film.png" not in caplog.text


def test_files_of_this_machine_cannot_be_named(address: str) -> None:
    assert "uploaded" in call(address, "classify", {"path": str(Path(__file__).resolve())})["error"]


def test_two_visitors_with_the_same_film_both_get_it_read(address: str, tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.png", 0.4)
    first, second = (upload(address, film) for _ in range(2))
    assert first == second  # Gradio names it by its content
    for path in (first, second):
        assert call(address, "classify", mark_file(path))["level"]


@pytest.mark.parametrize("data", [[], [{"path": "x"}], [5, "Why?", None], ["Muster^Max.png"]])
def test_a_call_that_lacks_something_is_not_written_down(
    address: str, data: list[object], capfd: pytest.CaptureFixture[str]
) -> None:
    assert call(address, "answer", *data)["error"].endswith(".")
    said = capfd.readouterr()
    assert "Muster" not in said.err + said.out and "Traceback" not in said.err + said.out


@pytest.mark.parametrize("indication", [5, [], {}])
def test_an_indication_is_a_text(address: str, film: Path, indication: object) -> None:
    reply = call(address, "caption", mark_file(upload(address, film)), indication)
    assert reply["error"] == "The indication must be a text."


def test_no_call_goes_past_the_queue(address: str) -> None:
    assert httpx.post(f"{address}gradio_api/run/classify", json={"data": []}).status_code == 404


def test_a_history_has_questions_and_answers() -> None:
    assert read_history([{"question": "a", "answer": "b"}]) == (Turn("a", "b"),)
    assert read_history(None) == ()
    for wrong in ("text", [["a", "b"]], [{"question": "a"}], [{"question": 1, "answer": "b"}]):
        with pytest.raises(CxrError):
            read_history(wrong)


def test_of_a_long_history_the_latest_turns_are_kept_and_cut() -> None:
    rows = [{"question": f"{number} " * 1000, "answer": "b" * 100_000} for number in range(1000)]
    turns = read_history([5, *rows])
    assert [turn.question.split()[0] for turn in turns] == [str(number) for number in range(1000 - MAX_TURNS, 1000)]
    assert all(len(turn.question) <= MAX_QUESTION and len(turn.answer) <= MAX_ANSWER for turn in turns)


MEGABYTE = 900_000 // 5 * "wrgh "
LONG = {
    "question": [{"question": MEGABYTE, "answer": "x"}],
    "answer": [{"question": "Is it?", "answer": MEGABYTE}],
    "turns": [{"question": MEGABYTE[:900], "answer": "x"}] * 900,
}


@pytest.mark.parametrize("kind", LONG)
@pytest.mark.parametrize("over", ["HTTP", "MCP"])
def test_a_megabyte_of_history_keeps_nobody_waiting(
    address: str, film: Path, kind: str, over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """100 kB took 5.5 s of a core in which nobody else was served."""
    read: list[str] = []
    stock = reading.repair_spelling
    monkeypatch.setattr(reading, "repair_spelling", lambda text, kept=(): (read.append(text), stock(text, kept))[1])
    began = time.monotonic()
    if over == "HTTP":
        reply = str(call(address, "answer", mark_file(upload(address, film)), "How big is it?", LONG[kind]))
    else:
        content = f"data:image/png;base64,{base64.b64encode(film.read_bytes()).decode()}"
        given = {"film_file": content, "question": "How big is it?", "history": LONG[kind]}
        reply = call_mcp(address, "answer", given)
    assert "How big is it?" in reply and "hade 40" in reply
    assert 0 < sum(map(len, read)) <= 2 * MAX_QUESTION
    assert time.monotonic() - began < 20  # at the former pace a megabyte took 50 s


def test_a_question_of_a_megabyte_is_cut_before_it_is_read(address: str, film: Path) -> None:
    reply = call(address, "answer", mark_file(upload(address, film)), f"Is there a mass? {MEGABYTE}", None)
    assert len(reply["text"]) < 2000


@pytest.mark.parametrize("over", ["HTTP", "MCP"])
def test_a_history_of_too_many_turns_is_refused_in_a_sentence(address: str, film: Path, over: str) -> None:
    rows = [{"question": "a", "answer": "b"}] * 2000
    if over == "HTTP":
        assert TOO_MANY in call(address, "answer", mark_file(upload(address, film)), "Why?", rows)["error"]
    else:
        assert TOO_MANY in call_mcp(address, "answer", {"question": "Why?", "history": rows})


def test_two_clients_at_once_get_their_own_film(address: str, tmp_path: Path) -> None:
    shades = (0.25, 0.65)
    films = [write_film(tmp_path / f"{shade}.png", shade) for shade in shades]
    clients = [Client(address, verbose=False) for _ in films]

    def ask(number: int) -> str:
        which = number % 2
        return str(
            clients[which].predict(handle_file(films[which]), f"Film number {number}?", api_name="/answer")["text"]
        )

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(12)))
    assert answers == [
        f"Shade {round(shades[number % 2] * 100)}, question 1: Film number {number}?" for number in range(12)
    ]


def test_only_the_tasks_and_checks_are_public_typed_and_documented(client: Client) -> None:
    endpoints = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(endpoints) == {f"/{task}" for task in (*TASKS, *CHECKS)}
    names = [[given["parameter_name"] for given in endpoints[f"/{task}"]["parameters"]] for task in (*TASKS, *CHECKS)]
    asked = ["film_file", "question", "history"]
    own = [["film_file"], ["film_file", "indication"], asked, ["film_file", "finding"], asked, ["film_file"]]
    assert names == [[*each, "read_anyway"] for each in own]
    assert all(endpoint["parameters"][0]["python_type"]["type"] == "filepath" for endpoint in endpoints.values())


def test_the_same_are_tools_over_mcp(address: str) -> None:
    tools = {tool["name"]: tool for tool in httpx.get(f"{address}gradio_api/mcp/schema").json()}
    assert set(tools) == {*TASKS, *CHECKS}
    for tool in tools.values():
        assert "not a medical device" in tool["description"]
        assert all(given.get("description") for given in tool["inputSchema"]["properties"].values())


def test_nothing_is_kept_or_shown_beside_the_page(address: str) -> None:
    assert httpx.get(f"{address}monitoring").status_code in (403, 404)
    assert httpx.get(f"{address}gradio_api/runs").status_code == 404


def test_an_upload_beyond_64_mb_is_refused(address: str) -> None:
    reply = httpx.post(f"{address}gradio_api/upload", files={"files": ("large", bytes(65 << 20))}, timeout=60)
    assert reply.status_code == 413
