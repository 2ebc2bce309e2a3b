"""What a run would do, before it does it: what the model is shown, what it is told, how long it takes.

Knows nothing about where films come from.
"""

import time

import torch
from transformers import MllamaProcessor

from cxr.prompts import GUIDE_WORDS, REPORT_REQUEST, parse_yes_no
from cxr.training.collator import IGNORED, Collator
from cxr.training.dataset import FilmDataset
from cxr.training.index import Indexes
from cxr.training.progress import read_memory
from cxr.training.trainer import FilmTrainer
from cxr.training.wordings import WHAT, WHICH

TIMED = 3  # micro-batches
TASKS = ("question with yes or no", "label list", "report", "guided report", "open question")
LISTS = tuple(words.partition("{")[0] for words in WHICH)  # how requests for a list among a few findings begin
GUIDED = tuple(f"{REPORT_REQUEST} {word}: " for word in GUIDE_WORDS)
LOOKED_AT = 40  # films among which one row of each task is sought


def preview(trainer: FilmTrainer, indexes: Indexes) -> str:
    """One rendered row a task, labels as read, counts by finding and split, and what three micro-batches took."""
    dataset, collator = trainer.train_dataset, trainer.data_collator
    assert isinstance(dataset, FilmDataset) and isinstance(collator, Collator)
    rows = show_rows(dataset, collator)
    parts = [f"--- {task} ---\n{text}" for task, text in rows.items()]
    return "\n\n".join(["", *parts, show_labels(indexes), show_counts(indexes), time_steps(trainer, dataset, collator)])


def name_task(request: str, answer: str) -> str:
    """Which of `TASKS` a request belongs to."""
    if request.startswith(REPORT_REQUEST):
        return "guided report" if request.startswith(GUIDED) else "report"
    if request in WHAT or request.startswith(LISTS):
        return "label list"
    return "question with yes or no" if parse_yes_no(answer) is not None else "open question"


def show_rows(dataset: FilmDataset, collator: Collator) -> dict[str, str]:
    """By task one row as the model gets it, the answer between >> and <<."""
    shown: dict[str, str] = {}
    for place in range(min(LOOKED_AT, len(dataset))):
        for pair in dataset[place].pairs:
            ids, start = collator.encode_pair(pair)
            text = f"{decode(collator.processor, ids[:start])}>>{decode(collator.processor, ids[start:])}<<"
            shown.setdefault(name_task(*pair), text)
    return {task: shown.get(task, f"none among the first {LOOKED_AT} films") for task in TASKS}


def decode(processor: MllamaProcessor, ids: list[int]) -> str:
    """Tokens as text, with the marks that steer the model."""
    return str(processor.tokenizer.decode(ids, skip_special_tokens=False))


def show_labels(indexes: Indexes) -> str:
    """Each label of the data, what it is read as, and how many films have it."""
    cells = ((label.replace("|", "/"), says, str(count)) for label, says, count in indexes.labels)
    return "\n".join(["| label | is read as | films |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in cells)])


def show_counts(indexes: Indexes) -> str:
    """Films present / absent / unknown by finding and split."""
    splits = list(indexes.counts)
    lines = ["| finding | " + " | ".join(f"{split}: present / absent / unknown" for split in splits) + " |"]
    lines.append("|---" * (len(splits) + 1) + "|")
    for finding in indexes.counts[splits[0]]:
        cells = [" / ".join(str(count) for count in indexes.counts[split][finding]) for split in splits]
        lines.append(f"| {finding} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def time_steps(trainer: FilmTrainer, dataset: FilmDataset, collator: Collator) -> str:
    """Forward and backward of three micro-batches, and what the whole run would take at that pace."""
    films = trainer.args.per_device_train_batch_size
    seconds = []
    trainer.learner.train()  # layers keep fewer activations then
    for number in range(TIMED):
        began = time.monotonic()
        batch = collator([dataset[(number * films + i) % len(dataset)] for i in range(films)])
        batch.pop("keys", None)
        inputs = {
            name: value.to(trainer.learner.device) for name, value in batch.items() if isinstance(value, torch.Tensor)
        }
        with trainer.accelerator.autocast():
            loss = trainer.learner(**inputs)["loss"]
        loss.backward()
        tokens = int((inputs["labels"] != IGNORED).sum())
        seconds.append(time.monotonic() - began)
    trainer.learner.zero_grad()
    batches = (
        len(dataset) / films / trainer.args.world_size
        if trainer.args.max_steps <= 0
        else trainer.args.max_steps * trainer.args.gradient_accumulation_steps
    )
    pace = min(seconds)
    return (
        f"A micro-batch of {films} films took {pace:.2f} s here (its answers have {tokens} tokens; loss "
        f"{loss.item():.2f}); {batches:.0f} of them take about {batches * pace / 60:.1f} min without validation. "
        f"At most {read_memory():.1f} GiB of memory were used."
    )
