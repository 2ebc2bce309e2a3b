"""The repository becomes a Gradio Space, private unless asked.

Through the Hub's API, because a Space's plain git refuses binaries:

    HF_TOKEN=... python -m cxr.training.space OWNER/NAME [--public]

Knows nothing about what the files do.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml
from huggingface_hub.repocard import metadata_load
from huggingface_hub.utils import filter_repo_objects

from cxr.results import CxrError
from cxr.training.upload import Destination, upload

ROOT = Path(__file__).resolve().parents[2]
# Never uploaded, whatever a .gitignore says: data, what came out of them, and secrets.
LEFT_OUT = (".git/", "data/", "outputs/", ".env*", "*/.env*")
FILMS = {".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp"}
DRAWN = {"examples", "docs"}  # the folders whose pictures are drawn films and screenshots
KEPT = {".gitattributes"}  # the Hub's own


def upload_space(root: Path, name: str, token: str | None = None, public: bool = False) -> str:
    """Upload the repository's files as the Space `owner/name`; the commit's 40 hex digits.

    Files of an earlier upload that are gone here go there, too.

    Raises:
        CxrError: git tracks no file here, this is no Gradio Space, there is a film among the files, or the Hub says no.
    """
    files = list_files(root)
    check_front_matter(root, files)
    check_films(files)
    content: dict[str, bytes | Path] = {path: root / path for path in files}
    return upload(Destination(name, public, "space", token), content, lambda path: path not in KEPT)


def list_files(root: Path) -> list[str]:
    """The files that git tracks, by their path; nobody has looked at others, which may be anything.

    Raises:
        CxrError: git tracks none.
    """
    try:
        done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)  # noqa: S607
        tracked = [path for path in done.stdout.split("\0") if path] if done.returncode == 0 else []
    except OSError:  # no git here
        tracked = []
    if not tracked:
        raise CxrError("Only files that git tracks are uploaded, and it tracks none here: start from a git clone.")
    ignored = [*LEFT_OUT, *(f"{start}{pattern}" for pattern in read_ignored(root) for start in ("", "*/"))]
    return sorted(path for path in filter_repo_objects(tracked, ignore_patterns=ignored) if (root / path).is_file())


def read_ignored(root: Path) -> list[str]:
    """The patterns of .gitignore, of which this repository's are plain names."""
    path = root / ".gitignore"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [line.strip().lstrip("/") for line in lines if line.strip() and not line.startswith("#")]


def check_front_matter(root: Path, files: Sequence[str]) -> None:
    """Refuse a README that does not describe a Gradio Space.

    Raises:
        CxrError: what is wrong.
    """
    try:
        front = metadata_load(root / "README.md") or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise CxrError(f"README.md has no front matter that can be read ({type(error).__name__}).") from error
    if front.get("sdk") != "gradio" or not front.get("sdk_version"):
        raise CxrError(
            "README.md does not describe a Gradio Space: its front matter needs sdk: gradio and sdk_version."
        )
    if front.get("app_file") not in files:
        raise CxrError(f"README.md names {front.get('app_file')} as the app, which is not among the files.")


def check_films(files: Sequence[str]) -> None:
    """Refuse pictures outside the folders of drawn ones: a film of a patient must not be uploaded.

    Raises:
        CxrError: there is one.
    """
    films = [path for path in files if Path(path).suffix.lower() in FILMS and path.split("/")[0] not in DRAWN]
    if films:
        raise CxrError(f"{films[0]} may be a film of a patient; pictures are uploaded from {' and '.join(DRAWN)} only.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Upload, and say where the Space is."""
    parser = argparse.ArgumentParser(prog="python -m cxr.training.space", description=__doc__.partition("\n")[0])
    parser.add_argument("name", metavar="OWNER/NAME")
    parser.add_argument("--public", action="store_true", help="for everybody to see; otherwise the Space is private")
    options = parser.parse_args(arguments)
    try:
        commit = upload_space(ROOT, options.name, os.environ.get("HF_TOKEN"), options.public)
    except CxrError as error:
        sys.exit(str(error))
    sys.stdout.write(f"https://huggingface.co/spaces/{options.name} is at {commit}\n")


if __name__ == "__main__":
    main()
