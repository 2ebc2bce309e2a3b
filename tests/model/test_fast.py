"""The fast path says what the plain path says, and leaves the stage to it where it cannot run."""

import copy
import gc
import logging
import weakref
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import MllamaForConditionalGeneration

from cxr.films.film import letterbox
from cxr.findings import FINDINGS
from cxr.model.decoder import Decoder
from cxr.model.engine import Encoded, Engine
from cxr.model.joint import Joint
from cxr.model.layout import check_layout
from cxr.model.pixels import Cutter, cut_as_stock
from cxr.model.seat import Seat
from cxr.model.vision import Vision
from cxr.prompts import YES_NO, ask_finding, ask_report, build_conversation
from cxr.reader import Reader
from cxr.results import Turn
from tests.fakes import EMBEDDED
from tests.tiny import noise_film, tiny_engine

QUESTIONS = [build_conversation(ask_finding(finding)) for finding in FINDINGS]
REPORT = build_conversation(ask_report())
FURTHER = build_conversation("And now?", [Turn("Is there fluid?", "No.")])


@cache
def plain_engine(tiles: int = 1) -> Engine:
    """The tiny engine on the plain path with every gate open, the encoder's too."""
    tiny = tiny_engine(tiles)
    model = copy.deepcopy(tiny.model)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "gate" in name and parameter.numel() == 1:
                parameter.fill_(0.5)
    return Engine(model, tiny.processor, tiny.canvas, fast=False)


def fast_engine(tiles: int = 1) -> Engine:
    """The same on the fast path, unrecorded, over weights of its own."""
    plain = plain_engine(tiles)
    return Engine(copy.deepcopy(plain.model), plain.processor, plain.canvas, fast=True)


