"""The eye learns what is known, alone and fast, and its weights are those of the model that will speak."""

import copy
from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import nn

from cxr.training.embedded.batches import Strength
from cxr.training.embedded.build import Size
from cxr.training.embedded.fitting import Fitter, Losses, Pace
from cxr.training.embedded.learning import Learner
from cxr.training.embedded.peer import ResNet18
from cxr.training.embedded.seeing import (
    MEAN,
    STD,
    Lessons,
    Seer,
    ask,
    build_seer,
    guess_loss,
    hide,
    label_loss,
    look,
    person_loss,
    see_loss,
    skip_layers,
)
from cxr.training.embedded.views import Views, join_views, pick, vary, view_drawn
from tests.tiny import tiny_engine
from tests.training.embedded.teacher import Teacher

TINY = Size(canvas=56, patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64, text_layers=4, heads=4)


@pytest.fixture(scope="module")
def films() -> Views:
    return join_views([view_drawn(1, 6, 56, 4)], torch.device("cpu"))


@pytest.fixture
def batch(films: Views) -> Views:
    dice = torch.Generator().manual_seed(0)
    return vary(pick(films, torch.arange(6), 8, dice), dice, Strength(), 56, 4)


def total(losses: Losses) -> float:
    return sum(float(loss.detach()) for loss in losses.values())


def test_the_eye_sees_what_the_speaking_model_sees() -> None:
    engine = tiny_engine()
    learner = Learner(copy.deepcopy(engine.model), engine.processor)
    core = learner.mllama.model
    seer = Seer(core.vision_model, core.multi_modal_projector, learner.heads, 14)
    images = torch.rand(2, 1, 56, 56)
    scaling = engine.processor.image_processor
    assert set(scaling.image_mean) == {MEAN} and set(scaling.image_std) == {STD}
    with torch.no_grad():
        torch.testing.assert_close(seer.see(images), learner.encode(images), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("lessons", [Lessons(), Lessons(person=0.3), Lessons(hidden=0.5)])
def test_learning_lowers_the_loss_and_the_average_is_kept(batch: Views, lessons: Lessons) -> None:
    torch.manual_seed(0)
    seer = build_seer(TINY)
    loss = partial(see_loss, lessons=lessons)
    before = total(see_loss(seer, batch, lessons))
    fitter = Fitter(seer, loss, Pace(40, 3e-3, warmup=5, average=0.5))
    assert list(fitter.fit(repeat(batch))) == list(range(1, 41))
    last = [parameter.detach().clone() for parameter in seer.parameters()]
    fitter.keep_average()
    assert total(see_loss(seer, batch, lessons)) < 0.8 * before
    assert any(not torch.equal(now, then) for now, then in zip(seer.parameters(), last, strict=True))


def test_what_the_teachers_say_is_learnt_where_nothing_is_known(batch: Views) -> None:
    teachers = [Teacher(2.0), Teacher(4.0)]
    said = ask(teachers, batch["images"])
    torch.testing.assert_close(said, torch.full((8, 14), (0.880797 + 0.982014) / 2))
    unknown = {**batch, **{name: torch.full_like(batch[name], -1) for name in ("findings", "sides", "maps")}}
    torch.manual_seed(0)
    seer = build_seer(TINY)
    assert total(see_loss(seer, unknown)) == 0
    real = {**batch, "maps": batch["maps"] * 0, "placed": batch["placed"] * 0}  # absent everywhere, as far as is known
    for films, alone, counts in ((batch, True, True), (real, True, False), (real, False, True)):
        assert (see_loss(seer, films, Lessons(alone=alone))["findings"] > 0) == counts
    lessons = Lessons(taught=1.0)
    for _ in Fitter(seer, partial(see_loss, lessons=lessons, teachers=teachers), Pace(60, 3e-3, warmup=5)).fit(
        repeat(unknown)
    ):
        pass
    with torch.no_grad():
        assert (seer(batch["images"]).sigmoid() - said).abs().max() < 0.05


def test_a_layer_is_left_out_of_some_films_and_none_when_looking() -> None:
    torch.manual_seed(0)
    seer, plain = build_seer(TINY), build_seer(TINY)
    plain.load_state_dict(seer.state_dict())
    skip_layers(seer, 0.9)
    images = torch.rand(8, 1, 56, 56)
    with torch.no_grad():
        seer.train()
        assert not torch.allclose(seer(images), plain(images))
        seer.eval()
        torch.testing.assert_close(seer(images), plain(images))


def repeat(batch: Views) -> Iterator[Views]:
    while True:
        yield batch


def test_hidden_patches_are_whole_and_in_about_half_of_the_films() -> None:
    torch.manual_seed(0)
    veil = hide(torch.rand(400, 1, 56, 56), 14, 0.4)
    cells = veil.unfold(2, 14, 14).unfold(3, 14, 14)
    assert torch.equal(cells.any((-1, -2)), cells.all((-1, -2)))
    touched = veil.flatten(1).any(1)
    assert 0.4 < touched.float().mean() < 0.6 and 0.35 < veil[touched].float().mean() < 0.45


def test_only_hidden_patches_are_to_be_guessed() -> None:
    images, veil = torch.rand(2, 1, 28, 28), torch.zeros(2, 1, 28, 28, dtype=torch.bool)
    veil[0, :, :14, 14:] = True
    patches = torch.nn.functional.unfold(images, 14, stride=14).transpose(1, 2)
    right = (patches - patches.mean(-1, keepdim=True)) / (patches.std(-1, keepdim=True) + 0.02)
    wrong = torch.zeros_like(right)
    wrong[0, 1] = right[0, 1]
    assert guess_loss(wrong, images, veil, 14) < 1e-6
    wrong[0, 1] += 1
    assert float(guess_loss(wrong, images, veil, 14)) == pytest.approx(1, abs=1e-4)


def test_what_is_unknown_of_a_person_costs_nothing() -> None:
    logits = torch.tensor([[3.0, 0.5, -2.0]])
    assert person_loss(logits, torch.tensor([[-1.0, -1.0, -1.0]])) == 0
    assert person_loss(logits, torch.tensor([[-1.0, 60.0, -1.0]])) < 1e-6  # 0.5 spans of 20 years above 50
    assert person_loss(logits, torch.tensor([[0.0, -1.0, -1.0]])) > 3


def test_the_peer_is_a_resnet_18() -> None:
    peer = ResNet18()
    assert 11.1e6 < sum(p.numel() for p in peer.parameters()) < 11.3e6  # 11.7 M less its 1000 classes and two colours
    convolutions = [m for m in peer.modules() if isinstance(m, nn.Conv2d) and m.kernel_size != (1, 1)]
    assert len(convolutions) == 17  # and one linear layer
    loss = label_loss(peer, {"images": torch.rand(2, 1, 64, 64), "findings": torch.tensor([[1.0] * 14, [-1.0] * 14])})
    assert loss["findings"].isfinite()


def test_looking_changes_nothing_and_gives_a_row_a_film(films: Views) -> None:
    seer = build_seer(TINY)
    one = look(seer, films["images"], 56, chunk=4)
    assert one.shape == (6, 14) and seer.training
    torch.testing.assert_close(one[4:], look(seer, films["images"][4:], 56), atol=1e-5, rtol=1e-4)
