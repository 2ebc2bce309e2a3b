"""The recipe of the embedded model: python -m cxr.training.embedded."""
