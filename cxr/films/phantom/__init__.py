"""Drawn chest films with known findings, sides and masks.

A seed draws a patient (`patient`); findings change the patient's shape (`signs`); solids give thickness maps in cm
(`frontal`, `lateral`, `lungs`, `skeleton`, `devices`), into which findings are painted (`signs_*`); the sum of
thickness times attenuation becomes a film by the law of Beer and Lambert, with scatter, noise and a film curve
(`exposure`). Left is the patient's left, on the right of the picture.

Beside real films at 512 px, what still differs: bones have no trabeculae and the upper ribs, shoulder blades and
vertebrae are simpler than real ones; shoulders and arms show no muscles, fat planes or skin folds; lung vessels leave
the hila too evenly and are missing at the lung's edge; the edges of heart and mediastinum are too smooth, and the hila
hold no lymph nodes or bronchi seen end on; bowel gas has no folds; there are no fissures, lime, clothes, burnt-in text
but one letter, hardly any devices, and only adults. Consolidation, pneumonia and infiltration differ by density and
pattern alone, more clearly than they do in life; fluid never lies flat behind the lung as it does in a supine patient;
no finding bends the ribs; and both sides of a lateral are taken as one.
"""

from cxr.films.phantom.drawing import DrawnFilm, draw_film

__all__ = ["DrawnFilm", "draw_film"]
