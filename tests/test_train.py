"""`python train.py` as a researcher runs it: on drawn films, killed in the middle, and on two ranks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import train
from cxr.films.phantom.sets import write_set
from cxr.results import CxrError
from cxr.training import finetune
from tests.hub import OWNER, TOKEN, HubStandIn
from tests.training.test_dataset import make_rows
from tests.training.test_trainer import make_trainer, weights

ROOT = Path(__file__).resolve().parents[1]
QUICK = ["--epochs", "1", "--films", "2", "--rows", "2", "--accumulation", "1", "--eval_films", "2", "--canvas", "288"]
ENVIRON = {**os.environ, "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}


def start(data: Path, out: Path, *more: str, environ: dict[str, str] = ENVIRON) -> subprocess.Popen[str]:
    command = [sys.executable, "train.py", "sft", "--data", str(data), "--out", str(out), *QUICK, *more]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def finish(process: subprocess.Popen[str]) -> str:
    said, _ = process.communicate(timeout=280)
    assert process.returncode == 0, said[-3000:]
    return said


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    write_set(folder, count=30, size=128, first=9_000_500)
    return folder


def say(*arguments: str) -> str:
    """What a command that cannot be done says; it must be one sentence."""
    done = subprocess.run(
        [sys.executable, "train.py", *arguments], cwd=ROOT, env=ENVIRON, capture_output=True, text=True, timeout=120
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.slow
def test_what_cannot_be_done_is_said_in_one_sentence(drawn: Path, tmp_path: Path) -> None:
    place = ["--data", str(drawn), "--out", str(tmp_path / "run")]
    assert "Unsloth is not installed" in say("sft", "--engine", "unsloth", *place)
    assert "nothere.yaml cannot be read" in say("sft", "--config", "nothere.yaml")
    assert "--rank must be" in say("sft", "--rank", "0")
    assert "Each command lists its options" in say("fly")


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (["--engine", "unsloth"], True),
        (["--config", "own.yaml"], True),
        (["--config", "own.yaml", "--engine", "transformers"], False),
        (["--config", str(ROOT / "configs/sft.yaml")], False),
        (["--base", "unsloth/Llama-3.2-11B-Vision-Instruct"], False),
        (["--config", str(ROOT / "configs/embedded.yaml"), "--out", "unsloth"], False),
    ],
)
def test_unsloth_is_imported_first_when_it_is_asked_for(
    arguments: list[str], asked: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text("precision: 4bit\nengine: unsloth\n", encoding="utf-8")
    assert train.names_unsloth(arguments) == asked


def test_a_run_without_a_name_on_the_hub_is_not_pushed(tmp_path: Path) -> None:
    with pytest.raises(CxrError, match="needs a name on the Hub: give --push_to_hub"):
        train.run_push(["--run", str(tmp_path)])


def test_what_is_no_option_is_named_and_a_value_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "sft.yaml"
    for arguments in (["--rnak", "3"], ["--config", str(path)]):
        path.write_text("rnak: 3\n", encoding="utf-8")
        with pytest.raises(CxrError, match="There is no option --rnak"):
            train.run_sft(arguments)
    path.write_text("epochs: null\n", encoding="utf-8")
    with pytest.raises(CxrError, match="--epochs must be a number, not None"):
        train.run_sft(["--config", str(path), "--data", str(tmp_path)])


def test_help_is_no_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--help"])
    assert "python train.py sft" in capsys.readouterr().out


def test_a_file_of_options_in_another_encoding_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "sft.yaml"
    path.write_text("engine: unsloth\n", encoding="utf-16")
    assert train.names_unsloth(["--config", str(path)]) is False  # asked at import, where nothing is told yet
    with pytest.raises(CxrError, match=r"options cannot be read.*utf-8"):
        train.run_sft(["--config", str(path)])


@pytest.mark.parametrize(
    ("split", "asked", "sentence"),
    [
        ("val", [], "repeat them: --findings tuberculosis"),
        ("train", ["--findings", "tuberculosis"], "there are none; give some the split"),
    ],
)
def test_what_could_not_be_published_is_not_trained(
    split: str, asked: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "film.png").write_bytes((ROOT / "examples" / "drawn-normal.png").read_bytes())
    lines = []
    for number in range(12):
        (tmp_path / f"{number}.png").symlink_to("film.png")
        known = {"label" if number % 2 else "absent": ["Tuberculosis"]}
        lines.append({"image": f"{number}.png", "patient": f"p{number}", "split": "train", **known})
    (tmp_path / "val.png").write_bytes((tmp_path / "film.png").read_bytes())
    lines.append({"image": "val.png", "patient": "val", "split": split, "label": ["Mass"]})
    (tmp_path / "dataset.json").write_text(json.dumps(lines))
    monkeypatch.setattr(finetune, "load_student", lambda options: pytest.fail("a model was loaded"))
    told = ["--data", str(tmp_path), "--out", str(tmp_path / "run"), "--push_to_hub", f"{OWNER}/chest", *asked]
    with pytest.raises(CxrError, match=sentence):
        train.run_sft(told)


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_weights(drawn: Path, tmp_path: Path) -> None:
    """SIGKILL in the step after the first checkpoint, whatever is being written then."""
    steps = ["--max_steps", "8", "--eval_steps", "2"]
    finish(start(drawn, tmp_path / "whole", *steps))
    cut = start(drawn, tmp_path / "cut", *steps)
    while not (tmp_path / "cut" / "checkpoint-2" / "complete").exists():
        assert cut.poll() is None, cut.communicate()[0][-3000:]
        time.sleep(0.05)
    cut.send_signal(signal.SIGKILL)
    cut.wait()
    assert not (tmp_path / "cut" / "adapter").exists()
    finish(start(drawn, tmp_path / "cut", *steps))
    one, two = (load_file(tmp_path / name / "adapter" / "adapter_model.safetensors") for name in ("whole", "cut"))
    assert one.keys() == two.keys()
    assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-6


@pytest.mark.slow
def test_a_trained_adapter_is_published_and_read_back_by_the_program(drawn: Path, tmp_path: Path) -> None:
    """Train, calibrate and measure, publish, and read a film with what came out, pinned to its commit."""
    with HubStandIn({}) as hub:
        environ = {**ENVIRON, **hub.environment(tmp_path / "cache"), "HF_TOKEN": TOKEN}
        environ.pop("HF_HUB_OFFLINE", None)
        out = tmp_path / "run"
        finish(start(drawn, out, "--max_steps", "2", "--push_to_hub", f"{OWNER}/chest", environ=environ))
        commit = hub.commit(f"{OWNER}/chest")
        film = ROOT / "examples" / "drawn-effusion.png"
        settings = {"CXR_ADAPTER": f"{OWNER}/chest", "CXR_ADAPTER_REVISION": commit}
        read = subprocess.run(
            [sys.executable, "-m", "cxr", "read", str(film), "--json"],
            cwd=ROOT,
            env={**environ, **settings},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert read.returncode == 0, read.stderr[-2000:]
    said = json.loads(read.stdout)
    assert commit in read.stdout and f"{OWNER}/chest" in read.stdout and said
    assert {"metrics.json", "predictions.jsonl", "roc.png"} <= {path.name for path in (out / "evaluation").iterdir()}


@pytest.mark.slow
def test_two_ranks_share_the_work_and_end_with_the_weights_of_one(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    subprocess.run(
        [*command, "-m", "tests.training.two_ranks", str(tmp_path)], cwd=ROOT, env=ENVIRON, check=True, timeout=280
    )
    ranks = [torch.load(tmp_path / f"rank-{rank}.pt") for rank in (0, 1)]
    assert [rank.pop("world") for rank in ranks] == [2, 2]
    assert all(torch.equal(ranks[0][name], ranks[1][name]) for name in ranks[0])
    films = tmp_path / "films"
    films.mkdir()
    # Plain descent: a loss that is scaled wrongly shows, which Adam and clipping would hide.
    alone = make_trainer(
        tmp_path / "alone", make_rows(films, 8), dropout=0.0, accumulation=2, optim="sgd", clip=0.0, rate=0.5
    )
    before = weights(alone)
    alone.train()
    moved = max(float((value - before[name]).abs().max()) for name, value in weights(alone).items())
    apart = max(float((ranks[0][name] - value).abs().max()) for name, value in weights(alone).items())
    assert apart < 1e-3 * moved


@pytest.mark.slow
def test_two_ranks_run_the_whole_command(tmp_path: Path) -> None:
    write_set(tmp_path / "data", count=20, size=128, first=9_000_000)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        "train.py",
        "sft",
    ]
    options = ["--config", "configs/embedded.yaml", "--data", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    subprocess.run(
        [*command, *options, "--max_steps", "2", "--eval_steps", "2", "--films", "2", "--rows", "2"],
        cwd=ROOT,
        env=ENVIRON,
        check=True,
        timeout=280,
    )
    assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").is_file()
