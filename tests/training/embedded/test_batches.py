"""Pools give what was put in; augmentation moves picture and maps together and never mirrors."""

import random

import numpy as np
import torch

from cxr.results import Observation
from cxr.training.conversations import Truth
from cxr.training.embedded.batches import Batch, Pool, augment, join
from cxr.training.embedded.examples import ConversationWriter, Examples, make_example, stack
from tests.tiny import noise_film, tiny_engine

SIDE, GRID, FREE = 56, 4, 3


def make_examples(count: int = 4) -> Examples:
    """Noise films: number i has picture i, and only an effusion (present in even films) is known of it."""
    writer = ConversationWriter(tiny_engine().processor.tokenizer)
    known = [
        Truth((Observation("effusion", "left"),), frozenset({"hernia"}))
        if i % 2 == 0
        else Truth((), frozenset({"effusion"}))
        for i in range(count)
    ]
    return stack(
        [
            make_example(noise_film(i), truth, None, writer, random.Random(i), SIDE, GRID, FREE)
            for i, truth in enumerate(known)
        ]
    )


def make_pool(count: int = 4, capacity: int = 10) -> Pool:
    examples = make_examples(count)
    pool = Pool(examples, capacity, torch.device("cpu"))
    pool.add(examples)
    return pool


def dice(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def make_batch(images: torch.Tensor, maps: torch.Tensor) -> Batch:
    """Pictures and maps with nothing asked about them."""
    films = len(images)
    rows = torch.zeros(films, 1, dtype=torch.long)
    return Batch(
        images,
        rows[..., None],
        rows,
        rows,
        rows.bool(),
        torch.zeros(films, 14),
        torch.zeros(films, 14, 2),
        maps,
        torch.ones(films),
    )


def test_a_pool_holds_no_more_than_its_capacity_and_grows_as_asked() -> None:
    examples = make_examples()
    pool = Pool(examples, 6, torch.device("cpu"))
    pool.reach(3, iter([examples, examples]))
    assert pool.size == 4
    pool.reach(100, iter([examples, examples]))
    assert pool.size == 6
    np.testing.assert_array_equal(pool.held["images"][4:6].numpy(), examples["images"][:2])


def test_every_row_of_a_sample_belongs_to_its_film() -> None:
    examples = make_examples()
    batch = make_pool().sample(4, 40, 3, 2, dice())
    assert batch.images.shape == (40, 1, SIDE, SIDE) and batch.tokens.shape[:2] == (40, 5)
    assert (batch.asked >= 0).tolist() == [[True] * 3 + [False] * 2] * 40
    for i in range(40):
        picture = (batch.images[i, 0] * 255).round().byte().numpy()
        (film,) = [j for j in range(4) if np.array_equal(picture, examples["images"][j])]
        np.testing.assert_array_equal(batch.findings[i].numpy(), examples["findings"][film])
        own = {row.tobytes() for row in examples["tokens"][film].astype(np.int64)}
        assert {row.numpy().tobytes() for row in batch.tokens[i]} <= own


def test_empty_rows_are_never_drawn() -> None:
    batch = make_pool().sample(4, 500, 4, 2, dice())
    assert (batch.ends > batch.starts).all() and (batch.starts > 0).all()


def test_a_present_finding_is_asked_four_times_as_often() -> None:
    batch = make_pool(1).sample(1, 2000, 1, 0, dice())
    yes = tiny_engine().processor.tokenizer.encode("Yes", add_special_tokens=False)[0]
    first = batch.tokens[:, 0].gather(1, batch.starts)
    assert 0.76 < (first == yes).float().mean() < 0.84


def test_films_past_the_limit_are_not_seen() -> None:
    pool = make_pool()
    batch = pool.sample(2, 200, 1, 1, dice())
    seen = {(image[0] * 255).round().byte().numpy().tobytes() for image in batch.images}
    assert seen == {image.tobytes() for image in make_examples()["images"][:2]}


def test_joined_batches_keep_their_order() -> None:
    pool = make_pool()
    one, two = pool.sample(4, 2, 2, 2, dice(1)), pool.sample(4, 3, 1, 3, dice(2))
    both = join([one, two])
    assert torch.equal(both.images, torch.cat([one.images, two.images]))
    assert torch.equal(both.asked[2:], two.asked) and len(both.maps) == 5


def test_a_picture_stays_closer_to_itself_than_to_its_mirror_image() -> None:
    image = torch.full((60, 1, 64, 64), 0.1)
    image[..., 8:32, 36:60] = 0.9  # upper right: a whole chest is too like its mirror image for this
    moved = augment(make_batch(image, torch.full((60, 14, 8, 8), -1.0)), dice()).images
    assert not torch.allclose(moved, image)

    def likeness(other: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.corrcoef(torch.stack([a.flatten(), other.flatten()]))[0, 1] for a in moved])

    assert (likeness(image[0]) > likeness(image[0].flip(-1))).all()
    assert (likeness(image[0]) > likeness(image[0].flip(-2))).all()


def test_maps_move_with_the_picture() -> None:
    films, side, grid = 80, 112, 16
    images, maps = torch.zeros(films, 1, side, side), torch.zeros(films, 14, grid, grid)
    images[..., 28:56, 63:91] = 1
    maps[:, 0, 4:8, 9:13] = 1
    maps[:, 1] = -1
    after = augment(make_batch(images, maps), dice(3))
    assert (after.maps[:, 1] == -1).all() and (after.maps[:, 2] == 0).all()
    assert set(after.maps.unique().tolist()) <= {-1.0, 0.0, 1.0}
    pictures = after.images[:, 0].reshape(films, grid, 7, grid, 7).mean((2, 4))
    bright = pictures >= (pictures.amin((1, 2), keepdim=True) + pictures.amax((1, 2), keepdim=True)) / 2
    lit = after.maps[:, 0] > 0
    overlap = (bright & lit).sum((1, 2)) / (bright | lit).sum((1, 2)).clamp(min=1)
    assert overlap.median() > 0.6  # erased boxes and noise spoil some
    still = (bright & (maps[:, 0] > 0)).sum((1, 2)) / (bright | (maps[:, 0] > 0)).sum((1, 2)).clamp(min=1)
    assert overlap.mean() > still.mean() + 0.1  # maps that stayed would fit worse


def test_augmentation_leaves_truth_and_words_alone_and_greys_in_range() -> None:
    batch = make_pool().sample(4, 30, 2, 2, dice())
    after = augment(batch, dice())
    for name in ("tokens", "starts", "ends", "asked", "findings", "sides"):
        assert torch.equal(getattr(after, name), getattr(batch, name))
    assert after.images.min() >= 0 and after.images.max() <= 1 and after.images.isfinite().all()
    assert torch.equal(after.images, augment(batch, dice()).images)
    assert not torch.equal(after.images, augment(batch, dice(1)).images)
