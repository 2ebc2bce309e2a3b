"""Which uploads a call may name, and how they and what visitors were told are forgotten."""

import errno
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

import httpx
import pytest

from cxr.results import CxrError
from cxr.space.desk import Desk
from cxr.space.page import build_page
from cxr.space.serving import serve
from cxr.space.shelf import Shelf
from cxr.space.uploads import KEPT_SECONDS, SWEPT_EVERY, Sweeper, find_upload, forget_sessions, repeat, sweep
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


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A program's folder beside that of another."""
    folder = tmp_path / "films-own"
    for name in ("films-own", "films-other"):
        (tmp_path / name / "0123").mkdir(parents=True)
        (tmp_path / name / "0123" / "Muster_Max.png").write_bytes(b"film")
        age(tmp_path / name / "0123" / "Muster_Max.png", 3600)
    return folder


def list_left(own: Path) -> list[str]:
    return sorted(path.parent.parent.name for path in own.parent.glob("films-*/*/*"))


def test_folders_of_ended_programs_are_swept_and_no_others(own: Path) -> None:
    (own.parent / "films-link").symlink_to(own.parent / "kept")
    for name in ("kept", "film"):
        (own.parent / name).mkdir()
        (own.parent / name / "old").write_bytes(b"film")
        age(own.parent / name / "old", 3600)
    Sweeper(own).sweep()
    assert list_left(own) == []
    assert (own.parent / "kept" / "old").is_file() and (own.parent / "film" / "old").is_file()


@pytest.mark.parametrize("of", ["scandir", "lstat", "stat", "unlink", "rmdir"])
def test_what_vanishes_meanwhile_ends_no_sweep(
    own: Path, of: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program that sweeps the same folders is a step ahead everywhere in one of them."""
    stock = getattr(os, of)

    def vanish(path: object, *told: object, **more: object) -> object:
        if "films-other" in os.fsdecode(path):
            raise FileNotFoundError(errno.ENOENT, "gone", path)
        return stock(path, *told, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, of, vanish)
        Sweeper(own).sweep()
    assert "films-own" not in list_left(own) and not caplog.records


@pytest.mark.parametrize("kind", [errno.EACCES, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("of", ["scandir", "unlink"])
def test_what_cannot_be_swept_is_said_once_without_a_name(
    own: Path, of: str, kind: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stock = getattr(os, of)

    def refuse(path: object, *told: object, **more: object) -> object:
        if "films-other" in os.fsdecode(path):
            raise OSError(kind, "no", os.fsdecode(path))
        return stock(path, *told, **more)

    sweeper = Sweeper(own)
    with monkeypatch.context() as patch:
        patch.setattr(os, of, refuse)
        for _ in range(3):
            sweeper.sweep()
    assert list_left(own) == ["films-other"]
    assert [errno.errorcode[kind] in record.getMessage() for record in caplog.records] == [True]
    assert "Muster" not in caplog.text and "films-" not in caplog.text
    sweeper.sweep()  # it was mended
    assert list_left(own) == []


def test_two_programs_that_sweep_the_same_folders_go_on(own: Path, caplog: pytest.LogCaptureFixture) -> None:
    stop, made = time.monotonic() + 3, 0
    with ThreadPoolExecutor(2) as pool:

        def go_on() -> None:
            sweeper = Sweeper(own, -1)
            while time.monotonic() < stop:
                sweeper.sweep()

        running = [pool.submit(go_on) for _ in range(2)]
        while time.monotonic() < stop:
            folder = own.parent / f"films-{made}"
            with suppress(FileNotFoundError):  # swept while it was being made
                (folder / "a" / "b").mkdir(parents=True)
            rmtree(folder, ignore_errors=True)
            made += 1
        for each in running:
            each.result()
    assert made > 1 and not caplog.records


@pytest.mark.parametrize("error", [FileNotFoundError("Muster"), RuntimeError("Muster"), KeyError("Muster")])
def test_what_is_repeated_goes_on_after_an_error_which_is_said_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    done: list[int] = []

    def work() -> None:
        done.append(1)
        raise error

    thread = repeat(work, every=0.01)
    deadline = time.monotonic() + 20
    while len(done) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert thread.is_alive() and len(done) >= 5
    (said,) = [record.getMessage() for record in caplog.records]
    assert type(error).__name__ in said and "Muster" not in said


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