@contextmanager
def forbid_plain(engine: Engine) -> Iterator[None]:
    """Fail where the plain path runs."""

    def fail(*_: object) -> None:
        raise AssertionError("the plain path ran")

    hooks = [each.register_forward_pre_hook(fail) for each in (engine.model, engine.model.model.vision_model)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def read_logits(engine: Engine, encoded: Encoded, ids: list[int]) -> torch.Tensor:
    """The plain path's logits after each token of a text: tokens x vocabulary."""
    with torch.inference_mode():
        return engine._forward(torch.tensor([ids]), encoded, engine._new_cache()).logits[0]


@pytest.mark.parametrize("tiles", [1, 4])
def test_states_equal_the_plain_ones(tiles: int) -> None:
    plain, fast, film = plain_engine(tiles), fast_engine(tiles), noise_film()
    one = plain.encode(film)
    with forbid_plain(fast):
        other = fast.encode(film)
    assert one.tiles == other.tiles == tiles and other.states.shape == one.states.shape
    torch.testing.assert_close(other.states, one.states, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tiles", [1, 4])
def test_states_of_a_film_with_padding_tiles_equal_the_plain_ones(tiles: int) -> None:
    """One tile of film and three of padding, as the 11B has it for a canvas of one tile."""
    plain, fast = plain_engine(4), fast_engine(4)
    side = plain.canvas if tiles == 4 else plain.canvas // 2
    one, other = (Engine(each.model, each.processor, side, fast=each is fast) for each in (plain, fast))
    encoded = other.encode(noise_film())
    assert encoded.tiles == tiles
    torch.testing.assert_close(encoded.states, one.encode(noise_film()).states, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("tiles", [1, 4])
def test_tiles_are_cut_as_the_stock_processor_cuts_them(tiles: int) -> None:
    engine = plain_engine(tiles)
    cutter = Cutter(engine.processor, engine.canvas, torch.device("cpu"))
    canvas = letterbox(noise_film(2), engine.canvas)
    assert cutter.own
    torch.testing.assert_close(
        cutter.cut(canvas).pixels, cut_as_stock(engine.processor, canvas, torch.device("cpu")).pixels, atol=1e-5, rtol=0
    )


def test_a_canvas_that_is_no_square_of_tiles_is_cut_by_the_stock_processor() -> None:
    engine = plain_engine(4)
    cutter = Cutter(engine.processor, engine.canvas - 10, torch.device("cpu"))
    canvas = letterbox(noise_film(), engine.canvas - 10)
    assert not cutter.own
    torch.testing.assert_close(
        cutter.cut(canvas).pixels, cut_as_stock(engine.processor, canvas, torch.device("cpu")).pixels, atol=0, rtol=0
    )


@pytest.mark.parametrize("tiles", [1, 4])
def test_hidden_states_equal_the_plain_ones_token_by_token(tiles: int) -> None:
    plain, fast = plain_engine(tiles), fast_engine(tiles)
    encoded, ids = plain.encode(noise_film()), plain._tokenize(FURTHER)
    expected = read_logits(plain, encoded, ids)
    seat = Seat(Decoder(fast.model), capacity=256)
    film_at = plain._find_film(ids)
    with seat._taken([encoded.states]):
        for start, end in (
            (0, film_at + 2),
            (film_at + 2, len(ids) - 3),
            *((i, i + 1) for i in range(len(ids) - 3, len(ids))),
        ):
            sees = torch.ones(end - start, end, dtype=torch.bool).tril(start)
            hidden = seat._run([ids[start:end]], torch.arange(start, end), sees, film_at)
            logits = seat.decoder.head(hidden)[0]
            torch.testing.assert_close(logits, expected[start:end], atol=1e-4, rtol=1e-4)
    assert expected.std() > 0.1


@pytest.mark.parametrize("tiles", [1, 4])
def test_findings_equal_the_plain_ones(tiles: int) -> None:
    plain, fast, film = plain_engine(tiles), fast_engine(tiles), noise_film()
    options = [*YES_NO, "There is a mass"]
    with forbid_plain(fast):
        encoded = fast.encode(film)
        scores = fast.score(encoded, QUESTIONS, options)
        list(fast.stream(encoded, FURTHER, limit=3))
        again = fast.score(encoded, QUESTIONS, options)  # after a text that begins alike
    np.testing.assert_allclose(scores, plain.score(plain.encode(film), QUESTIONS, options), atol=1e-4)
    np.testing.assert_allclose(again, scores, atol=1e-5)
    assert np.ptp(scores[:, 0]) > 1e-3


@pytest.mark.parametrize("tiles", [1, 4])
def test_texts_equal_the_plain_ones(tiles: int) -> None:
    plain, fast, film = plain_engine(tiles), fast_engine(tiles), noise_film(3)
    one = plain.encode(film)
    with forbid_plain(fast):
        other = fast.encode(film)
        for conversation in (REPORT, FURTHER, FURTHER, REPORT):
            pieces = list(fast.stream(other, conversation, limit=30))
            assert pieces == list(plain.stream(one, conversation, limit=30)) and pieces


def test_a_text_longer_than_the_smallest_window_equals_the_plain_one() -> None:
    plain, fast = plain_engine(), fast_engine()
    plain_stops, plain.stops, fast.stops = plain.stops, set(), set()
    try:
        one, other = plain.encode(noise_film()), fast.encode(noise_film())
        with forbid_plain(fast):
            written = "".join(fast.stream(other, REPORT, limit=300))
        assert written == "".join(plain.stream(one, REPORT, limit=300))
    finally:
        plain.stops = plain_stops


def test_streams_of_two_films_in_turns_do_not_mix() -> None:
    plain, fast = plain_engine(4), fast_engine(4)
    films = [noise_film(seed) for seed in (1, 2)]
    expected = [list(plain.stream(plain.encode(film), REPORT, limit=12)) for film in films]
    with forbid_plain(fast):
        encoded = [fast.encode(film) for film in films]
        streams = [fast.stream(each, REPORT, limit=12) for each in (*encoded, encoded[0])]
        pieces: list[list[str]] = [[], [], []]
        for _ in range(12):
            for own, stream in zip(pieces, streams, strict=True):
                own.append(next(stream, ""))
    assert ["".join(own) for own in pieces] == ["".join(own) for own in (*expected, expected[0])]
    assert expected[0] != expected[1]


def test_streams_in_turns_run_no_step_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fast_engine()
    assert engine.fast
    texts = [(engine.encode(noise_film(seed)).states, engine._tokenize(REPORT)) for seed in (1, 2)]
    film_at = engine._find_film(texts[0][1])
    for states, ids in texts:
        ids.append(engine.fast.seat.choose_next(states, ids, film_at))
    run: list[int] = []
    stock = Decoder.run
    monkeypatch.setattr(Decoder, "run", lambda self, ids, *told: run.append(ids.shape[1]) or stock(self, ids, *told))
    for _ in range(5):
        for states, ids in texts:
            ids.append(engine.fast.seat.choose_next(states, ids, film_at))
    assert run == [1] * 10


def test_a_further_question_runs_only_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = fast_engine()
    encoded = fast.encode(noise_film())
    next(fast.stream(encoded, build_conversation("Is there fluid?")))
    run: list[int] = []
    stock = Decoder.run
    monkeypatch.setattr(Decoder, "run", lambda self, ids, *told: run.append(ids.shape[1]) or stock(self, ids, *told))
    next(fast.stream(encoded, build_conversation("And now?")))
    ids = fast._tokenize(build_conversation("And now?"))
    assert run[0] < len(ids) - fast._find_film(ids) and set(run[1:]) == {1}


def test_reports_of_many_films_equal_the_streamed_ones() -> None:
    plain, fast = plain_engine(4), fast_engine(4)
    films = [noise_film(seed) for seed in range(5)]
    expected = ["".join(plain.stream(plain.encode(film), REPORT, limit=15)) for film in films]
    with forbid_plain(fast):
        encoded = [fast.encode(film) for film in films]
        assert fast.write_all(encoded, [REPORT] * 5, limit=15, at_once=2) == expected
    assert plain.write_all([plain.encode(film) for film in films], [REPORT] * 5, limit=15) == expected
    assert len(set(expected)) > 1


NO_ROOM = [
    torch.OutOfMemoryError("no room"),
    MemoryError("no room"),
    RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
]
NO_KERNEL = [
    NotImplementedError("Could not run 'aten::_fused' with arguments from the 'CUDA' backend"),
    RuntimeError("No available kernel. Aborting execution."),
    RuntimeError("CUDA error: no kernel image is available for execution on the device"),
    RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'"),
]
OUR_FAULTS = [
    AttributeError("no such part"),
    TypeError("no such argument"),
    KeyError("no such key"),
    IndexError("out of range"),
    ValueError("zip"),
    RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
]
STEPS = [(Decoder, "run"), (Vision, "encode")]


def break_at(monkeypatch: pytest.MonkeyPatch, error: Exception, owner: type, step: str) -> None:
    """A step raises, once and for all."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(owner, step, fail)


@pytest.mark.parametrize(("error", "said"), [(NO_ROOM[0], "about this film"), (NO_KERNEL[0], "from now on")])
def test_what_cannot_run_is_left_to_the_plain_path_in_one_sentence(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plain, fast, film = plain_engine(), fast_engine(), noise_film()
    one, other = plain.encode(film), fast.encode(film)
    expected = list(plain.stream(one, REPORT, limit=10))
    stream = fast.stream(other, REPORT, limit=10)
    pieces = [next(stream)]
    break_at(monkeypatch, error, *STEPS[0])
    with caplog.at_level(logging.WARNING):
        assert pieces + list(stream) == expected  # the plain path goes on where the fast one stopped
        np.testing.assert_allclose(fast.score(other, QUESTIONS, YES_NO), plain.score(one, QUESTIONS, YES_NO), atol=1e-4)
    assert [record.message for record in caplog.records] == [
        f"the plain path answers {said} ({type(error).__name__}: {error})"
    ]


@pytest.mark.parametrize("error", NO_ROOM, ids=repr)
@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_the_film_after_one_that_did_not_fit_is_read_on_the_fast_path(
    error: Exception, owner: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, fast, films = plain_engine(), fast_engine(), [noise_film(seed) for seed in (1, 2)]
    asked = [plain.encode(film) for film in films]
    expected = [(plain.score(each, QUESTIONS, YES_NO), list(plain.stream(each, REPORT, limit=6))) for each in asked]
    freed: list[int] = []
    before = fast.encode(noise_film(3))
    assert fast.fast and list(fast.stream(before, REPORT, limit=2))
    stock = fast.fast._free
    monkeypatch.setattr(fast.fast, "_free", lambda film: (freed.append(1), stock(film))[1])
    with monkeypatch.context() as patch:
        break_at(patch, error, owner, step)
        read = fast.encode(films[0])
        found = [fast.score(read, QUESTIONS, YES_NO)]
    assert freed == [1] and fast.fast.runs
    written = [list(fast.stream(read, REPORT, limit=6))]
    with forbid_plain(fast):
        read = fast.encode(films[1])
        found.append(fast.score(read, QUESTIONS, YES_NO))
        written.append(list(fast.stream(read, REPORT, limit=6)))
    for (scores, text), other, own in zip(expected, found, written, strict=True):
        np.testing.assert_allclose(other, scores, atol=1e-4)
        assert own == text


def test_what_is_freed_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fast_engine()
    encoded = [engine.encode(noise_film(seed)) for seed in (1, 2, 3)]
    assert engine.fast
    seat = engine.fast.seat
    assert len(seat._left) == 2
    break_at(monkeypatch, NO_ROOM[0], *STEPS[0])
    next(engine.stream(encoded[0], REPORT))
    assert len(seat._left) == 0 and engine.fast.seat is seat


@pytest.mark.parametrize("error", NO_KERNEL, ids=repr)
@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_a_missing_kernel_ends_the_fast_path(
    error: Exception, owner: type, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, fast, film = plain_engine(), fast_engine(), noise_film()
    break_at(monkeypatch, error, owner, step)
    scores = fast.score(fast.encode(film), QUESTIONS, YES_NO)
    np.testing.assert_allclose(scores, plain.score(plain.encode(film), QUESTIONS, YES_NO), atol=1e-4)
    assert fast.fast and not fast.fast.runs


@pytest.mark.parametrize("error", OUR_FAULTS, ids=repr)
@pytest.mark.parametrize(("owner", "step"), STEPS)
def test_a_fault_of_ours_is_raised(
    error: Exception, owner: type, step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fast = fast_engine()
    break_at(monkeypatch, error, owner, step)
    with pytest.raises(type(error)) as caught:
        fast.score(fast.encode(noise_film()), QUESTIONS, YES_NO)
    assert caught.value is error and fast.fast and fast.fast.runs and not caplog.records


@pytest.mark.parametrize("part", ["model.vision_model.layernorm_post", "model.language_model.layers.0.mlp.up_proj"])
def test_another_layout_of_transformers_is_seen_before_anything_is_built(part: str) -> None:
    model = fast_engine().model
    check_layout(model)
    owner, _, name = part.rpartition(".")
    delattr(model.get_submodule(owner), name)
    with pytest.raises(NotImplementedError, match=name):
        check_layout(model)


def test_a_text_that_does_not_fit_runs_on_the_plain_path_and_shorter_ones_do_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    plain, fast, film = plain_engine(), fast_engine(), noise_film()
    assert fast.fast
    fast.fast.capacity = len(fast._tokenize(REPORT)) + 4
    one, other = plain.encode(film), fast.encode(film)
    with caplog.at_level(logging.WARNING):
        assert list(fast.stream(other, REPORT, limit=10)) == list(plain.stream(one, REPORT, limit=10))
    assert "runs on the plain path" in caplog.text and len(caplog.records) == 1 and fast.fast.runs


def test_what_is_prepared_for_every_length_leaves_no_trace_in_a_text() -> None:
    engine, film = fast_engine(), noise_film()
    assert list(engine.record(engine.encode(noise_film(1)))) == [256, 512, 1024, 2048]
    assert list(plain_engine().record(plain_engine().encode(film))) == []
    expected = list(plain_engine().stream(plain_engine().encode(film), REPORT, limit=8))
    assert list(engine.stream(engine.encode(film), REPORT, limit=8)) == expected


def test_joint_weights_are_those_of_the_model_and_no_copies() -> None:
    engine = fast_engine()
    layer = engine.model.model.language_model.layers[0].self_attn
    before = layer.k_proj.weight.detach().clone()
    joint = Joint([layer.q_proj, layer.k_proj, layer.v_proj])
    assert joint.weight is not None
    torch.testing.assert_close(layer.k_proj.weight.detach(), before, atol=0, rtol=0)
    assert layer.k_proj.weight.untyped_storage().data_ptr() == joint.weight.untyped_storage().data_ptr()


def test_what_is_left_of_a_film_goes_with_it() -> None:
    engine = fast_engine()
    assert engine.fast
    encoded = [engine.encode(noise_film(seed)) for seed in range(3)]
    assert len(engine.fast.seat._left) == 2
    list(engine.stream(encoded[0], REPORT, limit=2))
    assert len(engine.fast.seat._left) == 3
    del encoded
    assert len(engine.fast.seat._left) == 0


def test_a_model_that_is_not_needed_any_more_is_gone_at_once() -> None:
    """On a GPU the next one would not fit beside it."""
    engine = fast_engine()
    list(engine.stream(engine.encode(noise_film()), REPORT, limit=3))
    model = weakref.ref(engine.model.lm_head.weight)
    gc.disable()
    try:
        del engine
        assert model() is None
    finally:
        gc.enable()


def test_the_model_still_works_by_itself() -> None:
    engine = fast_engine(4)
    encoded = engine.encode(noise_film())
    list(engine.stream(encoded, REPORT, limit=3))
    model: MllamaForConditionalGeneration = engine.model
    alone = Engine(model, engine.processor, engine.canvas, fast=False)
    np.testing.assert_allclose(
        alone.score(alone.encode(noise_film()), QUESTIONS, YES_NO), engine.score(encoded, QUESTIONS, YES_NO), atol=1e-4
    )
    model.requires_grad_(True)
    assert not any(parameter.is_inference() for parameter in model.parameters())


def attach_lora(engine: Engine) -> None:
    """A LoRA beside the weights, as 4-bit weights keep it; on some layers of a joint projection alone."""
    config = LoraConfig(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"], init_lora_weights=False)
    torch.manual_seed(5)
    engine.model = get_peft_model(engine.model, config).get_base_model()


def test_an_adapter_that_is_not_merged_equals_the_plain_path() -> None:
    bare, film = plain_engine(4), noise_film()
    tuned = Engine(copy.deepcopy(bare.model), bare.processor, bare.canvas, fast=False)
    attach_lora(tuned)
    fast = Engine(copy.deepcopy(tuned.model), bare.processor, bare.canvas, fast=True)
    expected = tuned.score(tuned.encode(film), QUESTIONS, YES_NO)
    with forbid_plain(fast):
        encoded = fast.encode(film)
        np.testing.assert_allclose(fast.score(encoded, QUESTIONS, YES_NO), expected, atol=1e-4)
        written = "".join(fast.stream(encoded, REPORT, limit=12))
    assert written == "".join(tuned.stream(tuned.encode(film), REPORT, limit=12))
    assert np.abs(expected - bare.score(bare.encode(film), QUESTIONS, YES_NO)).max() > 1e-3


def test_a_layer_of_an_unknown_kind_runs_as_it_is() -> None:
    class Doubled(torch.nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return super().forward(inputs) * 2

    layers, inputs = [torch.nn.Linear(8, 4, bias=False), Doubled(8, 3, bias=False)], torch.randn(2, 8)
    joint = Joint(layers)
    assert joint.weight is None
    torch.testing.assert_close(joint(inputs), torch.cat([layer(inputs) for layer in layers], -1))


def test_joint_4_bit_weights_equal_those_of_each_layer() -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes", reason="bitsandbytes is not installed: 4 bits need a GPU")
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    layers = [
        bitsandbytes.nn.Linear4bit(
            128, rows, bias=False, compute_dtype=torch.float32, quant_type="nf4", compress_statistics=True
        ).to(device)
        for rows in (256, 64, 64)
    ]
    inputs = torch.randn(1, 1, 128, device=device)
    with torch.inference_mode():
        expected = torch.cat([layer(inputs) for layer in layers], -1)
        joint = Joint(layers)
        assert joint.packed is not None
        torch.testing.assert_close(joint(inputs), expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(torch.cat([layer(inputs) for layer in layers], -1), expected, atol=1e-4, rtol=1e-4)


def test_many_films_that_do_not_fit_are_read_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = fast_engine()
    encoded = [engine.encode(noise_film(seed)) for seed in (1, 2)]
    expected = ["".join(engine.stream(each, REPORT, limit=6)) for each in encoded]

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Seat, "write", fail)
    with caplog.at_level(logging.WARNING), forbid_plain(engine):
        assert engine.write_all(encoded, [REPORT] * 2, limit=6) == expected
    assert "films are read one by one" in caplog.text and len(caplog.records) == 1


def test_films_that_cannot_be_encoded_together_are_encoded_one_by_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine, films = fast_engine(), [noise_film(seed) for seed in (1, 2)]
    expected = [engine.encode(film).states for film in films]
    stock = Vision.encode

    def fail(self: Vision, pixels: torch.Tensor, *told: Any) -> torch.Tensor:
        if len(pixels) > 1:
            raise torch.OutOfMemoryError("no room")
        return stock(self, pixels, *told)

    monkeypatch.setattr(Vision, "encode", fail)
    with caplog.at_level(logging.WARNING), forbid_plain(engine):
        encoded = engine.encode_all(films)
    torch.testing.assert_close([each.states for each in encoded], expected, atol=0, rtol=0)
    assert "films are read one by one" in caplog.text and len(caplog.records) == 1


class Watch(TorchDispatchMode):
    """Counts operations by name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names[str(func.overloadpacket)] += 1
        return func(*args, **(kwargs or {}))


def test_a_step_can_be_recorded() -> None:
    """Nothing in it waits for the GPU, has a shape that depends on values, or comes from the host."""
    engine = fast_engine(4)
    encoded = engine.encode(noise_film())
    list(engine.stream(encoded, REPORT, limit=2))
    assert engine.fast
    with Watch() as watch, torch.inference_mode():
        engine.fast.seat._walk(256)
    forbidden = {"aten._local_scalar_dense", "aten.nonzero", "aten.lift_fresh", "aten.is_nonzero", "aten.equal"}
    assert watch.names["aten.index_copy_"] and not forbidden & set(watch.names)


def test_a_reader_warms_up_with_what_visitors_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = fast_engine()
    asked: list[int] = []
    score = engine.score
    monkeypatch.setattr(engine, "score", lambda *told: asked.append(len(told[1])) or score(*told))
    said = list(Reader(engine, EMBEDDED, None).warm_up())
    assert said == [
        "A blank film is encoded.",
        *(f"Texts of up to {tokens} tokens are prepared." for tokens in (256, 512, 1024, 2048)),
        "The model is ready.",
    ]
    assert asked == [len(FINDINGS)]
    assert list(Reader(plain_engine(), EMBEDDED, None).warm_up()) == []
