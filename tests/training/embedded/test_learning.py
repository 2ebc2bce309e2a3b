"""Training computes what serving computes, counts only answers, and learns."""

import copy
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from cxr.films.film import Film, letterbox
from cxr.findings import FINDINGS
from cxr.prompts import ask_finding, build_conversation
from cxr.results import Observation
from cxr.training.conversations import Truth
from cxr.training.embedded import learning
from cxr.training.embedded.batches import Batch, Pool
from cxr.training.embedded.examples import CLOSED, LONGEST_CLOSED, ConversationWriter, make_example, stack
from cxr.training.embedded.fitting import Pace
from cxr.training.embedded.learning import Learner, known_loss, learn
from tests.tiny import noise_film, tiny_engine

FILMS, CLOSED_ROWS, FREE_ROWS = 4, 2, 2


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads of a busy machine wait for one another longer than these small products take."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def learner() -> Learner:
    engine = tiny_engine()
    torch.manual_seed(0)
    return Learner(copy.deepcopy(engine.model), engine.processor)


@pytest.fixture(scope="module")
def batch() -> Batch:
    """Four noise films of which everything is known: the odd ones have a pleural effusion on the left."""
    writer = ConversationWriter(tiny_engine().processor.tokenizer)
    keys = frozenset(finding.key for finding in FINDINGS)
    truths = [
        Truth((Observation("effusion", "left"),), keys - {"effusion"}, "PA") if i % 2 else Truth((), keys, "AP")
        for i in range(FILMS)
    ]
    examples = stack(
        [make_example(noise_film(i), t, None, writer, random.Random(i), 56, 4, 4) for i, t in enumerate(truths)]
    )
    pool = Pool(examples, FILMS, torch.device("cpu"))
    pool.add(examples)
    return pool.sample(FILMS, 4, CLOSED_ROWS, FREE_ROWS, torch.Generator().manual_seed(0))


def as_batch_image(film: Film, side: int) -> torch.Tensor:
    canvas = torch.tensor(list(letterbox(film, side).getdata())).reshape(1, 1, side, side)
    return canvas.float() / 255


def test_training_sees_what_serving_sees(learner: Learner) -> None:
    engine = tiny_engine()
    for film in (noise_film(1), noise_film(2, 60, 200)):
        states = learner.encode(as_batch_image(film, engine.canvas))
        torch.testing.assert_close(states, engine.encode(film).states, atol=1e-4, rtol=0)


def naive_loss(learner: Learner, batch: Batch, film: int, row: int) -> torch.Tensor:
    """Cross-entropy by token of one answer, from what the engine itself computes for this conversation."""
    engine = tiny_engine()
    start, end = int(batch.starts[film, row]), int(batch.ends[film, row])
    ids = batch.tokens[film, row, :end].tolist()
    states = learner.encode(batch.images[film : film + 1])
    image = ids.index(engine.processor.image_token_id)
    seen = torch.ones(1, end, 1, 1, dtype=torch.long)
    seen[:, :image] = 0
    logits = learner.mllama(
        input_ids=torch.tensor([ids]), cross_attention_mask=seen, cross_attention_states=states, use_cache=False
    ).logits[0]
    return torch.stack([-logits[place - 1].log_softmax(-1)[ids[place]] for place in range(start, end)])


@torch.no_grad()
def test_the_loss_of_a_row_is_that_of_its_answer_alone(learner: Learner, batch: Batch) -> None:
    """Batched and padded, a row costs what it costs on its own."""
    states = learner.encode(batch.images)
    longest = int(batch.ends.max())
    loss, answers, *rows = learner.speak(states, batch, None, slice(0, 4), longest)
    shape = (4, 4, longest - 1)
    loss, answers = (part.reshape(shape) for part in (loss, answers))
    decisions, closed = (part.reshape(4, 4) for part in rows)
    assert closed.tolist() == [[1.0] * CLOSED_ROWS + [0.0] * FREE_ROWS] * 4
    for film, row in ((0, 0), (1, 1), (2, 2), (3, 3)):
        start, end = int(batch.starts[film, row]), int(batch.ends[film, row])
        assert answers[film, row].nonzero().flatten().tolist() == list(range(start - 1, end - 1))
        expected = naive_loss(learner, batch, film, row)
        torch.testing.assert_close(loss[film, row, start - 1 : end - 1], expected, atol=1e-4, rtol=1e-4)
        assert loss[film, row].sum() == pytest.approx(float(expected.sum()), rel=1e-4)
        assert float(decisions[film, row]) == pytest.approx(float(expected[0]), rel=1e-4)  # the answer's first token


@torch.no_grad()
def test_the_first_target_is_what_probabilities_are_read_from(learner: Learner, batch: Batch) -> None:
    """The decision's cross-entropy is the same as serving's log-probability after the closed question."""
    engine, film = tiny_engine(), noise_film(0)
    tokens = engine._tokenize(build_conversation(ask_finding(FINDINGS[1])))
    yes = engine.processor.tokenizer.encode("Yes", add_special_tokens=False)
    before = engine._find_film(tokens) + 1
    served = engine._run_rows(engine.encode(film), tokens[:before], [tuple(tokens[before:])], 1, yes[:1])
    row = torch.tensor([[[*tokens, *yes]]])
    place = torch.tensor([[len(tokens)]])
    images = as_batch_image(film, engine.canvas)
    one = replace(batch, images=images, tokens=row, starts=place, ends=place + 1, asked=torch.zeros(1, 1).long())
    _, _, decisions, closed = learner.speak(learner.encode(images), one, None, slice(0, 1), row.shape[-1])
    assert float(decisions) == pytest.approx(-float(served), abs=1e-3) and closed.tolist() == [1.0]


