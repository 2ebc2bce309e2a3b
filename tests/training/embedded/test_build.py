"""The small Mllama obeys the rules of the large one."""

import torch

from cxr.films.film import letterbox
from cxr.findings import FINDINGS
from cxr.prompts import YES_NO, ask_finding, build_conversation
from cxr.training.embedded.build import BEGIN, END, IMAGE, PAD, SPECIALS, Size, build_model, build_processor
from cxr.training.embedded.build import build_tokenizer as build
from tests.tiny import TEXTS, noise_film, tiny_engine

TINY = Size(canvas=56, patch=14, vision_width=32, vision_layers=3, text_width=32, text_mlp=64, text_layers=4, heads=4)


def test_the_image_lies_just_past_the_vocabulary_and_specials_before() -> None:
    tokenizer = build(TEXTS, 500)
    assert tokenizer.convert_tokens_to_ids(IMAGE) == 500
    assert [tokenizer.convert_tokens_to_ids(token) for token in SPECIALS] == list(range(500 - len(SPECIALS), 500))
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (BEGIN, END, PAD)


def test_a_corpus_too_small_for_the_vocabulary_leaves_no_hole() -> None:
    tokenizer = build(["Yes. No."], 400)
    ids = sorted(tokenizer.get_vocab().values())
    assert ids == list(range(401))


def test_any_text_survives_the_tokenizer() -> None:
    tokenizer = tiny_engine().processor.tokenizer
    for text in ("Übelkeit seit 3 d\N{LATIN SMALL LETTER E WITH ACUTE}", " two  spaces\nand a line", "左"):
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_the_answers_differ_in_their_first_token() -> None:
    tokenizer = tiny_engine().processor.tokenizer
    assert len({tokenizer.encode(word, add_special_tokens=False)[0] for word in YES_NO}) == 2


def test_the_template_writes_what_llama_writes() -> None:
    text = tiny_engine().processor.apply_chat_template(
        build_conversation(ask_finding(FINDINGS[0])), add_generation_prompt=True
    )
    assert text == (
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n<|image|>"
        f"{ask_finding(FINDINGS[0])}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    )


def test_the_film_matters_and_gates_are_open() -> None:
    tokenizer = build(TEXTS, TINY.vocabulary)
    torch.manual_seed(0)
    model = build_model(tokenizer, TINY)
    gates = {name: p for name, p in model.named_parameters() if "gate" in name.split(".")[-1] and p.numel() == 1}
    opened = [name for name, gate in gates.items() if gate.abs().sum() > 0]
    cross = [name for name in gates if "cross_attn_" in name]
    assert len(cross) == 4 and set(cross) <= set(opened)  # two cross-attention layers, two gates each
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id


def test_the_same_seed_builds_the_same_weights() -> None:
    tokenizer = build(TEXTS, TINY.vocabulary)
    models = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        models.append(torch.cat([p.flatten() for p in build_model(tokenizer, TINY).parameters()]))
    assert torch.equal(models[0], models[1]) and not torch.equal(models[0], models[2])


def test_the_embedded_size_is_what_it_says() -> None:
    with torch.device("meta"):
        count = sum(p.numel() for p in build_model(build(TEXTS, Size.vocabulary), Size()).parameters())
    assert round(count / 1e6, 1) == 10.5


def test_one_canvas_is_one_tile() -> None:
    processor = build_processor(build(TEXTS, TINY.vocabulary), TINY)
    image = letterbox(noise_film(), TINY.canvas).convert("RGB")
    inputs = processor.image_processor(images=[[image]], return_tensors="pt")
    assert tuple(inputs["pixel_values"].shape) == (1, 1, 1, 3, 56, 56)
    assert int(inputs["aspect_ratio_mask"].sum()) == 1
