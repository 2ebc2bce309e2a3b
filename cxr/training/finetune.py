"""Rows become an adapter: everything `python train.py sft` does. Knows nothing about the Hub."""

import errno
import json
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from accelerate import PartialState
from safetensors import SafetensorError
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainingArguments, set_seed
from transformers.integrations import TensorBoardCallback

from cxr.model.loading import CONFIG
from cxr.results import CxrError
from cxr.training.checkpoints import drop_unfinished, find_newest
from cxr.training.collator import Collator
from cxr.training.conversations import write_pairs
from cxr.training.data import DataOptions, detect_kind
from cxr.training.dataset import FilmDataset, order_epochs
from cxr.training.index import Indexes, build_indexes
from cxr.training.lora import count_parameters
from cxr.training.options import SftOptions
from cxr.training.preview import preview
from cxr.training.progress import CsvLog
from cxr.training.rows import Row
from cxr.training.selection import choose_rows
from cxr.training.states import StateStore
from cxr.training.student import Student, choose_base, load_student
from cxr.training.trainer import FilmTrainer, SightCheck, save_lora

logger = logging.getLogger(__name__)

CHANGEABLE = {"dry_run", "workers", "keep_states", "out"}  # what a run that goes on may be told anew
FULL = "The disk is full. Free some space and run the same command again: training goes on from {}."


def finetune(options: SftOptions, data: DataOptions) -> Path:
    """Train, or go on training, an adapter; the best checkpoint by validation ends in its folder.

    Returns:
        The adapter's folder, which `CXR_ADAPTER` can name.

    Raises:
        CxrError: data, base or options are wrong, the loss is not finite, or the disk is full.
    """
    run = Path(options.out)
    process = PartialState(cpu=not torch.cuda.is_available())
    with explain_full_disk(run), process.main_process_first():
        if process.is_main_process:
            open_run(run, options, data)
        indexes = build_indexes(data.data, data, run / "rows")
    set_seed(data.seed)  # the LoRA begins at random
    student = load_student(options)
    log_start(indexes, student)
    with explain_full_disk(run):
        trainer = build_trainer(run, options, data, indexes, student)
        if options.dry_run:
            logger.info("%s", preview(trainer, indexes))
            return run
        if process.is_main_process:
            drop_unfinished(run)
        process.wait_for_everyone()
        newest = find_newest(run)
        trainer.train(resume_from_checkpoint=str(newest) if newest else None)
        if process.is_main_process:
            save_adapter(student, run / "adapter", indexes.own_findings)
        process.wait_for_everyone()
    return run / "adapter"


def open_run(run: Path, options: SftOptions, data: DataOptions) -> None:
    """Make the run's folder, or see that it belongs to a run with the same options.

    Raises:
        CxrError: it belongs to another run.
    """
    told = {**asdict(options), **asdict(data)}
    record = {"base": choose_base(options), "data_kind": detect_kind(data.data), "options": told}
    path = run / "run.json"
    if path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))["options"]
        changed = sorted(name for name in told if name not in CHANGEABLE and before.get(name) != told[name])
        if changed and any(run.glob("checkpoint-*")):
            raise CxrError(f"{run} holds a run with another {', '.join(changed)}; choose another --out, or delete it.")
    run.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def log_start(indexes: Indexes, student: Student) -> None:
    """What is trained on what, in words."""
    for sentence in indexes.notes:
        logger.warning("%s", sentence)
    trainable, everything = count_parameters(student.learner.peft)
    logger.info(
        "%d films to train on, %d to choose by; %s of %s parameters are trained (%.2f %%)",
        len(indexes.train),
        len(indexes.val),
        f"{trainable:,}",
        f"{everything:,}",
        100 * trainable / everything,
    )


def build_trainer(run: Path, options: SftOptions, data: DataOptions, indexes: Indexes, student: Student) -> FilmTrainer:
    """The loop with its films, in the order of the seed."""

    def ask(row: Row, rng: Random) -> list[tuple[str, str]]:
        return write_pairs(row.truth, row.report, row.indication, row.pairs, rng, options.rows, indexes.own_findings)

    def choose(epoch: int) -> np.ndarray:
        return choose_rows(indexes.train, data, np.random.default_rng((data.seed, epoch, 1)))

    order = order_epochs(choose, options.epochs, data.seed)
    checked = np.random.default_rng(data.seed).permutation(len(indexes.val))[: options.eval_films]
    train, val = (
        FilmDataset(rows, places, ask, student.canvas, data.seed)
        for rows, places in ((indexes.train, order), (indexes.val, checked))
    )
    arguments = write_arguments(run, options, data.seed, len(train), len(val))
    store = open_store(run, options, student)
    trainer = FilmTrainer(
        model=student.learner,
        args=arguments,
        train_dataset=train,
        eval_dataset=val if len(val) else None,
        data_collator=Collator(student.processor, options.longest, states=store),
        callbacks=[SightCheck(), CsvLog(run / "logs", options.films * options.rows * options.accumulation)],
        states=store,
    )
    if arguments.should_save and not options.dry_run:
        trainer.add_callback(TensorBoardCallback(SummaryWriter(str(run / "logs"))))
    return trainer


def open_store(run: Path, options: SftOptions, student: Student) -> StateStore | None:
    """Where the encoder's output is kept; a trained encoder's changes with each step, so it is not kept."""
    if not options.keep_states or options.train_vision:
        return None
    bound = int(options.keep_states * 2**30)
    return StateStore(run / "states", student.weights, student.canvas, student.tiles, bound)


def write_arguments(run: Path, options: SftOptions, seed: int, films: int, val: int) -> TrainingArguments:
    """The same options in the words of transformers."""
    gpu = torch.cuda.is_available()
    world = PartialState().num_processes
    steps = options.max_steps or math.ceil(films / (options.films * options.accumulation * world))
    every = options.eval_steps or max(1, steps // 10)
    return TrainingArguments(
        output_dir=str(run),
        per_device_train_batch_size=options.films,
        per_device_eval_batch_size=options.films,
        gradient_accumulation_steps=options.accumulation,
        num_train_epochs=1,  # the dataset holds all epochs, one after the other
        max_steps=options.max_steps or -1,
        learning_rate=options.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup,
        optim="adamw_8bit" if gpu else "adamw_torch",
        bf16=gpu,
        use_cpu=not gpu,
        eval_strategy="steps" if val else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        load_best_model_at_end=bool(val),
        metric_for_best_model="eval_loss" if val else None,
        greater_is_better=False if val else None,
        prediction_loss_only=True,
        label_names=["labels"],
        logging_steps=max(1, every // 5),
        logging_nan_inf_filter=False,
        dataloader_num_workers=options.workers if gpu else 0,
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        report_to="none",  # nothing reports to anywhere
        seed=seed,
    )


def save_adapter(student: Student, folder: Path, own_findings: tuple[str, ...]) -> None:
    """What the Space loads: LoRA, processor, chat template, canvas and the findings beyond the 14."""
    folder.mkdir(parents=True, exist_ok=True)
    save_lora(student.learner, folder)
    student.processor.save_pretrained(str(folder))
    record: dict[str, Any] = {"canvas": student.canvas}
    if own_findings:
        record["own_findings"] = list(own_findings)
    (folder / CONFIG).write_text(json.dumps(record) + "\n", encoding="utf-8")


@contextmanager
def explain_full_disk(run: Path) -> Iterator[None]:
    """Say what to do where there is no more room to write."""
    try:
        yield
    except (OSError, SafetensorError, RuntimeError) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        if not full:
            raise
        newest = find_newest(run)
        raise CxrError(FULL.format(newest.name if newest else "the beginning")) from error
