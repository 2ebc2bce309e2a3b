"""A run becomes an adapter on the Hub: private unless asked, from an allow-list, in one last commit with our card.

    python train.py push --run outputs/run1 --push_to_hub OWNER/NAME

Knows nothing about how the run was made.
"""

import json
import logging
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from cxr.findings import BY_KEY
from cxr.model.bases import EMBEDDED_NAME, is_llama, spell_base
from cxr.model.calibration import FILE as CALIBRATION
from cxr.model.gate import FILE as GATE
from cxr.model.map_head import FILE as MAPS
from cxr.model.recorded import CONFIG
from cxr.model.sources import read_json
from cxr.results import CxrError
from cxr.training.card import DATASETS, NOTICE, CardFacts, write_card
from cxr.training.disclosure import keep_metrics, keep_options
from cxr.training.release import (
    ADAPTER,
    AS_THEY_ARE,
    CONFIGS,
    WEIGHTS,
    check_own_keys,
    collect_adapter,
    find_paths,
    list_own_findings,
)
from cxr.training.upload import Destination, check_name, upload

logger = logging.getLogger(__name__)

CARD, METRICS, LICENCE, NOTICE_FILE = "README.md", "metrics.json", "LICENSE.txt", "NOTICE"
FITTED = {ADAPTER, WEIGHTS, CONFIG, CALIBRATION, GATE, MAPS}
ALLOWED = {*FITTED, *CONFIGS, *AS_THEY_ARE, CARD, METRICS, LICENCE, NOTICE_FILE}
LLAMA_LICENCE = Path(__file__).with_name("llama-3.2-license.txt")  # a copy must go with the weights
OPEN_DATA = {"chestxray14"}  # what may be used without restriction; all other data are somebody's to decide on
ACKNOWLEDGEMENT = "I may publish weights trained on these data, and nothing in them can be traced to a patient."


@dataclass
class PublishOptions:
    """Where the adapter goes, and who may see it. The token comes from HF_TOKEN."""

    push_to_hub: str = field(default="", metadata={"help": "owner/name on the Hub; empty: nothing is published"})
    public: bool = field(default=False, metadata={"help": "for everybody to see; otherwise the repository is private"})
    acknowledge: str = field(
        default="", metadata={"help": f'for --public with any but open data the sentence "{ACKNOWLEDGEMENT}"'}
    )
    base_name: str = field(
        default="", metadata={"help": "the base's name on the Hub, where the run was given a folder"}
    )
    findings: str = field(
        default="",
        metadata={"help": "the adapter's own findings, a,b,c; of any but open data their names must be repeated"},
    )


def publish(run: Path, name: str, options: PublishOptions) -> str:
    """Upload a run's adapter, its calibration, its figures and our card to `owner/name`; the commit's 40 hex digits.

    Raises:
        CxrError: the run is not complete, the name or the base cannot be, a sentence is missing, or the Hub says no.
    """
    base, kind = find_base(run), read_kind(run)
    base = check_request(name, base, kind, list_own_findings(run / "adapter"), options)
    files = collect_files(run, name, base, kind)
    logger.info("%s gets %s", name, ", ".join(sorted(files)))
    commit = upload(Destination(name, options.public), files, ALLOWED.__contains__)
    logger.info("published: CXR_ADAPTER=%s CXR_ADAPTER_REVISION=%s", name, commit)
    return commit


def check_request(name: str, base: str, kind: str, own: list[str], options: PublishOptions) -> str:
    """Refuse what name, base and data alone forbid, before a run is trained as well as after it; the base's name.

    A sentence that is typed here is kept in `options`, so that it is asked for once.

    Raises:
        CxrError: what cannot be, or which words are missing.
    """
    check_name(name)
    base = name_base(base, options.base_name)
    if is_llama(base) and not name.split("/")[-1].startswith("Llama"):
        raise CxrError(f"Llama's licence asks for a name that starts with Llama: {name.replace('/', '/Llama-')}?")
    if options.public and kind not in OPEN_DATA:
        typed = options.acknowledge or ask_acknowledgement()
        check_acknowledgement(typed)
        options.acknowledge = typed
    check_own_keys(own)
    check_own_findings(own, kind, options.findings)
    return base


