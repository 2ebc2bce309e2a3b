"""Which words a label may be made of, beside the names of the 14 findings, and which of the 14 each leaves open.

The label sets are those of ChestX-ray14 (Wang et al., CVPR 2017), CheXpert and MIMIC-CXR (Irvin et al., AAAI 2019),
VinDr-CXR and VinDr-PCXR (Nguyen et al., Sci Data 2022; Pham et al., Sci Data 2023) and PadChest (Bustos et al., Med
Image Anal 2020). A film with "Lung opacity" may show a consolidation, an edema, a mass: a label of another set leaves
open what it may stand for. Knows nothing about how a label is put together, nor about films.
"""

import re

from cxr.findings import BY_KEY

EVERY = frozenset(BY_KEY)
AIRSPACE = frozenset({"consolidation", "infiltration", "pneumonia", "atelectasis", "edema"})
LESION = frozenset({"mass", "nodule"})
PLEURA = frozenset({"effusion", "pleural_thickening"})
ALIKE = (AIRSPACE, LESION, PLEURA)  # "Nodule/Mass": one of them, nobody says which
INTERSTITIAL = frozenset({"infiltration", "edema", "fibrosis", "pneumonia"})
INFECTION = AIRSPACE | {"effusion"}
SCARS = frozenset({"fibrosis", "pleural_thickening", "emphysema", "infiltration", "atelectasis"})

# What "no acute findings" leaves open.
LASTING = SCARS | LESION | {"cardiomegaly", "hernia"}
HEDGED = re.compile(r"\b(?:acute|active|significant|major|relevant)\b")

# Own findings of which some of the 14 are a kind (CheXpert's hierarchy of labels, arXiv:1901.07031): where one of those
# is named and the own finding is not, it is not absent.
UMBRELLAS = {
    "lung_opacity": AIRSPACE | LESION,
    "airspace_opacity": AIRSPACE,
    "lung_lesion": LESION,
    "nodule_mass": LESION,
    "nodule_or_mass": LESION,
}

