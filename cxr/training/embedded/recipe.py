"""From nothing to the embedded model, in one seeded run: a base that learns to see and to speak, then a LoRA adapter.

The base learns from drawn films, whose truth is exact, and from the real training films' labels, asked as closed
questions. The adapter then learns to report real films. Calibration is fitted on validation films.
"""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import get_args

import torch
from peft import PeftModel
from transformers import MllamaForConditionalGeneration, MllamaProcessor

from cxr.evaluation.classification import Outcome, describe, read_outcome
from cxr.evaluation.films import CHESTXRAY14, DRAWN_SEED, RealFilm, draw_cases, open_cases, read_films
from cxr.films.film import View
from cxr.films.open import open_film
from cxr.findings import BY_KEY
from cxr.model.engine import Engine
from cxr.model.loading import EMBEDDED_NAME
from cxr.reader import Reader
from cxr.results import Identity, Observation, Side, Zone
from cxr.results import Size as FindingSize
from cxr.training.calibrate import calibrate
from cxr.training.conversations import Truth, closed_pairs, free_pairs
from cxr.training.embedded.batches import Batch, Pool, augment, join
from cxr.training.embedded.build import Size, build_model, build_processor, build_tokenizer
from cxr.training.embedded.drawing import Plan, draw_chunks
from cxr.training.embedded.examples import ConversationWriter, Examples, make_example, stack
from cxr.training.embedded.export import save_adapter, save_base
from cxr.training.embedded.learning import Learner, Schedule, learn
from cxr.training.lora import ATTENTION, add_lora

logger = logging.getLogger(__name__)

REAL_ROWS = 40  # free conversations written once for each real film
SEED_STEP = 1_000_000  # drawn films a seed
ROWS = 8  # conversations a film and step


@dataclass(frozen=True)
class Options:
    """What a run can be told."""

    films: Path  # the folder of films.csv
    out: Path
    seed: int = 0
    steps: int = 3600
    adapter_steps: int = 800
    batch: int = 128  # films a step
    real_share: float = 0.2  # of a batch, while the base learns
    adapter_real_share: float = 0.5
    adapter_rate: float = 5e-4
    keep_base: bool = False  # train an adapter alone, for the base in `out`
    first_drawn: int = 2000  # drawn films before the first step
    drawn_a_step: float = 9.0
    workers: int = 2
    device: str = "cpu"

    @property
    def drawn(self) -> int:
        """How many drawn films the run sees."""
        steps = self.adapter_steps + (0 if self.keep_base else self.steps)
        return int(self.first_drawn + steps * self.drawn_a_step)


