"""A teacher of whom one knows what it says."""

import torch
from torch import nn


class Teacher(nn.Module):
    """Says one thing of every film."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.full((len(images), 14), self.logit)
