"""From nothing to the embedded model, in one seeded run: it learns to see, then to speak, then to report real films.

First the encoder alone, by heads that are not shipped, from drawn films, whose truth is exact, and then from real ones
among them. Then all the rest, from the same films and what can be said of them. Then the adapter, a LoRA by
`train.py`'s own loop. Calibration is fitted on validation films. Every stage is kept in a folder, and the same command
goes on after the last one that was finished.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import yaml
from safetensors.torch import load_model, save_model
from torch import nn
from transformers import MllamaProcessor

from cxr.evaluation.classification import Outcome, describe, read_outcome
from cxr.evaluation.films import CHESTXRAY14, draw_cases, open_cases, read_films
from cxr.model.calibration import write_calibration
from cxr.reader import Reader, load_reader
from cxr.settings import Settings
from cxr.training.calibrate import calibrate_embedded
from cxr.training.data import DataOptions
from cxr.training.embedded.adapter_set import write_set
from cxr.training.embedded.build import Size, build_model, build_processor, build_tokenizer
from cxr.training.embedded.drawing import draw_chunks
from cxr.training.embedded.examples import ConversationWriter, Examples
from cxr.training.embedded.export import save_adapter, save_base
from cxr.training.embedded.fitting import Pace, fit
from cxr.training.embedded.learning import Learner, learn
from cxr.training.embedded.material import (
    Options,
    Pools,
    fill_pools,
    mix,
    plan_drawing,
    see_batches,
    write_real,
    write_texts,
)
from cxr.training.embedded.peer import ResNet18
from cxr.training.embedded.seeing import Lessons, Seer, build_seer, label_loss, look, see_loss
from cxr.training.embedded.teachers import believe
from cxr.training.embedded.variants import FINAL, MUON_RATE, TEACHER
from cxr.training.embedded.views import join_views, view_real
from cxr.training.finetune import finetune
from cxr.training.options import SftOptions

logger = logging.getLogger(__name__)

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "embedded.yaml"
SEEN_SHARE = 0.5  # of a batch of real films drawn: with fewer, what was learnt from them is lost again
NORMAL_SHARE = 0.15  # of the adapter's films: at their true share a report that is written greedily names too little
HELD_DRAWN = 9_900_000  # seeds of drawn films to look at on the way; the evaluation has others


def make_embedded(options: Options, size: Size) -> None:
    """Run the recipe and write the model's folder, card excepted.

    Raises:
        ValueError: the work folder holds what another run has made.
    """
    options.work.mkdir(parents=True, exist_ok=True)
    check_work(options, size)
    if not (options.work / "base.done").is_file():
        make_base(options, size)
        (options.work / "base.done").touch()
    save_adapter(options.out, make_adapter(options, size), size.canvas)
    write_calibration(calibrate_embedded(measure(options)), options.out / "adapter")


def check_work(options: Options, size: Size) -> None:
    """See that the work folder belongs to this run."""
    told = {name: str(value) for name, value in {**asdict(options), **asdict(size)}.items() if name != "workers"}
    path = options.work / "run.json"
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != told:
        raise ValueError(f"{options.work} holds another run: name another --work, or delete it.")
    path.write_text(json.dumps(told), encoding="utf-8")


def make_base(options: Options, size: Size) -> None:
    """The base with its tokenizer and processor, in `options.out`."""
    torch.manual_seed(options.seed)
    learner, processor = start(options, size)
    chunks = draw_chunks(plan_drawing(options, size), options.out, options.workers)
    writer = ConversationWriter(processor.tokenizer)
    pools = fill_pools(chunks, write_real(read_films(options.films, "train"), writer, size, options.seed), options)
    eye = options.work / "eye.safetensors"
    if eye.is_file():
        load_model(learner, eye)
    else:
        see(learner, pools, chunks, options, size)
        save_model(learner, str(eye))
    before = options.see_steps + options.real_steps
    learner.mllama.model.vision_model.requires_grad_(False)  # while it learnt to speak it saw less and less
    batches = mix(pools, chunks, options, options.spoken_share, before)
    # What it says is to be what it sees: from what others believe of so few films it would learn them by heart.
    told = partial(believe, teachers=[copy_eye(learner, size)])
    learn(learner, batches, Pace(options.steps, MUON_RATE, warmup=200, average=0.998, muon=True), told)
    chunks.close()
    log_sight(take_eye(learner, size), options, size)
    save_base(learner.mllama, processor, options.out)


def see(
    learner: Learner,
    pools: Pools,
    chunks: Iterator[Examples],
    options: Options,
    size: Size,
) -> None:
    """The encoder alone: drawn films, then real ones among them, of which ResNets that learnt the same way tell it."""
    seer = take_eye(learner, size).to(options.device)
    lessons = Lessons(options.person, options.hidden)
    drawn = see_batches(pools, chunks, options, size, 0.0, 0)
    fit(seer, partial(see_loss, lessons=lessons), drawn, Pace(options.see_steps, MUON_RATE, muon=True))
    teachers = [make_teacher(number, pools, chunks, options, size) for number in range(options.teachers)]
    mixed = see_batches(pools, chunks, options, size, 1 - SEEN_SHARE, options.see_steps)
    told = replace(lessons, taught=FINAL.lessons.taught, alone=True) if options.teachers else lessons
    fit(
        seer,
        partial(see_loss, lessons=told, teachers=teachers),
        mixed,
        Pace(options.real_steps, FINAL.rate, muon=FINAL.fold_muon),
    )
    log_sight(seer, options, size)


def take_eye(learner: Learner, size: Size) -> Seer:
    """The learner's own encoder, projector and heads, without words."""
    core = learner.mllama.model
    return Seer(core.vision_model, core.multi_modal_projector, learner.heads, size.patch)