def test_what_is_believed_of_a_film_stands_for_its_labels(learner: Learner, batch: Batch) -> None:
    """Yes and no cost as much as is believed of each; a film of which nothing is believed keeps its labels."""
    plain = learner(batch)
    nothing = torch.full_like(batch.findings, -1.0)
    for name, loss in learner(batch, nothing).items():
        torch.testing.assert_close(loss, plain[name])
    exact = learner(batch, (batch.findings == 1).float())
    torch.testing.assert_close(exact["decision"], plain["decision"])
    torch.testing.assert_close(exact["findings"], plain["findings"])
    surer, opposite = (learner(batch, (batch.findings == value).float()) for value in (1, 0))
    half = learner(batch, torch.full_like(batch.findings, 0.5))
    for name in ("decision", "findings"):
        torch.testing.assert_close(half[name], (surer[name] + opposite[name]) / 2)


def test_the_films_token_is_never_a_target(learner: Learner, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    targets: list[torch.Tensor] = []
    entropy = F.cross_entropy

    def watch(logits: torch.Tensor, target: torch.Tensor, **more: object) -> torch.Tensor:
        targets.append(target)
        return entropy(logits, target, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(learning.F, "cross_entropy", watch)
    losses = learner(batch)
    asked = torch.cat(targets)
    assert learner.image_token in batch.tokens and learner.image_token not in asked
    assert all(loss.isfinite() for loss in losses.values())
    ends = torch.cat([batch.ends[:, :2].clamp(max=LONGEST_CLOSED), batch.ends[:, 2:]], 1)
    answers = int((ends - batch.starts).clamp(min=0).sum())
    assert int((asked != learning.IGNORED).sum()) == answers


def test_the_loss_depends_on_the_film_and_reaches_every_part(learner: Learner, batch: Batch) -> None:
    losses = learner(batch)
    other = learner(replace(batch, images=batch.images.roll(1, 0)))
    assert losses["tokens"] != other["tokens"]
    torch.stack(list(losses.values())).sum().backward()
    without = {name.split(".")[1] for name, p in learner.named_parameters() if p.grad is None or not p.grad.any()}
    assert not without & {"findings", "sides"}
    vision = [p.grad for name, p in learner.named_parameters() if "vision_model.patch_embedding" in name]
    assert vision and all(grad is not None and grad.any() for grad in vision)


def test_unknown_targets_cost_nothing() -> None:
    logits = torch.tensor([[2.0, -1.0, 50.0]])
    known = known_loss(logits, torch.tensor([[1.0, 0.0, -1.0]]))
    expected = (F.softplus(torch.tensor(-2.0)) + F.softplus(torch.tensor(-1.0))) / 2
    torch.testing.assert_close(known, expected)
    torch.testing.assert_close(known_loss(logits * torch.tensor([1.0, 1.0, -1.0]), torch.tensor([[1.0, 0, -1]])), known)
    assert known_loss(logits, torch.full((1, 3), -1.0)) == 0
    weighted = known_loss(logits, torch.tensor([[1.0, 0.0, -1.0]]), positive=3.0)
    torch.testing.assert_close(weighted, (3 * F.softplus(torch.tensor(-2.0)) + F.softplus(torch.tensor(-1.0))) / 2)


def test_heads_keep_the_pictures_order() -> None:
    """A cell of the map is the patch of the same row and column; the class token is no cell."""
    heads = learning.Heads(1)
    with torch.no_grad():
        heads.maps.weight.fill_(1)
        heads.maps.bias.zero_()
    states = torch.tensor([99.0, 0, 1, 2, 3])[None, :, None]
    assert heads(states)[2][0, 0].tolist() == [[0, 1], [2, 3]]
    assert [tuple(out.shape) for out in heads(states)] == [(1, CLOSED), (1, CLOSED, 2), (1, CLOSED, 2, 2)]


def total(learner: Learner, batch: Batch) -> float:
    with torch.no_grad():
        return float(sum(learner(batch).values()))


def test_learning_lowers_the_loss(learner: Learner, batch: Batch) -> None:
    before = total(learner, batch)
    learn(learner, [batch] * 12, Pace(12, 6e-3, average=0.5))
    assert total(learner, batch) < 0.8 * before


def test_what_is_frozen_stays(learner: Learner, batch: Batch) -> None:
    learner.model.model.vision_model.requires_grad_(False)
    frozen = [p.clone() for p in learner.model.model.vision_model.parameters()]
    free = (learner.heads.findings.weight, learner.model.model.language_model.layers[0].mlp.up_proj.weight)
    before = [p.detach().clone() for p in free]
    learn(learner, [batch] * 3, Pace(3, 1e-2, muon=True))
    assert all(map(torch.equal, frozen, learner.model.model.vision_model.parameters()))
    assert not any(map(torch.equal, before, free))


def test_what_is_believed_is_learnt_from(learner: Learner, batch: Batch) -> None:
    """The loop asks what is believed of every batch, and the findings' loss follows it."""
    asked: list[Batch] = []

    def believe(each: Batch) -> torch.Tensor:
        asked.append(each)
        return torch.full_like(each.findings, 0.3)

    learn(learner, [batch] * 60, Pace(60, 1e-2, warmup=5, average=0.5), believe)
    assert len(asked) == 60 and torch.equal(asked[0].tokens, batch.tokens)
    with torch.no_grad():
        told = learner.heads(learner.encode(batch.images))[0].sigmoid()
    assert (told - 0.3).abs().max() < 0.1
