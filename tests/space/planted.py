"""Films with 36 planted identifiers: in DICOM tags, overlays, EXIF, PNG text, file names and the picture."""

import json
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from pydicom.dataset import Dataset

from cxr.films.film import to_image
from cxr.films.phantom import draw_film
from tests.space.served import write_dicom

TAGS = {  # keyword -> what is planted; no two are alike, and none is a word of ours
    "PatientName": "Zwanziger^Quirin",
    "PatientID": "ZQX-4711-01",
    "OtherPatientNames": "Zwickl^Quentin",
    "PatientBirthDate": "18770413",
    "PatientBirthName": "Zobel^Qualla",
    "PatientMotherBirthName": "Zirbes^Quendel",
    "PatientAddress": "Zeisigweg 17 Quakenbrueck",
    "PatientTelephoneNumbers": "0049-99-4711815",
    "PatientComments": "ZQX-comment-09",
    "AccessionNumber": "ZQX-ACC-10",
    "InstitutionName": "Zettelklinik Quedlinburg",
    "InstitutionAddress": "Zollgasse 4 Quern",
    "ReferringPhysicianName": "Zander^Quasimir",
    "PerformingPhysicianName": "Zuber^Quirina",
    "OperatorsName": "Zapf^Quintus",
    "StudyID": "ZQX-STUDY-16",
    "StudyDescription": "ZQX-description-17",
    "StationName": "ZQX-STATION-18",
    "DeviceSerialNumber": "ZQX-SERIAL-19",
    "StudyInstanceUID": "1.2.840.99999.4711.20",
}
NESTED, PREAMBLE, TRAILER = "ZQX-nested-21", "ZQX-preamble-22", "ZQX-trailer-23"
PRIVATE = ("ZQX-private-24", "ZQX-creator-25")
OVERLAY = {0x0022: "ZQX-overlay-26", 0x1500: "ZQX-label-27"}  # element of group 6000 -> text
OVERLAY_BITS = "ZQX-bits-28"
EXIF = {0x010E: "ZQX-exif-29", 0x013B: "ZQX-artist-30"}
PNG_TEXT = {"Comment": "ZQX-text-31", "Patient": "ZQX-ztext-32"}
NAMES = {"dicom": "Zwanziger_Q_33.dcm", "png": "Zwanziger_Q_34.png", "jpeg": "Zwanziger_Q_35.jpg"}
BURNT_IN = "ZWANZIGER Q 36"
PLANTED = (
    *(*TAGS.values(), NESTED, PREAMBLE, TRAILER, *PRIVATE, *OVERLAY.values(), OVERLAY_BITS),
    *(*EXIF.values(), *PNG_TEXT.values(), *NAMES.values(), BURNT_IN),
)


def plant(folder: Path) -> dict[str, Path]:
    """A DICOM, a PNG and a JPEG film with all of it, and each of them cut short."""
    films = {kind: folder / name for kind, name in NAMES.items()}
    plant_dicom(films["dicom"])
    image = to_image(draw_film(5, size=512, view="PA").film)
    ImageDraw.Draw(image).text((12, 10), BURNT_IN, font=ImageFont.load_default(16), fill=255)
    text, exif = PngInfo(), Image.Exif()
    for key, value in PNG_TEXT.items():
        text.add_text(key, value, zip=key == "Patient")
    for tag, value in EXIF.items():
        exif[tag] = value
    image.save(films["png"], pnginfo=text)
    image.save(films["jpeg"], exif=exif, comment=EXIF[0x010E])
    for kind, path in dict(films).items():
        films[f"cut {kind}"] = folder / "cut" / path.name
        films[f"cut {kind}"].parent.mkdir(exist_ok=True)
        films[f"cut {kind}"].write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return films


def plant_dicom(path: Path) -> None:
    """A DICOM film with everything a hospital writes into one."""
    dataset = pydicom.dcmread(write_dicom(path))
    for keyword, value in TAGS.items():
        setattr(dataset, keyword, value)
    item = Dataset()
    item.RequestedProcedureDescription = NESTED
    dataset.RequestAttributesSequence = [item]
    dataset.private_block(0x0011, PRIVATE[1], create=True).add_new(1, "LO", PRIVATE[0])
    for element, value in OVERLAY.items():
        dataset.add_new((0x6000, element), "LO", value)
    bits = np.frombuffer(OVERLAY_BITS.encode().ljust(dataset.Rows * dataset.Columns // 8, b"\0"), dtype=np.uint8)
    dataset.add_new((0x6000, 0x3000), "OW", bits.tobytes())
    dataset.preamble = PREAMBLE.encode().ljust(128, b"\0")
    dataset.save_as(path, enforce_file_format=True)
    with path.open("ab") as file:  # behind the end, as DataSetTrailingPadding
        content = TRAILER.encode().ljust(16, b"\0")
        file.write(b"\xfc\xff\xfc\xffOB\0\0" + len(content).to_bytes(4, "little") + content)


def find_planted(text: str | bytes) -> list[str]:
    """What of it stands in a text or a file, also in UTF-16 and as JSON writes it."""
    content = text.encode(errors="replace") if isinstance(text, str) else text
    return [
        each
        for each in PLANTED
        if any(form in content for form in (each.encode(), each.encode("utf-16-le"), json.dumps(each)[1:-1].encode()))
    ]


def find_in_files(folder: Path) -> dict[str, list[str]]:
    """The same for all that lies in a folder, names included, by path."""
    found = {}
    for path in folder.rglob("*"):
        here = find_planted(path.name) + (find_planted(path.read_bytes()) if path.is_file() else [])
        if here:
            found[str(path)] = here
    return found
