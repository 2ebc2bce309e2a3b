"""Rows become an adapter: everything `python train.py sft` does. Knows nothing about the Hub."""

import json
import logging
import math
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch
from accelerate import PartialState
from torch.utils.tensorboard import SummaryWriter
from transformers import TrainingArguments, set_seed
from transformers.integrations import TensorBoardCallback

from cxr.model.sources import read_json
from cxr.results import CxrError
from cxr.training.adapters import save_adapter
from cxr.training.checkpoints import drop_unfinished, find_newest, read_step, write_whole
from cxr.training.collator import MULTIPLE, Collator
from cxr.training.conversations import write_pairs
from cxr.training.data import DataOptions, check_data_options
from cxr.training.dataset import FilmDataset, order_epochs
from cxr.training.guards import explain_disk, lock_run, say_newest
from cxr.training.index import Indexes, build_indexes
from cxr.training.lora import count_parameters
from cxr.training.options import SftOptions, check_options
from cxr.training.preview import preview
from cxr.training.progress import CsvLog, describe_end
from cxr.training.rows import Row, Split
from cxr.training.runs import describe_run, write_run
from cxr.training.selection import EMPTY, choose_rows
from cxr.training.states import StateStore
from cxr.training.student import Student, load_student
from cxr.training.trainer import DAMAGED, FilmTrainer, SightCheck

logger = logging.getLogger(__name__)


def finetune(options: SftOptions, data: DataOptions, check: Callable[[Indexes], None] | None = None) -> Path:
    """Train, or go on training, an adapter; the best checkpoint by validation ends in its folder.

    Args:
        check: Looks at the data before a model is loaded, and refuses what would only show after the training.

    Returns:
        The adapter's folder, which `CXR_ADAPTER` can name.

    Raises:
        CxrError: data, base or options are wrong, the loss is not finite, or the disk is full.
    """
    check_options(options)
    check_data_options(data)

    def check_data(indexes: Indexes) -> None:
        check_askable(indexes)
        if check:
            check(indexes)

    run = Path(options.out)
    process = PartialState(cpu=not torch.cuda.is_available())
    with explain_disk(lambda: say_newest(run)), lock_run(run, process):
        record = describe_run(run, options, data, process.num_processes)
        with process.main_process_first():
            indexes = build_indexes(data.data, data, run / "rows", check_data)
        if process.is_main_process:
            write_run(run, record)
        set_seed(data.seed)  # the LoRA begins at random
        student = load_student(options)
        if process.is_main_process:
            log_start(indexes, student)
        trainer = build_trainer(run, options, data, indexes, student)
        if options.dry_run:
            text = preview(trainer, indexes)
            if process.is_main_process:
                logger.info("%s", text)
            return run
        if process.is_main_process:
            drop_unfinished(run)
        process.wait_for_everyone()
        train(trainer, find_newest(run))
        if process.is_main_process:
            save_adapter(student, run / "adapter", indexes.own_findings)
            split: Split = "test" if len(indexes.test) else "val" if len(indexes.val) else "train"
            logger.info("%s", describe_end(run, data, trainer.state, split))
        process.wait_for_everyone()
    return run / "adapter"


def check_askable(indexes: Indexes) -> None:
    """Refuse data of which nothing can be taught, for instance folders that are named by patients.

    Raises:
        CxrError: there is no training film, or none has a finding that is taught, a report or a question.
    """
    train = indexes.train
    if not len(train):
        raise CxrError(EMPTY)
    if not ((train.labels[:, train.taught] >= 0).any() or any(row.report or row.pairs for row in train)):
        raise CxrError(
            " ".join(("No training film has a finding that is taught, a report or a question.", *indexes.notes))
        )


def train(trainer: FilmTrainer, newest: Path | None) -> None:
    """Train from the beginning or from a complete checkpoint, after a look at the first validation film.

    Of a run that has ended only state and weights are taken.
    """
    if isinstance(trainer.eval_dataset, FilmDataset):
        trainer.eval_dataset[0]  # a split without a readable film shows now, not at the first validation
    if newest:
        repair_best(newest)
        if read_json(newest / "trainer_state.json").get("max_steps") == read_step(newest):
            if trainer.is_world_process_zero():
                logger.info("This run has ended before, with %s; nothing is left to train.", newest.name)
            trainer.restore(newest)
            return
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)


def repair_best(checkpoint: Path) -> None:
    """Name the best checkpoint where it lies now: the run's folder may have been moved.

    Raises:
        CxrError: the checkpoint's state cannot be read.
    """
    path = checkpoint / "trainer_state.json"
    state = read_json(path)
    if not state:
        raise CxrError(DAMAGED.format(checkpoint))
    best = state.get("best_model_checkpoint")
    if isinstance(best, str) and Path(best) != checkpoint.parent / Path(best).name:
        write_whole(path, json.dumps({**state, "best_model_checkpoint": str(checkpoint.parent / Path(best).name)}))


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
        # Unsloth compiles for each width anew, a minute or more: there all rows have one.
        data_collator=Collator(
            student.processor,
            options.longest,
            multiple=options.longest if options.engine == "unsloth" else MULTIPLE,
            states=store,
            real_tiles=student.real_tiles,
        ),
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
    weights = f"{student.weights}|real tiles" if student.real_tiles else student.weights
    return StateStore(run / "states", weights, student.canvas, student.tiles, bound, PartialState().num_processes)


def write_arguments(run: Path, options: SftOptions, seed: int, films: int, val: int) -> TrainingArguments:
    """The same options in the words of transformers."""
    gpu = torch.cuda.is_available()
    bf16 = gpu and options.precision != "float32" and torch.cuda.is_bf16_supported(including_emulation=False)
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
        lr_scheduler_type="cosine",  # as LLaVA's LoRA recipe (arXiv:2304.08485, its code); QLoRA's own is constant
        warmup_steps=options.warmup,
        optim="adamw_8bit" if gpu else "adamw_torch",
        bf16=bf16,
        fp16=gpu and not bf16 and options.precision != "float32",
        use_cpu=not gpu,
        eval_strategy="steps" if val else "no",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=None,  # `checkpoints.rotate` drops old ones, once the new one is marked
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
