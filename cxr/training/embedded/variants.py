"""The variants that are tried, and among them what the recipe does. Knows nothing about films."""

from dataclasses import dataclass, field, replace

from cxr.training.embedded.batches import Strength
from cxr.training.embedded.build import Size
from cxr.training.embedded.seeing import Lessons
from cxr.training.embedded.trials_table import PEER

SMALL, LARGE, FINE = Size(canvas=224, patch=16), Size(patch=16), Size()
MUON_RATE = 3e-3
STRONG = Strength(15, 0.75, 1.2, 0.15, 1.5, 0.5)


@dataclass(frozen=True)
class Trial:
    """One variant."""

    size: Size = SMALL
    drawn_steps: int = 3000  # on drawn films alone, once for all folds
    steps: int = 1000  # on the films of each fold
    batch: int = 64
    drawn_share: float = 0.5  # of a batch of a fold
    rate: float = 5e-4  # of a fold
    decay: float = 0.05
    strength: Strength = field(default_factory=Strength)
    lessons: Lessons = field(default_factory=Lessons)
    skipped: float = 0.0  # how often the last layer is left out
    balanced: bool = False
    teachers: int = 0
    peer: bool = False
    muon: bool = False  # on drawn films
    fold_muon: bool = False


PLAIN = Trial()
TEACHER = Trial(peer=True, drawn_steps=1500, steps=700, rate=1e-3)
TAUGHT, ALONE = Lessons(taught=1.0), Lessons(taught=4.0, alone=True)
FINAL = Trial(  # much as the recipe
    FINE,
    lessons=ALONE,
    teachers=2,
    drawn_steps=1500,
    steps=1500,
    rate=MUON_RATE,
    drawn_share=0.25,
    muon=True,
    fold_muon=True,
)
TRIALS = {
    PEER: Trial(peer=True, drawn_steps=0, drawn_share=0, steps=800, rate=1e-3),
    "ResNet-18, drawn films first": TEACHER,
    "real films alone": replace(PLAIN, drawn_steps=0, drawn_share=0, rate=1e-3),
    "drawn films first": PLAIN,
    "then real ones alone": replace(PLAIN, drawn_share=0),
    "a quarter drawn": replace(PLAIN, drawn_share=0.25),
    "faster": replace(PLAIN, rate=1e-3),
    "longer": replace(PLAIN, steps=2000),
    "sex, age and view": replace(PLAIN, lessons=Lessons(person=0.3)),
    "hidden patches": replace(PLAIN, lessons=Lessons(hidden=0.5)),
    "taught by a ResNet-18": replace(PLAIN, lessons=TAUGHT, teachers=1),
    "taught for longer": replace(PLAIN, lessons=TAUGHT, teachers=2, steps=3000),
    "taught alone": replace(PLAIN, lessons=ALONE, teachers=2, steps=3000, rate=1e-3, drawn_share=0.25),
    "stochastic depth": replace(PLAIN, skipped=0.2),
    "rare findings more often": replace(PLAIN, balanced=True),
    "more decay": replace(PLAIN, decay=0.3),
    "stronger augmentation": replace(PLAIN, strength=STRONG),
    "288 px": replace(PLAIN, size=LARGE),
    "patches of 12 px at 288 px": replace(PLAIN, size=FINE, drawn_steps=4000),
    "patches of 12 px at 288 px, taught": replace(PLAIN, size=FINE, lessons=TAUGHT, teachers=1),
    "patches of 12 px at 288 px, taught alone, Muon": FINAL,
    "patches of 12 px at 288 px, taught alone, Muon on drawn films": replace(FINAL, rate=1e-3, fold_muon=False),
}