def collect_files(run: Path, name: str, base: str, kind: str) -> dict[str, bytes]:
    """Everything that is uploaded, by its path in the repository.

    Raises:
        CxrError: something is missing, or a file names a path of this machine.
    """
    folder = run / "adapter"
    own = list_own_findings(folder)
    files = collect_adapter(folder, base)
    metrics = keep_metrics(read_json(run / "evaluation" / METRICS), own)
    if metrics:
        files[METRICS] = (json.dumps(metrics, indent=2, allow_nan=False) + "\n").encode()
    if is_llama(base):
        files |= {LICENCE: LLAMA_LICENCE.read_bytes(), NOTICE_FILE: NOTICE.encode()}
    calibration = json.loads(files.get(CALIBRATION, b'{"population": "", "findings": {}}'))
    facts = CardFacts(
        name=name,
        base=base,
        llama=is_llama(base),
        data_kind=kind,
        canvas=json.loads(files[CONFIG])["canvas"],
        calibrated=len(calibration["findings"].keys() & BY_KEY.keys()),
        population=calibration["population"],
        own_findings=tuple(own),
        options=keep_options(read_json(run / "run.json").get("options")),
        metrics=metrics,
    )
    files[CARD] = write_card(facts).encode()
    if wrong := find_paths(files):
        raise CxrError(f"{', '.join(wrong)} would name a path of this machine; nothing was published.")
    return files


def find_base(run: Path) -> str:
    """The base as the run, or else its adapter, records it: a name or a folder."""
    recorded = read_json(run / "run.json").get("base") or read_json(run / "adapter" / ADAPTER).get(
        "base_model_name_or_path"
    )
    return str(recorded)


def name_base(recorded: str, base_name: str) -> str:
    """The base's name on the Hub, or that of the one which ships with the program; never a folder.

    Raises:
        CxrError: only a folder is known, or what was trained on Llama is given a name that hides it.
    """
    base = spell_base(base_name or recorded)
    if is_llama(recorded) and not is_llama(base):
        raise CxrError(f"This run was trained on {recorded}, so --base_name must name Llama, too.")
    if base == EMBEDDED_NAME or (re.fullmatch(r"[\w.-]+/[\w.-]+", base) and not Path(base).is_dir()):
        return base
    raise CxrError(
        "The base of this run is a folder, which nobody else has; give its name on the Hub with --base_name."
    )


def read_kind(run: Path) -> str:
    """The kind of data that the run was trained on, a key of `DATASETS`.

    Raises:
        CxrError: the folder is not one of a run.
    """
    kind = str(read_json(run / "run.json").get("data_kind"))
    if kind not in DATASETS:
        raise CxrError(f"{run} is not the folder of a run: it has no run.json that names the kind of its data.")
    return kind


def check_own_findings(own: list[str], kind: str, repeated: str) -> None:
    """Say which labels of the data go out as names; of data that are not open, only those that were repeated.

    Raises:
        CxrError: they were not repeated one by one.
    """
    if own:
        logger.info("The names of the adapter's own findings are published: %s", ", ".join(own))
    if own and kind not in OPEN_DATA and {name.strip() for name in repeated.split(",")} != set(own):
        raise CxrError(
            "These data are not open, and the names of the adapter's own findings would go out; if none of them tells "
            f"of a patient, repeat them: --findings {','.join(own)}."
        )


def ask_acknowledgement() -> str:
    """The sentence as typed on a terminal; empty where there is nobody to type it."""
    return input(f'To publish, type: "{ACKNOWLEDGEMENT}"\n> ').strip().strip('"') if sys.stdin.isatty() else ""


def check_acknowledgement(typed: str) -> None:
    """Refuse anything but the very sentence.

    Raises:
        CxrError: it is another.
    """
    if typed != ACKNOWLEDGEMENT:
        raise CxrError(f'These data are not open: --public also needs --acknowledge "{ACKNOWLEDGEMENT}"')
