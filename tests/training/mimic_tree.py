"""A made-up MIMIC-CXR tree in the layout of PhysioNet: noise for films, and reports of our own, as irregular."""

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

CHEXPERT = (
    *("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion"),
    *("Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax"),
    "Support Devices",
)
RULE = "_" * 78
FINAL = f"{'FINAL REPORT':>45}"


@dataclass(frozen=True)
class Study:
    """One study: its films by view, its labels (CheXpert's, else NegBio's) and its report, if it has one."""

    subject: str
    study: str
    split: str
    views: tuple[str, ...]
    labels: dict[str, str] | None
    report: str | None
    labeller: str = "chexpert"
    ending: str = ".jpg"


STUDIES = (
    Study(
        "10000032",
        "50414267",
        "train",
        ("PA", "LATERAL"),
        {"Pleural Effusion": "1.0", "Pneumothorax": "0.0", "Pneumonia": "-1.0", "Support Devices": "1.0"},
        f"""{FINAL}
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough and fever // eval for pneumonia

 TECHNIQUE:  Chest PA and lateral

 COMPARISON:  Radiograph from ___

 FINDINGS:

 There is a new small left pleural effusion.  The ET tube ends ___ cm above
 the carina.  The cardiac silhouette is unchanged.  No pneumothorax.

 IMPRESSION:

 1. Small left pleural effusion, new since ___.
 2. No pneumothorax
""",
    ),
    Study(
        "10000032",
        "50414268",
        "train",
        ("AP", "AP"),
        {"No Finding": "1.0", "Support Devices": "1.0"},
        f"""WET READ: ___ ___ ___ 5:46 PM
  Something that was said too early.
 {RULE}
{FINAL}
 HISTORY:  Chest pain.

 FINDINGS AND IMPRESSION  The lungs are clear.  No acute
 findings.

 NOTIFICATION:  The findings were discussed with Dr. ___ by telephone at ___.
""",
    ),
    Study(
        "10000764",
        "57375967",
        "train",
        ("AP",),
        {"Consolidation": "1.0", "Edema": "0.0", "Support Devices": "1.0"},
        f"""{FINAL}
 AP CHEST, 5:12 A.M., ___

 HISTORY:  Pneumonia.

 IMPRESSION:  AP chest compared to ___ through ___:

 Consolidation in the right lower lobe has worsened.  Mild cardiomegaly is
 stable.  Dr. ___ was paged at ___.
""",
    ),
    Study(
        "10000898",
        "50771383",
        "train",
        ("PA",),
        {"Cardiomegaly": "1.0", "Support Devices": "1.0"},
        f"""{FINAL}
 CHEST RADIOGRAPH

 INDICATION:  Line placement.

 COMPARISON:  ___.

 A right PICC ends in the low SVC.

 The heart is enlarged.
""",
    ),
    Study(
        "10000935",
        "50578979",
        "train",
        ("AP",),
        {"Lung Lesion": "1.0", "Fracture": "0.0", "Support Devices": "1.0"},
        """Reason for exam: nodule on CT

PORTABLE AP CHEST RADIOGRAPH:  A nodule is seen in the right upper lobe.

Conclusion: Right upper lobe nodule.
""",
    ),
    Study(
        "10000980",
        "50985099",
        "validate",
        ("PA",),
        {"Atelectasis": "1.0", "Pneumothorax": "0"},
        "FINDNGS:  Bibasilar atelectasis.\nIMPRESSON:  Bibasilar atelectasis.\n",
        "negbio",
    ),
    Study("10000980", "51967283", "validate", ("AP",), {"Edema": "1.0"}, None),
    Study(
        "10001038",
        "50225296",
        "test",
        ("PA",),
        {"No Finding": "1.0"},
        f"{FINAL}\n FINDINGS:  Unchanged.\n\n IMPRESSION:  No change.\n",
    ),
    Study("10001122", "53957785", "test", ("PA",), {"Pneumothorax": "1.0"}, "INDICATION:  Fall.\n", ending=".dcm"),
    Study("10001122", "53957786", "test", ("LL",), {"Pneumothorax": "1.0"}, "IMPRESSION:  Pneumothorax.\n"),
    Study("10001176", "53186264", "train", ("PA",), None, "FINDINGS:  Heart size is normal.\n"),
    Study("10001176", "53186265", "train", ("AP",), None, "INDICATION:  Cough.\n"),
    Study("10001192", "50225298", "train", ("AP",), {"Support Devices": "1.0"}, "FINDINGS:  A PICC is seen.\n"),
    Study("10001193", "50225299", "train", ("AP",), {"Edema": "1.0"}, "IMPRESSION:  Edema.\n"),
    Study("10001217", "58913004", "train", ("",), {"Edema": "1.0"}, "IMPRESSION:  Edema.\n"),
    Study("10001401", "50225297", "train", ("PA",), {"Edema": "1.0"}, "IMPRESSION:  Edema.\n", ending=""),
)


def make_mimic(folder: Path, studies: Sequence[Study] = STUDIES, packed: bool = True, reports: str = "files") -> Path:
    """Writes the tree; a study with no `ending` has rows but no film. Returns the folder."""
    rows = [(study, number, view) for study in studies for number, view in enumerate(study.views)]
    write_table(
        folder,
        "split",
        ["dicom_id", "study_id", "subject_id", "split"],
        ((name_film(study, number), study.study, study.subject, study.split) for study, number, _ in rows),
        packed,
    )
    write_table(
        folder,
        "metadata",
        ["dicom_id", "subject_id", "study_id", "PerformedProcedureStepDescription", "ViewPosition", "Rows"],
        ((name_film(study, number), study.subject, study.study, "CHEST", view, "64") for study, number, view in rows),
        packed,
    )
    for labeller in ("chexpert", "negbio"):
        labelled = [study for study in studies if study.labels is not None and study.labeller == labeller]
        values = (
            [study.subject, study.study, *((study.labels or {}).get(name, "") for name in CHEXPERT)]
            for study in labelled
        )
        write_table(folder, labeller, ["subject_id", "study_id", *CHEXPERT], values, packed)
    for study, number, _ in rows:
        if study.ending:
            write_film(place_study(folder / "files", study) / f"{name_film(study, number)}{study.ending}")
    for study in studies:
        if study.report is not None:
            path = place_study(folder / reports, study).with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(study.report, encoding="utf-8")
    return folder


def name_film(study: Study, number: int) -> str:
    """A film's id as MIMIC-CXR forms it: five groups of hexadecimal digits."""
    return f"02aa804e-bde0afdd-112c0b34-7bc16630-{study.study}{number}"


def place_study(tree: Path, study: Study) -> Path:
    """The folder of a study."""
    return tree / f"p{study.subject[:2]}" / f"p{study.subject}" / f"s{study.study}"


def write_film(path: Path) -> None:
    """64 x 64 px of noise; always a JPEG, whatever the name: films are told by their first bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(len(path.name)).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(path, format="JPEG")


def write_table(folder: Path, name: str, header: list[str], rows: Iterable[Sequence[str]], packed: bool) -> None:
    """A table of version 2.0.0, packed as PhysioNet does or plain."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    folder.mkdir(parents=True, exist_ok=True)
    data = text.getvalue().encode()
    path = folder / f"mimic-cxr-2.0.0-{name}.csv{'.gz' if packed else ''}"
    path.write_bytes(gzip.compress(data) if packed else data)
