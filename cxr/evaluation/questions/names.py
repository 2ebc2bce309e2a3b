"""What the seen and the measured questions call the findings, and what else the seen ones ask about."""

from collections.abc import Mapping

Wordings = Mapping[str, tuple[str, ...]]

NAMES: Mapping[str, tuple[str, ...]] = {  # finding key -> how people call it
    "pneumothorax": ("pneumothorax", "ptx", "pneumothorax"),
    "effusion": ("pleural effusion", "effusion", "fluid around the lung", "pleural fluid"),
    "edema": ("pulmonary edema", "pulmonary oedema", "lung oedema"),
    "consolidation": ("consolidation", "lung consolidation"),
    "pneumonia": ("pneumonia", "chest infection", "lung infection"),
    "infiltration": ("infiltrate", "infiltration", "pulmonary infiltrate"),
    "atelectasis": ("atelectasis", "atelectatic area"),
    "mass": ("mass", "lung mass", "lump in the lung"),
    "nodule": ("nodule", "lung nodule", "pulmonary nodule"),
    "cardiomegaly": ("cardiomegaly", "enlarged heart", "enlargement of the heart"),
    "emphysema": ("emphysema", "pulmonary emphysema"),
    "fibrosis": ("fibrosis", "lung scarring", "pulmonary fibrosis"),
    "pleural_thickening": ("pleural thickening", "thickened pleura", "thickening of the pleura"),
    "hernia": ("hiatal hernia", "hiatus hernia", "hernia"),
}
OTHERS = (  # of these none is looked for
    "rib fracture",
    "broken collarbone",
    "fractured clavicle",
    "chest tube",
    "central line",
    "endotracheal tube",
    "pacemaker",
    "scoliosis",
    "gallstones",
    "free air under the diaphragm",
    "swollen lymph nodes",
    "aortic aneurysm",
    "tuberculosis",
    "covid",
    "enlarged liver",
    "breast lump",
    "dislocated shoulder",
    "bowel obstruction",
    "calcified aorta",
    "feeding tube",
)
