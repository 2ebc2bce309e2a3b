"""Only the tiles that show the film are encoded, which stock Mllama cannot: it wants as many as it was built for.

Not the same as encoding all of them, since there a patch sees the padding tiles, too. Up to 6 times cheaper for a film
of one tile; so it is for adapters that were trained that way.
"""

from torch import Tensor
from transformers import MllamaForConditionalGeneration
from transformers.models.mllama.modeling_mllama import (
    MllamaPrecomputedAspectRatioEmbedding,
    MllamaPrecomputedPositionEmbedding,
)


class FewTiles(MllamaPrecomputedAspectRatioEmbedding):
    """What tells the tiles apart, for the first ones alone."""

    def forward(self, hidden_states: Tensor, aspect_ratio_ids: Tensor) -> Tensor:
        """films x tiles x patches x width -> the same."""
        of_tile = self.embedding(aspect_ratio_ids).reshape(-1, self.max_num_tiles, 1, self.hidden_size)
        of_tile = of_tile[:, : hidden_states.shape[1]]
        return hidden_states + (of_tile * self.gate.tanh() if self.is_gated else of_tile)


class FewTilesPosition(MllamaPrecomputedPositionEmbedding):
    """What tells the patches apart, for the first tiles alone."""

    def forward(self, hidden_states: Tensor, aspect_ratio_ids: Tensor) -> Tensor:
        """films x tiles x patches x width -> the same."""
        hidden_states = hidden_states + ((1 - self.gate.tanh()) * self.embedding)[None, None]
        of_tile = self.tile_embedding(aspect_ratio_ids)
        of_tile = of_tile.reshape(-1, self.max_num_tiles, self.num_patches, self.hidden_size)
        return hidden_states + self.gate.tanh() * of_tile[:, : hidden_states.shape[1]]


def allow_few_tiles(model: MllamaForConditionalGeneration) -> None:
    """Let a loaded model encode fewer tiles than it was built for; with as many it does what it did."""
    vision = model.model.vision_model
    for layer in (vision.pre_tile_positional_embedding, vision.post_tile_positional_embedding):
        layer.__class__ = FewTiles  # names and weights stay
    vision.gated_positional_embedding.__class__ = FewTilesPosition
