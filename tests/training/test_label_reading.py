"""What a label says is taught, and no more: sides, degrees, denials, doubts, lists, and words of other label sets."""

import pytest

from cxr.findings import BY_KEY, FROM_NIH, read_label
from cxr.labels import MAX_LABEL
from cxr.results import Observation
from cxr.training.label_meaning import Said, describe_said
from cxr.training.label_reading import read_said

ALL = set(BY_KEY)
OPACITIES = {"consolidation", "pneumonia", "infiltration", "atelectasis", "edema", "mass", "nodule"}


def present(said: Said) -> set[str]:
    return {item.finding for item in said.present}


@pytest.mark.parametrize("label", FROM_NIH)
def test_nih_s_labels_are_their_finding_and_leave_nothing_open(label: str) -> None:
    assert read_said(label) == Said((Observation(FROM_NIH[label]),))


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        ("Left pleural effusion, small", [Observation("effusion", "left", size="small")]),
        ("pleural effusion - left", [Observation("effusion", "left")]),
        ("Left and right effusion", [Observation("effusion", "both")]),
        ("right-sided pleural effusion", [Observation("effusion", "right")]),
        ("bilateral effusions and atelectasis", [Observation("effusion", "both"), Observation("atelectasis")]),
        ("mild cardiomegaly", [Observation("cardiomegaly")]),
        ("tiny apical pneumothorax, right", [Observation("pneumothorax", "right", "upper")]),
        ("RLL consolidation", [Observation("consolidation", "right", "lower")]),
        ("large right lower lobe mass", [Observation("mass", "right", "lower", "large")]),
        ("laminar atelectasis", [Observation("atelectasis")]),
        ("multiple nodules", [Observation("nodule")]),
        ("pulmonary fibrosis", [Observation("fibrosis")]),
        ("loculated pleural effusion", [Observation("effusion")]),
        ("hydropneumothorax", [Observation("effusion"), Observation("pneumothorax")]),
        ("Viral Pneumonia", [Observation("pneumonia")]),
        ("BACTERIA", [Observation("pneumonia")]),
        ("calcified pleural thickening", [Observation("pleural_thickening")]),
        ("pneumonia with effusion", [Observation("pneumonia"), Observation("effusion")]),
        ("Effusion, Edema", [Observation("effusion"), Observation("edema")]),
        ("Effusion/Edema; fracture", [Observation("effusion"), Observation("edema"), Observation("fracture")]),
        ("Tube, misplaced", [Observation("tube_misplaced")]),
        ("unchanged pleural effusion", [Observation("effusion")]),
    ],
)
def test_sides_degrees_and_lists_are_understood(label: str, seen: list[Observation]) -> None:
    assert read_said(label) == Said(tuple(seen))
    assert read_said(f"  {label.upper()} ") == Said(tuple(seen))


@pytest.mark.parametrize(
    ("label", "absent"),
    [
        ("no effusion", {"effusion"}),
        ("without pneumothorax", {"pneumothorax"}),
        ("No pleural effusion or pneumothorax", {"effusion", "pneumothorax"}),
        ("no evidence of pneumonia", {"pneumonia"}),
        ("Effusion: none", {"effusion"}),
        ("effusion - absent", {"effusion"}),
        ("Pneumonia (ruled out)", {"pneumonia"}),
        ("effusion, none", {"effusion"}),
        ("no effusion identified", {"effusion"}),
        ("negative for mass", {"mass"}),
        ("no focal consolidation", {"consolidation"}),
    ],
)
def test_what_is_denied_is_absent(label: str, absent: set[str]) -> None:
    assert read_said(label) == Said(absent=frozenset(absent))


@pytest.mark.parametrize("label", ["no large effusion", "no left effusion", "no new effusion"])
def test_a_denial_of_one_kind_denies_not_all(label: str) -> None:
    assert read_said(label) == Said(opened=frozenset({"effusion"}))


@pytest.mark.parametrize(
    ("label", "unsure"),
    [
        ("possible effusion", {"effusion"}),
        ("Effusion?", {"effusion"}),
        ("?effusion", {"effusion"}),
        ("suspected pneumonia", {"pneumonia"}),
        ("r/o pneumonia", {"pneumonia"}),
        ("pneumonia cannot be excluded", {"pneumonia"}),
        ("pneumonia unlikely", {"pneumonia"}),
        ("resolved pneumonia", {"pneumonia"}),
        ("pneumonia, possible", {"pneumonia"}),
        ("borderline cardiomegaly", {"cardiomegaly"}),
        ("possible effusion and edema", {"effusion", "edema"}),
        ("edema and effusion?", {"effusion", "edema"}),
    ],
)
def test_what_is_in_doubt_is_neither_there_nor_absent(label: str, unsure: set[str]) -> None:
    assert read_said(label) == Said(unsure=frozenset(unsure))


def test_a_denial_ends_where_it_may_end() -> None:
    said = read_said("no effusion, edema")
    assert said.absent == {"effusion"} and not said.present and said.unsure == {"edema"}
    assert read_said("no effusion but edema") == Said((Observation("edema"),), frozenset({"effusion"}))
    assert read_said("edema without effusion") == Said((Observation("edema"),), frozenset({"effusion"}))
    assert read_said("Effusion, no edema") == Said((Observation("effusion"),), frozenset({"edema"}))
    assert present(read_said("cardiomegaly, possible pneumonia")) == {"cardiomegaly"}


