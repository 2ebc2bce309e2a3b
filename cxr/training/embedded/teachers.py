"""What teachers say of real films, whose labels are few and noisy. Knows nothing about how anybody learns.

Source: Beyer et al., Knowledge distillation: a good teacher is patient and consistent, arXiv:2106.05237.
"""

from collections.abc import Sequence

import torch
from torch import nn

from cxr.training.embedded.batches import Batch


@torch.no_grad()
def ask(teachers: Sequence[nn.Module], images: torch.Tensor) -> torch.Tensor:
    """films x 14: the mean of the teachers' probabilities."""
    return torch.stack([teacher(images).float().sigmoid() for teacher in teachers]).mean(0)


def believe(batch: Batch, teachers: Sequence[nn.Module]) -> torch.Tensor:
    """films x 14: what the teachers say of real films, -1 for drawn ones, whose truth is exact."""
    return torch.where(batch.placed[:, None] == 0, ask(teachers, batch.images), -1.0)