def make_embedded(options: Options, size: Size) -> None:
    """Run the recipe and write the model's folder, card excepted."""
    torch.manual_seed(options.seed)
    learner, processor = start(options, size)
    val = [film for film in read_films(options.films, "val") if film.source == CHESTXRAY14]
    chunks = draw_chunks(plan_drawing(options, size), options.out, options.workers)
    writer = ConversationWriter(processor.tokenizer)
    pools = fill_pools(chunks, write_real(read_films(options.films, "train"), writer, size, options.seed), options)

    if not options.keep_base:
        learn(learner, mix(pools, chunks, options, options.real_share, 0), Schedule(options.steps, 1e-3))
        save_base(learner.mllama, processor, options.out)
    adapter = wrap(learner)
    learn(
        learner,
        mix(pools, chunks, options, options.adapter_real_share, ROWS // 2),
        Schedule(options.adapter_steps, options.adapter_rate),
    )
    chunks.close()
    outcome = measure(learner.mllama, processor, size, val, "adapter")
    save_adapter(adapter, options.out / "adapter", size.canvas, calibrate(outcome))


def plan_drawing(options: Options, size: Size) -> Plan:
    """A million film numbers for each seed of a run, so that no two runs share a film.

    Raises:
        ValueError: the run would see films that are kept for evaluation.
    """
    first = options.seed * SEED_STEP
    if not 0 <= first <= first + options.drawn <= DRAWN_SEED:
        raise ValueError(
            f"Drawn films from {DRAWN_SEED} on are for evaluation: take a seed from 0 to 9, or fewer steps."
        )
    return Plan(first, size.canvas, size.canvas // size.patch)


def start(options: Options, size: Size) -> tuple[Learner, MllamaProcessor]:
    """An untrained model with a vocabulary of its own, or the base that is in the folder already."""
    if options.keep_base:
        processor = MllamaProcessor.from_pretrained(options.out)
        model = MllamaForConditionalGeneration.from_pretrained(options.out, dtype=torch.float32)
    else:
        tokenizer = build_tokenizer(write_texts(options.seed), size.vocabulary)
        tokenizer.save_pretrained(options.out)
        processor, model = build_processor(tokenizer, size), build_model(tokenizer, size)
    logger.info("%.2f million parameters", model.num_parameters() / 1e6)
    return Learner(model, processor).to(options.device), processor


def write_texts(seed: int) -> Iterator[str]:
    """Texts of the kind the model will read and write, for its vocabulary."""
    rng = random.Random(seed)
    sides, zones, sizes = [None, *get_args(Side)], [None, *get_args(Zone)], [None, *get_args(FindingSize)]
    for _ in range(3000):
        keys = rng.sample(sorted(BY_KEY), rng.randint(0, 3))
        present = tuple(Observation(key, rng.choice(sides), rng.choice(zones), rng.choice(sizes)) for key in keys)
        truth = Truth(present, frozenset(BY_KEY) - set(keys), rng.choice(get_args(View)), placed=True)
        for request, answer in [*closed_pairs(truth, rng), *islice(free_pairs(truth, rng), 6)]:
            yield f"{request} {answer}"


def write_real(films: list[RealFilm], writer: ConversationWriter, size: Size, seed: int) -> Examples:
    """The real training films with their conversations; where a finding is on the picture is unknown."""
    rng = random.Random(seed)
    grid = size.canvas // size.patch
    return stack(
        [
            make_example(
                open_film(film.path),
                Truth(tuple(Observation(key) for key in sorted(film.present)), film.absent, film.view),
                None,
                writer,
                rng,
                size.canvas,
                grid,
                REAL_ROWS,
            )
            for film in films
        ]
    )


@dataclass
class Pools:
    """The films at hand while learning."""

    drawn: Pool
    real: Pool


def fill_pools(chunks: Iterator[Examples], real: Examples, options: Options) -> Pools:
    """All real films, and room for the drawn ones."""
    device, first = torch.device(options.device), next(chunks)
    pools = Pools(
        Pool(first, options.drawn, device),
        Pool(real, len(real["images"]), device),
    )
    pools.drawn.add(first)
    pools.real.add(real)
    logger.info("%d real films", pools.real.size)
    return pools


def mix(pools: Pools, chunks: Iterator[Examples], options: Options, share: float, real_free: int) -> Iterator[Batch]:
    """Augmented batches without end, `share` of each real; the drawn films grow with the step while chunks come."""
    dice = torch.Generator(options.device).manual_seed(options.seed)
    real = round(options.batch * share)
    limit = float(max(options.first_drawn, pools.drawn.size))
    while True:
        pools.drawn.reach(int(limit), chunks)
        batch = join(
            [
                pools.drawn.sample(int(limit), options.batch - real, ROWS // 2, ROWS // 2, dice),
                pools.real.sample(pools.real.size, real, ROWS - real_free, real_free, dice),
            ]
        )
        yield augment(batch, dice)
        limit += options.drawn_a_step


def wrap(learner: Learner) -> PeftModel:
    """Freeze everything and put a LoRA on the language model's attention."""
    learner.requires_grad_(False)
    adapter = add_lora(learner.mllama, EMBEDDED_NAME, rank=16, alpha=32, dropout=0.0, targets=ATTENTION)
    learner.model = adapter
    return adapter


def measure(
    model: MllamaForConditionalGeneration, processor: MllamaProcessor, size: Size, films: list[RealFilm], name: str
) -> Outcome:
    """Read validation films and 100 drawn ones as the page would, and log how well."""
    who = Identity(EMBEDDED_NAME, None, None, None, "training", embedded=True, calibrated=False, llama=False)
    reader = Reader(Engine(model, processor, size.canvas), who, None)
    drawn, outcome = read_outcome(reader, draw_cases(100, size=256)), read_outcome(reader, open_cases(films))
    logger.info("%s: drawn %s; validation %s", name, describe(drawn), describe(outcome))
    model.train()
    return outcome
