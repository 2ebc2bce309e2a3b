"""Fine-tune an adapter, evaluate it, merge it, publish it.

    python train.py sft --data FOLDER --out outputs/run1 [--config configs/sft.yaml] [--push_to_hub OWNER/NAME]
    python train.py evaluate --data FOLDER --adapter outputs/run1 [--split test]
    python train.py merge --adapter outputs/run1/adapter --merged FOLDER
    python train.py push --run outputs/run1 --push_to_hub OWNER/NAME

Each command lists its options with --help, and takes them from a file as well: --config FILE.yaml.
"""

import argparse
import contextlib
import logging
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for name in ("HF_HUB_DISABLE_TELEMETRY", "DISABLE_TELEMETRY"):
    os.environ.setdefault(name, "1")  # nothing reports to anywhere


def names_unsloth(arguments: Sequence[str]) -> bool:
    """Whether the command line, or else the file of --config, asks for that engine."""
    told = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    told.add_argument("--engine")
    told.add_argument("--config", type=Path)
    known, _ = told.parse_known_args(arguments)
    if known.engine or known.config is None or not known.config.is_file():
        return bool(known.engine == "unsloth")
    try:
        text = known.config.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):  # said when all options are read
        return False
    return re.search(r"(?m)^engine:\s*['\"]?unsloth\b", text) is not None


if "sft" in sys.argv[1:2] and names_unsloth(sys.argv[2:]):
    with contextlib.suppress(ImportError, NotImplementedError, RuntimeError):  # what is missing is said later
        import unsloth  # noqa: F401  # it changes transformers, so it comes before it

import yaml
from trl import TrlParser

from cxr.results import CxrError
from cxr.training.assess import AssessOptions, evaluate
from cxr.training.data import DataOptions, detect_kind
from cxr.training.finetune import finetune
from cxr.training.index import Indexes
from cxr.training.merge import MergeOptions, merge
from cxr.training.options import SftOptions, choose
from cxr.training.publish import PublishOptions, check_request, publish
from cxr.training.student import choose_base

VALIDATION = 400  # films on which a run that is published at once is calibrated and measured


@dataclass
class PushOptions:
    """What to publish."""

    run: str = choose("outputs/run1", "the run's folder")


def parse(kinds: Any, arguments: Sequence[str]) -> tuple[Any, ...]:
    """One object a kind of options, from the command line and from --config.

    Raises:
        CxrError: the file of --config cannot be read, or an option has a value of the wrong kind.
    """
    try:
        return tuple(TrlParser(kinds).parse_args_and_config(list(arguments)))
    except OSError as error:
        raise CxrError(f"{error.filename} cannot be read ({error.strerror}).") from error
    except (ValueError, yaml.YAMLError) as error:
        unknown = re.match(r"(?:Some specified|Unknown) arguments .*?\['-*([\w-]+)'", str(error))  # trl's words
        if unknown:
            raise CxrError(f"There is no option --{unknown[1]}; --help lists all that there are.") from error
        raise CxrError(f"The options cannot be read: {' '.join(str(error).split())}") from error


def run_sft(arguments: Sequence[str]) -> None:
    """Train; where a name is given, calibrate and measure on validation films, and publish."""
    sft, data, push = parse((SftOptions, DataOptions, PublishOptions), arguments)

    def check(indexes: Indexes) -> None:
        check_push(sft, data, push, indexes)

    adapter = finetune(sft, data, check if push.push_to_hub else None)
    if sft.dry_run or int(os.environ.get("RANK", "0")) != 0:
        return
    if push.push_to_hub:
        assess = AssessOptions(
            adapter=str(adapter), base=sft.base, base_revision=sft.base_revision, split="val", limit=VALIDATION
        )
        assess.calibrate = True
        sys.stdout.write(evaluate(assess, data) + "\n")
        sys.stdout.write(publish(Path(sft.out), push.push_to_hub, push) + "\n")


def check_push(sft: SftOptions, data: DataOptions, push: PublishOptions, indexes: Indexes) -> None:
    """Refuse before a run is trained what it could not be published for.

    Raises:
        CxrError: why.
    """
    if not len(indexes.val):
        raise CxrError(
            "A run that is published at once is measured on validation films, and there are none; give some the split "
            "val, or leave out --push_to_hub."
        )
    check_request(push.push_to_hub, choose_base(sft.base), detect_kind(data.data), list(indexes.own_findings), push)


def run_evaluate(arguments: Sequence[str]) -> None:
    """Measure base and adapter side by side, and print the table."""
    options, data = parse((AssessOptions, DataOptions), arguments)
    sys.stdout.write(evaluate(options, data) + "\n")


def run_merge(arguments: Sequence[str]) -> None:
    """Write base and adapter as one model."""
    (options,) = parse((MergeOptions,), arguments)
    merge(options)


def run_push(arguments: Sequence[str]) -> None:
    """Publish a run, and print the commit.

    Raises:
        CxrError: no name is given, or the run cannot be published, and why.
    """
    options, push = parse((PushOptions, PublishOptions), arguments)
    if not push.push_to_hub:
        raise CxrError("The adapter needs a name on the Hub: give --push_to_hub owner/name.")
    sys.stdout.write(publish(Path(options.run), push.push_to_hub, push) + "\n")


COMMANDS = {"sft": run_sft, "evaluate": run_evaluate, "merge": run_merge, "push": run_push}


def main(arguments: Sequence[str]) -> None:
    """Run one command; what a user can mend ends it with one sentence."""
    if arguments[:1] in (["-h"], ["--help"]):
        sys.stdout.write(__doc__)
        return
    if not arguments or arguments[0] not in COMMANDS:
        sys.exit(__doc__)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for loud in ("httpx", "httpcore", "huggingface_hub"):
        logging.getLogger(loud).setLevel(logging.WARNING)
    try:
        COMMANDS[arguments[0]](arguments[1:])
    except CxrError as error:
        # A process that opens films hands its error over with a traceback before the sentence.
        sys.exit(str(error).strip().rpartition("CxrError: ")[2])


if __name__ == "__main__":
    main(sys.argv[1:])
