"""Only what is whole is taken up again."""

from pathlib import Path

from cxr.training.checkpoints import drop_unfinished, find_newest, mark_complete


def make(run: Path, step: int, *, whole: bool) -> Path:
    folder = run / f"checkpoint-{step}"
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    if whole:
        mark_complete(folder)
    return folder


def test_the_newest_is_the_highest_step_that_was_finished(tmp_path: Path) -> None:
    assert find_newest(tmp_path) is None
    make(tmp_path, 9, whole=True)
    ten = make(tmp_path, 10, whole=True)
    half = make(tmp_path, 11, whole=False)
    (tmp_path / "checkpoint-best").mkdir()
    assert find_newest(tmp_path) == ten
    drop_unfinished(tmp_path)
    assert not half.exists() and ten.exists() and (tmp_path / "checkpoint-best").exists()
