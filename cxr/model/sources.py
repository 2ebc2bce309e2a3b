"""Where models lie: a folder, or a Hub repository at one commit. Knows nothing about what is in the files."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from cxr.results import CxrError

FILES = ["*.json", "*.safetensors", "*.jinja", "tokenizer.model"]  # nothing that can run code is ever fetched


@dataclass(frozen=True)
class Source:
    """Files on disk and where they came from."""

    folder: Path
    name: str
    revision: str | None  # the Hub's commit, or what the weights hash to; None for other folders


def fetch(name: str, revision: str | None, token: str | None) -> Source:
    """A folder as it is, or a Hub repository's files at one commit.

    Raises:
        CxrError: what is wrong with the repository, and what to do.
    """
    if Path(name).is_dir():
        if revision:
            raise CxrError(f"{name} is a folder, which has no revisions; leave the revision empty.")
        return Source(Path(name), name, None)
    if means_folder(name):
        raise CxrError(
            f"There is no folder {name}; the Hub is not asked for a name that begins like a folder of this machine."
        )
    try:
        folder = Path(snapshot_download(name, revision=revision, token=token, allow_patterns=FILES))
    except GatedRepoError as error:
        raise CxrError(f"{name} is gated: accept its terms on the Hub and set HF_TOKEN to a read token.") from error
    except RevisionNotFoundError as error:
        raise CxrError(f"{name} has no revision {revision}.") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise CxrError(f"{name} was not found on the Hub; if it is private, set HF_TOKEN to a read token.") from error
    except (HfHubHTTPError, OSError) as error:  # the library's word for an unreachable Hub is an OSError too
        raise CxrError(f"{name} could not be fetched from the Hub ({type(error).__name__}).") from error
    return Source(folder, name, folder.name)


def means_folder(name: str) -> bool:
    """Whether a name that no folder has is meant for one: it is written as a path, or lies in a folder that is here.

    A path of Windows is one, too, and so is one with more parts than a name on the Hub has.

    Then it is nobody else's business, the Hub's least of all.
    """
    parent = Path(name).parent
    return is_path(name) or (parent != Path() and parent.is_dir())


def is_path(name: str) -> bool:
    """Whether a name is written as a path of some machine, and not as owner/name on the Hub."""
    return (
        name.startswith((".", "/", "~"))
        or "\\" in name
        or re.match("[A-Za-z]:", name) is not None
        or name.count("/") > 1
    )


def hash_weights(folder: Path) -> str:
    """The sha256 of a folder's weights, in place of the commit that they do not have of their own."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def read_json(path: Path) -> dict[str, object]:
    """The object in a JSON file; an empty one where there is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}