def copy_eye(learner: Learner, size: Size) -> Seer:
    """The eye as it is now, which stays so."""
    eye = build_seer(size).to(learner.mean.device)
    eye.load_state_dict(take_eye(learner, size).state_dict())
    return eye.eval().requires_grad_(False)


def make_teacher(number: int, pools: Pools, chunks: Iterator[Examples], options: Options, size: Size) -> nn.Module:
    """A ResNet-18 that has learnt drawn films and then real ones among them."""
    torch.manual_seed(100 * (options.seed + 1) + number)
    teacher = ResNet18().to(options.device)
    own = replace(options, batch=options.batch // 2, seed=100 * (options.seed + 1) + number)
    for steps, share in ((TEACHER.drawn_steps, 0.0), (TEACHER.steps, 1 - TEACHER.drawn_share)):
        steps = min(steps, options.see_steps)
        fit(teacher, label_loss, see_batches(pools, chunks, own, size, share, options.see_steps), Pace(steps, 1e-3))
    return teacher.eval()


def log_sight(seer: Seer, options: Options, size: Size) -> None:
    """How well the eye alone tells the findings of the validation films apart."""
    films = [film for film in read_films(options.films, "val") if film.source == CHESTXRAY14]
    views = join_views([view_real(films, size.canvas, size.canvas // size.patch)], torch.device(options.device))
    told = look(seer, views["images"], size.canvas).sigmoid().numpy()
    outcome = Outcome(told, views["findings"].cpu().numpy(), np.array([film.patient for film in films]))
    logger.info("what the eye tells, validation: %s", describe(outcome))


def make_adapter(options: Options, size: Size) -> Path:
    """The adapter's folder, made from base and films as anybody makes one."""
    data = options.work / "adapter-films"
    if not (data / "dataset.jsonl").is_file():
        films = [*read_films(options.films, "train"), *read_films(options.films, "val")]
        write_set(data, films, options.adapter_drawn, size.canvas, options.workers)
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    told = SftOptions(
        **config
        | {
            "out": str(options.work / "adapter-run"),
            "base": str(options.out),
            "epochs": options.adapter_epochs,
            "keep_states": 4.0,
            "eval_steps": 150,
            "workers": min(4, options.workers),
        }
    )
    return finetune(told, DataOptions(data=str(data), normal_share=NORMAL_SHARE, seed=options.seed))


def start(options: Options, size: Size) -> tuple[Learner, MllamaProcessor]:
    """An untrained model with a vocabulary of its own."""
    tokenizer = build_tokenizer(write_texts(options.seed), size.vocabulary)
    tokenizer.save_pretrained(options.out)
    processor, model = build_processor(tokenizer, size), build_model(tokenizer, size)
    logger.info("%.2f million parameters", model.num_parameters() / 1e6)
    return Learner(model, processor).to(options.device), processor


def measure(options: Options) -> Outcome:
    """Read 100 drawn films and the validation films as the page would, without calibration, and log how well."""
    named = Settings(base=str(options.out), adapter=str(options.out / "adapter"), precision="float32")
    served = load_reader(named)
    bare = Reader(served.engine, served.identity, None)
    films = [film for film in read_films(options.films, "val") if film.source == CHESTXRAY14]
    drawn, outcome = (
        read_outcome(bare, cases) for cases in (draw_cases(100, first=HELD_DRAWN, size=256), open_cases(films))
    )
    logger.info("drawn: %s; validation: %s", describe(drawn), describe(outcome))
    return outcome
