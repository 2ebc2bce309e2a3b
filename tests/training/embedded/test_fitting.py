"""The loop takes its steps, keeps the average, and turns the matrices of layers, and only those, by Muon."""

import logging
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from cxr.training.embedded.build import Size
from cxr.training.embedded.fitting import Fitter, Inputs, Losses, Pace, fit, list_matrices
from cxr.training.embedded.seeing import Seer, build_seer
from tests.training.embedded.teacher import Teacher

TINY = Size(canvas=56, patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64, text_layers=4, heads=4)
FILMS: Inputs = {"images": torch.rand(4, 1, 56, 56, generator=torch.Generator().manual_seed(0))}


@pytest.fixture
def seer() -> Seer:
    torch.manual_seed(0)
    return build_seer(TINY)


def miss(model: nn.Module, inputs: Inputs) -> Losses:
    """How far every finding is from being certain."""
    return {"certain": nn.functional.softplus(-model(inputs["images"])).mean()}


def repeat(batch: Inputs) -> Iterator[Inputs]:
    while True:
        yield batch


@pytest.mark.parametrize("muon", [False, True])
def test_fitting_lowers_the_loss_and_ends_on_the_average(seer: Seer, muon: bool) -> None:
    before = float(miss(seer, FILMS)["certain"].detach())
    fitter = Fitter(seer, miss, Pace(20, 3e-3, warmup=5, average=0.5, muon=muon))
    path = [[weight.clone() for weight in fitter.weights] for _ in fitter.fit(repeat(FILMS))]
    average = [weight.clone() for weight in path[0]]
    for step, weights in enumerate(path):
        for mean, weight in zip(average, weights, strict=True):
            mean += (1 - min(0.5, step / (step + 10))) * (weight - mean)
    fitter.keep_average()
    torch.testing.assert_close([p.detach() for p in fitter.parameters], average)
    assert float(miss(seer, FILMS)["certain"].detach()) < 0.5 * before


@pytest.mark.parametrize(("batches", "steps"), [(9, 2), (2, 9)])
def test_fitting_ends_with_its_steps_or_its_batches(seer: Seer, batches: int, steps: int) -> None:
    assert list(Fitter(seer, miss, Pace(steps)).fit([FILMS] * batches)) == [1, 2]


def test_only_matrices_within_layers_are_turned(seer: Seer) -> None:
    """Not the patches' convolution, the embeddings, the gates, the projector or the heads."""
    turned = {id(matrix) for matrix in list_matrices(seer)}
    names = {name for name, parameter in seer.named_parameters() if id(parameter) in turned}
    assert len(names) == 4 * 6 and all("transformer.layers" in name and name.endswith(".weight") for name in names)
    seer.vision.transformer.layers[0].requires_grad_(False)
    assert len(list_matrices(seer)) == 3 * 6
    assert list_matrices(Teacher(1.0)) == []


def test_a_turned_matrix_moves_in_all_its_directions() -> None:
    """Muon's step has singular values near one another; AdamW's has one that outweighs the rest."""

    def spread(muon: bool) -> float:
        torch.manual_seed(0)
        model = build_seer(TINY)
        matrix = list_matrices(model)[0]
        before = matrix.detach().clone()
        list(Fitter(model, miss, Pace(9, 1e-2, decay=0, muon=muon)).fit([FILMS]))
        singular = torch.linalg.svdvals(matrix.detach() - before)
        return float(singular[0] / singular.median())

    assert spread(True) < 2 < 4 < spread(False)


def test_the_rate_of_now_scales_a_turn() -> None:
    """While it warms up a step is as much smaller as the rate is."""
    moves = []
    for warmup in (1, 2):
        torch.manual_seed(0)
        model = build_seer(TINY)
        matrix = list_matrices(model)[0]
        before = matrix.detach().clone()
        list(Fitter(model, miss, Pace(20, 1e-2, warmup=warmup, muon=True)).fit([FILMS]))
        moves.append(matrix.detach() - before)
    torch.testing.assert_close(moves[0], 2 * moves[1], atol=1e-6, rtol=1e-3)


def test_what_is_learnt_is_told(seer: Seer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fit(seer, miss, repeat(FILMS), Pace(3))
    assert [record.message.split(":")[0] for record in caplog.records] == ["Seer, step 1 of 3", "Seer, step 3 of 3"]
    assert all("certain 0." in record.message for record in caplog.records)
