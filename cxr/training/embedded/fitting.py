"""A loop that trains a small model fast. Knows nothing about films, nor about text."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from cxr.training.embedded.build import LAYERS, fuse

logger = logging.getLogger(__name__)

Inputs = dict[str, torch.Tensor]  # a batch by name, every one of the same shapes
Losses = dict[str, torch.Tensor]  # by name, to be summed
REPORT = 250  # steps from one line of the log to the next


@dataclass(frozen=True)
class Pace:
    """How long and how fast: AdamW with warm-up and a cosine, and an average of the weights that is kept."""

    steps: int
    rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.05
    average: float = 0.995
    muon: bool = False  # for the matrices in the layers of a Mllama (https://kellerjordan.github.io/posts/muon/)


def fit(model: nn.Module, loss: Callable[[nn.Module, Inputs], Losses], batches: Iterable[Inputs], pace: Pace) -> None:
    """Train what requires gradients in place; ends with the averaged weights."""
    fitter = Fitter(model, loss, pace)
    for step in fitter.fit(batches):
        if step % REPORT == 0 or step in (1, pace.steps):
            told = " ".join(f"{name} {loss.item():.3f}" for name, loss in fitter.losses.items())
            logger.info("%s, step %d of %d: %s", type(model).__name__, step, pace.steps, told)
    fitter.keep_average()


class Fitter:
    """Trains a model in place; on a GPU a whole step is one CUDA graph. `average` holds the weights to keep."""

    def __init__(self, model: nn.Module, loss: Callable[[nn.Module, Inputs], Losses], pace: Pace) -> None:
        self.model, self.loss, self.pace = model, loss, pace
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.weights = [p.detach() for p in self.parameters]
        self.average = [weight.clone() for weight in self.weights]
        device = self.parameters[0].device
        self.rate = torch.tensor(pace.rate, device=device)
        self.share = torch.tensor(1.0, device=device)  # of the current weights in the average
        graphed = device.type == "cuda"
        if graphed:
            fuse(model)
        turned = list_matrices(model) if pace.muon else []
        self.turned = [matrix.detach() for matrix in turned]
        known = {id(matrix) for matrix in turned}
        self.adam = torch.optim.AdamW(
            group([each for each in self.parameters if id(each) not in known], pace.decay),
            lr=self.rate,
            betas=(0.9, 0.98),
            fused=graphed,
            capturable=graphed,
        )
        # Its steps are as long as AdamW's, so one rate serves both (arXiv:2502.16982).
        self.muon = torch.optim.Muon(turned, pace.rate, pace.decay, adjust_lr_fn="match_rms_adamw") if turned else None
        self.graph: torch.cuda.CUDAGraph | None = None
        self.inputs: Inputs = {}
        self.losses: Losses = {}

    def fit(self, batches: Iterable[Inputs]) -> Iterator[int]:
        """One step after another, counted from 1."""
        warmup = min(self.pace.warmup, self.pace.steps // 5 + 1)
        for step, batch in zip(range(self.pace.steps), batches, strict=False):
            warm = min(1.0, (step + 1) / warmup)
            self.rate.fill_(self.pace.rate * warm * (0.505 + 0.495 * math.cos(math.pi * step / self.pace.steps)))
            self.share.fill_(1 - min(self.pace.average, step / (step + 10)))
            self._take(batch)
            yield step + 1

    def keep_average(self) -> None:
        """Let the model be its average."""
        with torch.no_grad():
            torch._foreach_copy_(self.weights, self.average)

    def _take(self, batch: Inputs) -> None:
        if not next(iter(batch.values())).is_cuda:
            self.inputs = batch
            self._step()
            return
        if self.graph is None:
            self._record(batch)
        for name, value in batch.items():
            self.inputs[name].copy_(value)
        assert self.graph is not None
        self.graph.replay()

    def _record(self, batch: Inputs) -> None:
        self.inputs = {name: value.clone() for name, value in batch.items()}
        kept = [weight.clone() for weight in self.weights]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self._step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self._step()
        with torch.no_grad():  # the steps for warming up do not count
            torch._foreach_copy_(self.weights, kept)
            for optimizer in (self.adam, self.muon):
                for state in optimizer.state.values() if optimizer else ():
                    for value in state.values():
                        value.zero_()

    def _step(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None
        kind = self.parameters[0].device.type
        with torch.autocast(kind, torch.bfloat16, enabled=kind == "cuda", cache_enabled=False):
            losses = self.loss(self.model, self.inputs)
        torch.stack(list(losses.values())).sum().backward()
        self.losses = {name: loss.detach() for name, loss in losses.items()}
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.adam.step()
        if self.muon:
            self._turn(self.muon)
        with torch.no_grad():
            ahead = torch._foreach_sub(self.weights, self.average)
            torch._foreach_mul_(ahead, self.share)
            torch._foreach_add_(self.average, ahead)

    @torch.no_grad()
    def _turn(self, muon: torch.optim.Muon) -> None:
        """A step of Muon at its full rate, scaled to the rate of now: a graph would hold its rate as a number."""
        before = [matrix.clone() for matrix in self.turned]
        muon.step()
        moved = torch._foreach_sub(self.turned, before)
        torch._foreach_mul_(moved, self.rate / self.pace.rate)
        torch._foreach_copy_(self.turned, before)
        torch._foreach_add_(self.turned, moved)


def group(parameters: list[nn.Parameter], decay: float) -> list[dict[str, object]]:
    """Weights that decay, and those that do not."""
    return [
        {"params": [each for each in parameters if each.dim() > 1], "weight_decay": decay},
        {"params": [each for each in parameters if each.dim() <= 1], "weight_decay": 0.0},
    ]


def list_matrices(model: nn.Module) -> list[nn.Parameter]:
    """What is trained of the matrices inside the layers of a Mllama; what surrounds them is left out."""
    layers = [module for module in model.modules() if isinstance(module, LAYERS)]
    linear = [each for layer in layers for each in layer.modules() if isinstance(each, nn.Linear)]
    weights = [cast(nn.Parameter, each.weight) for each in linear]
    return [weight for weight in weights if weight.requires_grad]
