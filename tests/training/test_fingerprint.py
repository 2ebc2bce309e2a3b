"""The fingerprint of data: another one where anything changes that rows depend on, else the same."""

from pathlib import Path

from cxr.training.data import DataOptions
from cxr.training.fingerprint import fingerprint


def test_a_broken_link_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    before = fingerprint(str(tmp_path), DataOptions(), tmp_path / "rows")
    (tmp_path / "films" / "gone").symlink_to(tmp_path / "nowhere")
    assert fingerprint(str(tmp_path), DataOptions(), tmp_path / "rows") == before
    (tmp_path / "films" / "new.png").touch()
    assert fingerprint(str(tmp_path), DataOptions(), tmp_path / "rows") != before