# Words for one or several of the 14 that reports do not use for them, as regular expressions -> keys.
SYNONYMS: dict[str, frozenset[str]] = {
    r"(?:loculated |fissural |interlobar )+effusions?": frozenset({"effusion"}),
    r"hydro ?pneumothora(?:x|ces)": frozenset({"effusion", "pneumothorax"}),
    r"(?:heart|cardiac) enlargement|enlarged (?:heart|cardiac) (?:size|shadow|contour)": frozenset({"cardiomegaly"}),
    r"(?:hiatus|diaphragmatic|para ?o?esophageal|bochdalek|morgagni) hernias?": frozenset({"hernia"}),
    r"broncho ?pneumonias?|(?:viral|bacterial|fungal|pneumocystis)(?: pneumonias?)?|bacteria|virus": frozenset(
        {"pneumonia"}
    ),
    r"(?:atypical|lobar|aspiration|mycoplasma|community acquired|covid(?: 19)?) pneumonias?": frozenset({"pneumonia"}),
    r"pleuro ?pneumonia": frozenset({"pneumonia"}),
    r"(?:alveolar|interstitial) o?edema": frozenset({"edema"}),
    r"pleura thickening|thickening of (?:the )?pleura": frozenset({"pleural_thickening"}),
}
# Labels that say only that something was not judged, or that nobody said: they are no findings and leave all open.
BOTH = re.compile(r"(?:nodules?|mass(?:es)?)(?: (?:or|and))? (?:nodules?|mass(?:es)?)")  # denied, it denies both
UNSAID = re.compile(
    r"none|nil|n ?a|negative|unknown|undetermined|indeterminate|unspecified|not (?:specified|available|applicable)"
    r"|suboptimal (?:study|film|image|quality)|(?:limited|poor) (?:study|quality)|unchanged"
    r"|no (?:significant )?changes?|not normal|other|others"
)
EXCLUDED = re.compile(r"excluded?(?: (?:study|film|image))?")  # PadChest's word for what is to be left out
_OPACITY = r"(?:opacit(?:y|ies)|opacifications?|densit(?:y|ies)|shadow(?:s|ing)?)"
# What else labels name -> which of the 14 it may be or bring with it.
RELATED: dict[str, frozenset[str]] = {
    # of no part of the lung, though its words are those of the 14
    r"(?:subcutaneous|surgical|mediastinal) emphysema|pneumo ?mediastinum": frozenset({"pneumothorax"}),
    r"pericardial effusions?|boot shaped heart|(?:left|right) (?:ventric\w+|atri\w+) enlargement": frozenset(
        {"cardiomegaly"}
    ),
    r"(?:subcutaneous|soft tissue|chest wall) o?edema|vertebral (?:body )?collapse": frozenset(),
    r"(?:(?:non|axial|articular|vertebral|spinal|bone|joint) )*degenerative (?:changes?|disease)": frozenset(),
    r"(?:\w+ )?(?:bone|rib|vertebral) (?:lesions?|metast\w+|mass(?:es)?|nodules?)": LESION,
    r"(?:breast|soft tissue|chest wall|mediastinal|anterior mediastinal|paravertebral|hilar|pleural) mass(?:es)?": (
        LESION | PLEURA
    ),
    # airspaces and the interstitium
    rf"(?:(?:lung|pulmonary|air ?space|alveolar|aveolar|ground glass|hazy|patchy|other|increased) )*{_OPACITY}": (
        AIRSPACE | LESION
    ),
    r"(?:alveolar|ground glass|air ?space) (?:pattern|disease)|ground glass|air bronchograms?|white lung": (
        AIRSPACE | LESION
    ),
    rf"(?:(?:peribronchovascular|reticulo? ?nodular|reticular|interstitial|linear|miliary) )+"
    rf"(?:pattern|markings?|disease|changes?|thickening|{_OPACITY})": INTERSTITIAL | LESION | {"atelectasis"},
    r"ild|interstitial lung disease(?: other)?|pneumoconiosis|sarcoidosis|honeycomb\w*": INTERSTITIAL | LESION,
    r"(?:(?:increased|prominent) )?(?:broncho ?)?vascular markings?|bronch\w+ (?:thickening|markings?)"
    r"|peribronchial (?:thickening|cuffing)|bronchitis|bronchiolitis|bronchiectas[ie]s": INTERSTITIAL | AIRSPACE,
    r"covid(?: 19)?|sars(?: cov 2)?|mers|ards|(?:acute )?respiratory distress(?: syndrome)?|pneumonitis"
    r"|hyaline membrane disease|(?:lung |pulmonary )?(?:infections?|ha?emorrhage|contusions?|infarct\w*)": INFECTION,
    r"tb|tuberculosis(?: sequelae)?|(?:lung |pulmonary )?(?:abscess(?:es)?|cavit(?:y|ies)|cavitations?)|cpam"
    r"|(?:\w+ )*(?:aspergill\w+|mycetoma)": INFECTION | LESION | SCARS,
    # lesions
    r"(?:lung |pulmonary )?(?:lesions?|tumou?rs?|cancers?|carcinomas?|neoplas\w+|metastas[ie]s|malignanc\w+)"
    r"|lepidic adenocarcinoma|lymphangitis carcinomatosa|lymphoma": LESION | AIRSPACE | {"effusion"},
    r"(?:nodules?|mass(?:es)?) (?:or|and|and or)? ?(?:nodules?|mass(?:es)?)|nodule mass": LESION,
    r"(?:calcified )?granulomas?|pseudo ?nodules?|nipple shadows?|end on vessels?|calcifications?|calcified densit\w+"
    r"|(?:calcified |hilar |mediastinal )*(?:lymph)?adenopath(?:y|ies)|coin lesions?": LESION,
    r"(?:superior )?mediastin(?:al|um) (?:enlargement|widening)|widened mediastinum|hilar enlargement": LESION,
    r"mediastinal (?:tumou?r|lipomatosis)|thymoma|goiter|goitre": LESION,
    # heart and vessels
    r"enlarged cardio ?mediastinum": frozenset({"cardiomegaly", "mass"}),
    r"(?:congestive )?(?:heart|cardiac) (?:failure|insufficiency)|chf|(?:fluid|volume) overload|cardiogenic shock": (
        frozenset({"edema", "effusion", "cardiomegaly", "infiltration"})
    ),
    r"(?:(?:pulmonary )?vascular|pulmonary|hilar|venous|pulmonary venous) congestion|vascular redistribution"
    r"|kerley(?: [abc])?(?: lines?)?|septal lines?|cephali[sz]ation": frozenset({"edema", "infiltration"}),
    r"cardio(?:vascular|myopathy)|pulmonary (?:arterial )?hypertension|valv\w+ disease": frozenset({"cardiomegaly"}),
    # pleura and diaphragm
    r"pleural other|other pleural(?: finding| disease)?"
    r"|pleural (?:plaques?|calcifications?|abnormalit\w+|disease|lesions?)"
    r"|(?:minor |major )?fissure thickening|pleurisy|empyema|ha?emothorax|hydrothorax|chylothorax|asbestosis(?: signs)?"
    r"|(?:blunt\w* )?costo ?(?:phrenic|diaphragmatic) (?:angle|sinus|recess)s?(?: (?:blunt\w*|obliterat\w+))?"
    r"|blunt\w* (?:of )?(?:the )?costo ?phrenic angles?": PLEURA | {"fibrosis"},
    r"(?:hemi ?)?diaphragm(?:atic)? (?:elevation|eventration|paralysis)|(?:elevated|raised) (?:hemi ?)?diaphragm": (
        frozenset({"atelectasis", "effusion", "hernia"})
    ),
    r"(?:mediastinal|tracheal|azygoesophageal recess) (?:shift|deviation)|(?:loss of volume|volume loss)": (
        frozenset({"atelectasis", "effusion", "pneumothorax", "mass", "fibrosis"})
    ),
    # long-standing
    r"copd(?: signs)?|chronic obstructive pulmonary disease|air ?trapping"
    r"|hyper ?(?:inflat\w+|expan\w+|lucen\w+)(?: lungs?)?"
    r"|flattened diaphragms?|bull(?:as?|ae)|(?:lung )?cysts?|blebs?|(?:lung )?vascular paucity|asthma": frozenset(
        {"emphysema", "pneumothorax"}
    ),
    r"chronic (?:lung |pulmonary )?(?:changes|disease)|(?:lung |pulmonary )?(?:scar\w*|sequelae)"
    r"|fibro\w+ (?:changes?|bands?)"
    r"|(?:fibro)?cystic (?:fibrosis|changes?)|post radiotherapy changes|radiation (?:changes?|fibrosis)": SCARS,
    r"abnormal(?:ity|ities)?(?: .*)?|other (?:lesions?|diseases?|findings?|abnormalit\w+)|patholog\w+": EVERY,
}
# Words of labels that leave none of the 14 open, however they are combined: bones, vessels, devices, what was done.
_NEUTRAL = """
support devices device misplaced malposition malpositioned position tip tube tubes nsg ng nasogastric endotracheal
tracheostomy gastrostomy nephrostomy drain drains catheter catheters cvc picc line lines central venous vein veins
via jugular subclavian umbilical reservoir port pacemaker pacemakers icd dai electrode electrodes electrical single
dual chamber stent stents double j ventriculoperitoneal shunt wire wires clip clips suture sutures material staples
foreign body bodies external artificial valve valves prosthesis prostheses endoprosthesis mammary implant implants
metal osteosynthesis hardware cement sternotomy sternal surgery surgical surgeries postoperative mastectomy neck
breast humeral humerus chest wall iabp ecmo swan ganz fracture fractures rib ribs clavicle clavicular scapular
scapula vertebra vertebrae vertebral sternum spine spinal bone bones bony osseous callus compression wedge healed
scoliosis kyphosis kyphoscoliosis lordosis degenerative osteopenia osteoporosis osteoporotic osteophyte osteophytes
spondylosis arthrosis arthritis articular axial non hyperostosis sclerotic blastic lytic joint shoulder subacromial
space narrowing costochondral junction hypertrophy cervical thoracic cage deformation deformity pectus pectum
excavatum carinatum aorta aortic arch knob button elongation elongated tortuous tortuosity unfolding ectasia
dilatation dilated dilation aneurysm atheromatosis atherosclerosis atherosclerotic calcified supra enlarged
enlargement pa artery arterial pulmonary vascular vessel vessels hilar azygos lobe accessory gynecomastia
dextrocardia dextro cardia situs inversus sided stomach pneumoperitoneum pneumoperitoneo transposition great egg
string sign expanded edges anterior
"""
NEUTRAL = frozenset(_NEUTRAL.split())

