"""Files become one commit of a repository on the Hub, or a sentence says why not.

Knows nothing about what is in the files.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from httpx import HTTPError
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, HFValidationError
from huggingface_hub.utils import validate_repo_id

from cxr.results import CxrError


@dataclass(frozen=True)
class Destination:
    """A repository of the Hub; without a token huggingface_hub's own rule holds: HF_TOKEN, else who is logged in."""

    name: str
    public: bool = False
    kind: Literal["model", "space"] = "model"
    token: str | None = None


def upload(to: Destination, files: Mapping[str, bytes | Path], replaces: Callable[[str], bool]) -> str:
    """Put files by their path into the repository, made where there is none; the commit's 40 hex digits.

    `replaces` says of a path that is there already and not among the files whether it goes: figures and scales of an
    earlier version must not stand beside new weights. A second call sends only what did not arrive.

    Raises:
        CxrError: the name, the token, the visibility or the connection is not what it must be.
    """
    check_name(to.name)
    try:
        api = HfApi(token=to.token)
        sdk = "gradio" if to.kind == "space" else None
        api.create_repo(to.name, repo_type=to.kind, private=not to.public, exist_ok=True, space_sdk=sdk)
        there = api.space_info(to.name) if to.kind == "space" else api.model_info(to.name)
        check_visibility(to, bool(there.private))
        old = [sibling.rfilename for sibling in there.siblings or () if sibling.rfilename not in files]
        operations: list[CommitOperationAdd | CommitOperationDelete] = [
            *(CommitOperationAdd(path, content) for path, content in files.items()),
            *(CommitOperationDelete(path, is_folder=False) for path in old if replaces(path)),
        ]
        return str(api.create_commit(to.name, operations, commit_message="Upload", repo_type=to.kind).oid)
    except CxrError:
        raise
    # hf_xet and the pool of upload threads say RuntimeError; a bad front matter is a ValueError
    except (HTTPError, OSError, RuntimeError, ValueError) as error:
        raise CxrError(explain(error, to)) from error


def check_name(name: str) -> None:
    """Refuse what is not `owner/name`.

    Raises:
        CxrError: it is not.
    """
    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise CxrError(f"{name} cannot be the name of a repository on the Hub; take owner/name.") from error
    if "/" not in name:
        raise CxrError(f"{name} has no owner; write it as owner/{name}.")


def check_visibility(to: Destination, private: bool) -> None:
    """Refuse a repository that is there already and seen by more or by fewer people than asked for.

    Raises:
        CxrError: what to do.
    """
    if not private and not to.public:
        raise CxrError(f"{to.name} is there already and public; take another name, or make it private in its settings.")
    if private and to.public:
        raise CxrError(
            f"{to.name} is there already and private; make it public in its settings, or leave out --public."
        )


def explain(error: BaseException, to: Destination) -> str:
    """One sentence that helps."""
    answer = next((link for link in walk_causes(error) if isinstance(link, HfHubHTTPError)), None)
    if isinstance(error, ValueError):  # a 400 is one too
        return f"The Hub does not take these files as a {to.kind} ({' '.join(str(error).split())})."
    if answer is None:
        return (
            f"The connection to the Hub was lost before it said that {to.name} is complete ({type(error).__name__}); "
            "run the same command again, which sends only what has not arrived."
        )
    if isinstance(answer, GatedRepoError):
        return f"{to.name} is gated and not yours; ask its owners, or publish under a name of your own."
    status = answer.response.status_code
    if status == 401:
        return "The Hub does not accept the token; set HF_TOKEN to one with write access."
    if status == 403:
        return f"The token may not write to {to.name}; take one with write access there, or a name of your own."
    if status == 404:
        return f"{to.name} was not found on the Hub; check the owner's name and what the token may see."
    return f"The Hub answered {status} for {to.name}; try again later, which sends only what has not arrived."


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was raised from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