@pytest.mark.parametrize(
    ("label", "opened"),
    [
        ("Nodule/Mass", {"nodule", "mass"}),
        ("nodule or mass", {"nodule", "mass"}),
        ("consolidation/pneumonia", {"consolidation", "pneumonia"}),
        ("atelectasis or edema", {"atelectasis", "edema"}),
        ("infiltrate vs atelectasis", {"infiltration", "atelectasis"}),
    ],
)
def test_of_two_that_may_be_meant_neither_is_taught(label: str, opened: set[str]) -> None:
    said = read_said(label)
    assert said.understood and not present(said) & ALL and (said.opened | said.unsure) >= opened and not said.absent


# Labels of VinDr-CXR, PadChest, CheXpert and MIMIC-CXR that are none of the 14 -> some of what they leave open.
OTHERS = {
    "Lung Opacity": OPACITIES,
    "Lung_Opacity": OPACITIES,
    "Lung Lesion": {"mass", "nodule"},
    "Pleural Other": {"pleural_thickening", "effusion"},
    "Enlarged Cardiomediastinum": {"cardiomegaly"},
    "ILD": {"fibrosis", "infiltration"},
    "Other lesion": ALL,
    "Other diseases": ALL,
    "COPD": {"emphysema"},
    "Lung tumor": {"mass", "nodule"},
    "Lung cavity": {"mass", "nodule", "consolidation"},
    "Calcification": {"nodule"},
    "Mediastinal shift": {"effusion", "atelectasis", "pneumothorax"},
    "Tuberculosis": {"consolidation", "infiltration", "nodule", "fibrosis", "effusion"},
    "COVID-19": {"pneumonia", "consolidation", "infiltration"},
    "costophrenic angle blunting": {"effusion", "pleural_thickening"},
    "heart insufficiency": {"edema", "effusion", "cardiomegaly"},
    "interstitial pattern": {"infiltration", "edema", "fibrosis"},
    "alveolar pattern": {"consolidation", "pneumonia", "edema"},
    "air trapping": {"emphysema"},
    "chronic changes": {"fibrosis", "emphysema", "pleural_thickening"},
    "pseudonodule": {"nodule"},
    "volume loss": {"atelectasis"},
    "pericardial effusion": {"cardiomegaly"},
    "subcutaneous emphysema": {"pneumothorax"},
    "Fracture": set(),
    "Support Devices": set(),
    "Aortic enlargement": set(),
    "Rib fracture": set(),
    "Clavicle fracture": set(),
    "Enlarged PA": set(),
    "NSG tube": set(),
    "central venous catheter via jugular vein": set(),
    "vertebral degenerative changes": set(),
    "scoliosis": set(),
    "aortic elongation": set(),
}


@pytest.mark.parametrize(("label", "opened"), OTHERS.items())
def test_a_label_of_another_set_leaves_open_what_it_may_stand_for(label: str, opened: set[str]) -> None:
    said = read_said(label)
    (key,) = present(said)
    assert said.understood and key not in BY_KEY and read_label(key) == key
    assert said.opened >= opened and (opened or not said.opened)
    assert said.opened == ALL or opened != ALL


@pytest.mark.parametrize(
    "label", ["Pnemothorax", "Pleuraerguss", "word", "normal variant", "effusion in Pnemothorax", "no xyz"]
)
def test_what_is_not_understood_leaves_all_open(label: str) -> None:
    said = read_said(label)
    assert not said.understood and said.opened == ALL and not said.absent and not present(said) & ALL


@pytest.mark.parametrize("label", ["none", "N/A", "negative", "unknown", "suboptimal study", "not normal"])
def test_words_that_judge_nothing_leave_all_open_and_are_no_finding(label: str) -> None:
    assert read_said(label) == Said(opened=frozenset(ALL))


@pytest.mark.parametrize("label", ["unchanged", "loc right", "no change", "left"])
def test_words_that_name_nothing_say_nothing(label: str) -> None:
    assert read_said(label).silent


def test_no_finding_exclude_and_no_acute_finding() -> None:
    assert read_said("No Finding") == read_said("normal") == read_said("Normal chest x-ray") == Said(nothing=True)
    assert read_said("exclude") == Said(excluded=True)
    hedged = read_said("no acute abnormality")
    assert hedged.nothing and {"fibrosis", "hernia"} <= hedged.opened and "pneumothorax" not in hedged.opened


def test_absent_labels_are_absent_and_a_denial_among_them_is_refused() -> None:
    assert read_said("Effusion, Edema", denied=True) == Said(absent=frozenset({"effusion", "edema"}))
    assert read_said("left effusion", denied=True) == Said(opened=frozenset({"effusion"}))
    with pytest.raises(ValueError, match="may be there"):
        read_said("no effusion", denied=True)


@pytest.mark.parametrize(
    "label", ["", " ", "1", "?!", "-1", "x" * (MAX_LABEL + 1), "Effusion, " + "x" * (MAX_LABEL + 1)]
)
def test_what_is_no_label_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match="A label must"):
        read_said(label)


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("left effusion", "Effusion (left)"),
        ("no effusion", "no Effusion"),
        ("effusion?", "possibly Effusion"),
        ("rib fracture", "Rib fracture (own)"),
        ("No Finding", "nothing found"),
        ("loc right", "nothing"),
        ("exclude", "the film is left out"),
        ("COPD", "Copd (own); unknown: Emphysema, Pneumothorax"),
        ("xyz", "NOT UNDERSTOOD; Xyz (own); all that is not named is unknown"),
    ],
)
def test_what_is_read_is_said_in_words(label: str, words: str) -> None:
    assert describe_said(read_said(label)) == words
