"""Which uploads a call may name, and how they and what visitors were told are forgotten."""

import os
import time
from pathlib import Path

import httpx
import pytest

from cxr.results import CxrError
from cxr.space.desk import Desk
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from cxr.space.uploads import KEPT_SECONDS, SWEPT_EVERY, find_upload, forget_sessions, repeat, sweep
from tests.fakes import fake_reader
from tests.programs import find_port
from tests.space.served import call, mark_file, upload, write_film


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return folder


def age(path: Path, seconds: float) -> None:
    """Make a file look as if nobody had touched it for so long."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_an_upload_is_found_only_among_the_uploads(uploads: Path, tmp_path: Path) -> None:
    inside, outside = uploads / "film", tmp_path / "film"
    for path in (inside, outside):
        path.write_bytes(b"film")
    assert find_upload({"path": str(inside)}) == inside
    (uploads / "link").symlink_to(outside)
    for wrong in (
        {"path": str(outside)},
        {"path": str(uploads / "link")},
        {"path": f"{uploads}/../film"},
        {"path": str(uploads)},
        {"path": f"{inside}\0"},
        {},
        None,
        "film",
    ):
        with pytest.raises(CxrError, match="uploaded file"):
            find_upload(wrong)


def test_one_that_waited_too_long_is_said_to_be_deleted(uploads: Path) -> None:
    with pytest.raises(CxrError, match="has been deleted"):
        find_upload({"path": str(uploads / "0123" / "film")})


def test_originals_are_gone_within_a_minute() -> None:
    assert KEPT_SECONDS + SWEPT_EVERY < 60


def test_only_what_is_old_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "a" / "old", tmp_path / "b" / "new"
    for path in (old, new):
        path.parent.mkdir()
        path.write_bytes(b"film")
    (tmp_path / "a" / "link").symlink_to(new)
    for path in (old, old.parent, new.parent):
        age(path, 3600)
    os.utime(tmp_path / "a" / "link", (1, 1), follow_symlinks=False)
    sweep(tmp_path, 1800)
    assert new.is_file() and not old.exists() and not (tmp_path / "a" / "link").is_symlink()
    age(old.parent, 3600)
    sweep(tmp_path, 1800)
    assert not old.parent.exists() and new.is_file()


def test_an_upload_lives_on_when_another_visitor_uses_the_same(uploads: Path) -> None:
    shared = uploads / "0123" / "film.png"
    shared.parent.mkdir()
    shared.write_bytes(b"film")
    age(shared, KEPT_SECONDS - 1)
    find_upload({"path": str(shared)})
    age(shared.parent, 3600)
    sweep(uploads, KEPT_SECONDS - 2)
    assert shared.is_file()
    age(shared, KEPT_SECONDS + 1)
    sweep(uploads, KEPT_SECONDS)
    assert not shared.exists()


def test_sweeping_starts_at_once_and_goes_on(tmp_path: Path) -> None:
    thread = repeat(lambda: sweep(tmp_path, -1), every=0.05)
    assert thread.daemon
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(b"film")
        deadline = time.monotonic() + 20
        while (tmp_path / name).exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not (tmp_path / name).exists()


def test_what_a_visitor_was_told_is_forgotten_with_its_session(uploads: Path, tmp_path: Path) -> None:
    reader = fake_reader()
    page = build_page(Desk(reader), Shelf(reader.open))
    address = serve(page, {"GRADIO_SERVER_PORT": str(find_port())}, quiet=True)
    try:
        film = mark_file(upload(address, write_film(tmp_path / "film.png", 0.4)))
        config = httpx.get(f"{address}config").json()
        opening = next(each for each in config["dependencies"] if each["api_name"] == "open_upload")
        body = {"data": [film], "fn_index": opening["id"], "session_hash": "one"}
        httpx.post(f"{address}gradio_api/queue/join", json=body)
        httpx.get(f"{address}gradio_api/queue/data", params={"session_hash": "one"}, timeout=60)
        abandoned = httpx.post(f"{address}gradio_api/call/answer", json={"data": [film, "Film named?", None]}).json()[
            "event_id"
        ]
        assert call(address, "answer", film, "This film again?", None)[
            "finished"
        ]  # so the one before has been answered, too

        def told() -> str:
            kept = page.state_holder.session_data["one"].config_values
            return f"{kept}{[*page._queue.pending_messages_per_session[abandoned]._queue]}"

        assert "data:image/jpeg" in told() and "Film named?" in told()
        forget_sessions(page, 3600)
        assert "data:image/jpeg" in told()
        forget_sessions(page, 0)
        assert "data:" not in told() and "Film named?" not in told()
        body["data"] = [mark_file(upload(address, tmp_path / "film.png"))]
        httpx.post(f"{address}gradio_api/queue/join", json=body)  # the session still works
        said = httpx.get(f"{address}gradio_api/queue/data", params={"session_hash": "one"}, timeout=60).text
        assert "data:image/jpeg" in said and '"success":true' in said
    finally:
        page.close(verbose=False)
    assert not list(uploads.rglob("*.jp*g"))  # no picture was ever a file