SIDES = {
    **dict.fromkeys(("left", "lt", "l", "lll", "lul"), "left"),
    **dict.fromkeys(("right", "rt", "r", "rll", "rul", "rml"), "right"),
    **dict.fromkeys(("both", "bilateral", "bilaterally", "bibasilar", "bibasal", "biapical"), "both"),
}
ZONES = {
    **dict.fromkeys(("upper", "apical", "apex", "apices", "biapical", "rul", "lul"), "upper"),
    **dict.fromkeys(("mid", "middle", "rml"), "mid"),
    **dict.fromkeys(("lower", "basal", "basilar", "base", "bases", "bibasilar", "bibasal", "rll", "lll"), "lower"),
}
SIZES = {"small": "small", "moderate": "moderate", "large": "large"}
_FILLERS = """
a an the of in at on is are was seen noted identified detected visible found
present evidence signs sign any obvious definite
"""
FILLERS = frozenset(_FILLERS.split())
FOCAL = frozenset({"focal", "pulmonary", "lung"})  # "no focal consolidation" is how reports deny one
# Sides, places, degrees, shapes and times, which change nothing about which finding is meant.
_MODIFIERS = """
unilateral side sided lateral lobe lobes lobar zone zones field fields peripheral central perihilar retrocardiac
lingula lingular posterior anterior medial inferior superior subpulmonic loc localized mild mildly minor minimal
minimally trace tiny little slight slightly moderately marked markedly severe severely massive big extensive diffuse
patchy multifocal scattered widespread subtle faint dense partial partially complete total single solitary multiple
several few numerous many degree grade very fairly rather more less greater than to
acute subacute chronic old new recent persistent stable unchanged improved
improving worsened worsening increased decreased increasing decreasing residual resolving recurrent loculated
encapsulated layering linear laminar plate platelike like discoid band bandlike subsegmental segmental round rounded
compressive passive tension simple spiculated calcified
"""
MODIFIERS = frozenset({*SIDES, *ZONES, *SIZES, *FILLERS, "focal", *_MODIFIERS.split()})
ORGANS = frozenset({"lung", "lungs", "pulmonary"})  # "pleural" is none: pleural fibrosis is no fibrosis of the lung
# Words that leave a finding open: neither there nor absent.
UNSURE = re.compile(
    r"\b(?:(?:cannot|can not|could not|not) (?:be )?(?:excluded?|ruled? out)"
    r"|possib\w+|probabl\w+|likely|unlikely|suspect\w*|suspici\w+|questionable|question of|query|equivocal"
    r"|uncertain|unclear|maybe|may|might|could|cannot|can not|not excluded|consider|concern\w*|suggest\w+|borderline"
    r"|versus|vs|differential|ddx?|rule out|exclude|history|hx|prior|previous|status post|post|resolved|treated"
    r"|indeterminate|doubtful)\b"
)
DENIED_BEFORE = re.compile(r"(?:no|not|without|negative for|(?:absence|lack) of|free (?:of|from)|denies)\b ?")
DENIED_AFTER = re.compile(
    r" ?\b(?:absent|negative|none|nil|no|excluded|ruled out"
    r"|not (?:\w+ly )?(?:seen|present|identified|visible|evident|found))$"
)
SHORT = {  # as people abbreviate -> as it is read
    r"\br/o\b": "rule out ",
    r"\bs/p\b": "status post ",
    r"\bw/o\b": "without ",
    r"\bw/": "with ",
    r"\bn/a\b": "n a",
    r"\band/or\b": " or ",
}
