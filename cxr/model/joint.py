"""Linear layers that read the same input, run as one. Knows nothing about where they stand in a model.

One token is bound by reading weights and by starting kernels: three small multiplications take longer than one of
their size. The layers keep working by themselves, since their weights become views of the joint one.
"""

from collections.abc import Sequence
from typing import Any

import torch
from peft.tuners.lora.layer import LoraLayer
from torch import Tensor, nn


class Joint:
    """Layers side by side: plain or 4-bit ones as one multiplication, their LoRA as two thin ones; others singly."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        lora = all(map(can_stand_apart, layers))
        self.layers = [find_base(layer) if lora else layer for layer in layers]
        self.weight: Tensor | None = None  # sum of all out x in
        self.packed: tuple[Tensor, Tensor, tuple[int, int], int, str] | None = None
        self.low, self.high = join_lora(layers) if lora else (None, None)
        if all(type(layer) is nn.Linear and layer.bias is None for layer in self.layers):
            self.weight = join_weights([layer for layer in self.layers if isinstance(layer, nn.Linear)])
        elif len(layers) > 1 and all(type(layer).__name__ == "Linear4bit" for layer in self.layers):
            self.packed = join_packed(self.layers)

    def __call__(self, inputs: Tensor) -> Tensor:
        """... x in -> ... x (sum of all out)."""
        outputs = self._run(inputs)
        if self.low is None or self.high is None:
            return outputs
        return outputs.add_(nn.functional.linear(nn.functional.linear(inputs, self.low), self.high))

    def _run(self, inputs: Tensor) -> Tensor:
        if self.weight is not None:
            return nn.functional.linear(inputs, self.weight)
        if self.packed is not None:
            packed, scales, shape, block, kind = self.packed
            return torch.ops.bitsandbytes.gemm_4bit.default(inputs, packed, shape, scales, block, kind)
        outputs = [layer(inputs) for layer in self.layers]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)

    def add_to(self, residual: Tensor, inputs: Tensor) -> Tensor:
        """`residual` + the outputs, written into `residual`."""
        if self.weight is None or self.low is not None:
            return residual.add_(self(inputs))
        flat = residual.view(-1, residual.shape[-1])
        flat.addmm_(inputs.reshape(-1, inputs.shape[-1]), self.weight.t())  # one kernel less than product and sum
        return residual


def join_weights(layers: Sequence[nn.Linear]) -> Tensor:
    """All weights as one, (sum of all out) x in; each layer's own becomes a view of it, so no memory is added."""
    if len(layers) == 1:
        return layers[0].weight.data
    joint = torch.cat([layer.weight.data for layer in layers])
    for layer, part in zip(layers, joint.split([layer.weight.shape[0] for layer in layers]), strict=True):
        layer.weight.data = part
    return joint


def join_packed(layers: Sequence[Any]) -> tuple[Tensor, Tensor, tuple[int, int], int, str] | None:
    """4-bit weights as one, in the way of `join_weights`: packed values, scales, shape, block and kind.

    Scales that are 8-bit themselves are unpacked to float32 (0.37 bit a weight more), since each layer has its own
    offset. None where the layers are too unlike, or hold a bias.
    """
    weights = [layer.weight for layer in layers]
    states = [weight.quant_state for weight in weights]
    kinds = {(state.blocksize, state.quant_type, state.dtype, state.shape[1]) for state in states}
    whole = all(state.shape[1] % state.blocksize == 0 for state in states)  # so no block spans two layers
    if len(kinds) > 1 or not whole or any(layer.bias is not None for layer in layers):
        return None
    joint = torch.cat([weight.data.reshape(-1, 1) for weight in weights])
    for weight, part in zip(weights, joint.split([weight.data.numel() for weight in weights]), strict=True):
        weight.data = part.view(weight.data.shape)
    shape = sum(state.shape[0] for state in states), states[0].shape[1]
    return (
        joint,
        torch.cat([unpack_scales(state) for state in states]),
        shape,
        states[0].blocksize,
        states[0].quant_type,
    )


def unpack_scales(state: Any) -> Tensor:
    """The float32 scales of a bitsandbytes QuantState, a block each."""
    if not state.nested:
        return state.absmax
    second = state.state2
    unpack = torch.ops.bitsandbytes.dequantize_blockwise.default
    return unpack(state.absmax, second.absmax, second.code, second.blocksize, torch.float32) + state.offset


def can_stand_apart(layer: Any) -> bool:
    """Whether a layer is no LoRA, or a plain one: low times high, added to what its base makes."""
    if not isinstance(layer, LoraLayer):
        return True
    names = layer.active_adapters
    plain = not (layer.merged or layer.lora_variant or any(map(layer.use_dora.get, names)))
    return plain and all(type(layer.lora_A[name]) is nn.Linear for name in names if name in layer.lora_A)


def find_base(layer: Any) -> Any:
    """The layer without its LoRA."""
    return layer.get_base_layer() if isinstance(layer, LoraLayer) else layer


def join_lora(layers: Sequence[Any]) -> tuple[Tensor | None, Tensor | None]:
    """What the layers' LoRA add: (sum of ranks) x in, and (sum of all out) x (sum of ranks) with the scales in it."""
    starts, rows = [], 0
    for layer in layers:
        starts.append(rows)
        rows += find_base(layer).out_features
    pairs: list[tuple[int, Any, Any]] = [
        (start, layer.lora_A[name].weight.data, layer.lora_B[name].weight.data * layer.scaling[name])
        for start, layer in zip(starts, layers, strict=True)
        if isinstance(layer, LoraLayer) and not layer.disable_adapters
        for name in layer.active_adapters
        if name in layer.lora_A
    ]
    if not pairs:
        return None, None
    low = torch.cat([each for _, each, _ in pairs])
    high, column = low.new_zeros(rows, len(low)), 0
    for start, _, each in pairs:
        high[start : start + len(each), column : column + each.shape[1]] = each
        column += each.shape[1]
    base = find_base(layers[0])
    dtype = base.weight.dtype if base.weight.is_floating_point() else base.compute_dtype or torch.bfloat16
    return low.to(dtype), high.to(dtype)
