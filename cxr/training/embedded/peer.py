"""The peer that the embedded model's eye must beat: a ResNet-18 from scratch on the same films.

Source: He et al., Deep residual learning for image recognition, arXiv:1512.03385.
"""

import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from transformers import ResNetConfig, ResNetModel

from cxr.findings import FINDINGS
from cxr.training.embedded.views import resize

SIDE = 224  # px
WIDTH = 512  # of the last stage


class ResNet18(nn.Module):
    """films x 1 x side x side in 0..1 -> films x 14 logits."""

    def __init__(self) -> None:
        super().__init__()
        config = ResNetConfig(
            num_channels=1,
            embedding_size=64,
            hidden_sizes=[64, 128, 256, WIDTH],
            depths=[2, 2, 2, 2],
            layer_type="basic",
        )
        self.core = ResNetModel(config)
        self.head = nn.Linear(WIDTH, len(FINDINGS))
        convert_conv2d_weight_memory_format(self, torch.channels_last)  # 1.7 times as fast on a GPU

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """The logits."""
        pixels = (resize(images, SIDE) - 0.5) / 0.25
        logits: torch.Tensor = self.head(self.core(pixels).pooler_output.flatten(1).float())
        return logits
