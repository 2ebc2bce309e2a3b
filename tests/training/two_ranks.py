"""Run by torchrun: every rank trains the same tiny Mllama on its share and writes down what it ended with."""

import os
import sys
from pathlib import Path

import torch

from tests.training.test_dataset import make_rows
from tests.training.test_trainer import make_trainer, weights

if __name__ == "__main__":
    out, rank = Path(sys.argv[1]), os.environ["RANK"]
    films = out / f"films-{rank}"
    films.mkdir()
    trainer = make_trainer(
        out / "run", make_rows(films, 8), dropout=0.0, accumulation=1, optim="sgd", clip=0.0, rate=0.5
    )
    trainer.train()
    torch.save({"world": trainer.accelerator.num_processes, **weights(trainer)}, out / f"rank-{rank}.pt")
