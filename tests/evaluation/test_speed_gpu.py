"""Rows are told as they are found, and bounds are counted from the model. No test here looks at a clock."""

from pathlib import Path

import pytest
import torch
from transformers import MllamaConfig, MllamaForConditionalGeneration

from cxr.evaluation import speed_gpu
from cxr.evaluation.bounds import Rates, count_needs, measure_rates
from cxr.evaluation.paths import QUESTIONS, REPORT, compare, load_pair
from cxr.evaluation.speed import main
from cxr.evaluation.speed_gpu import Row, take_turns
from tests.tiny import save_tiny


def test_the_needs_of_the_11b_are_those_of_its_architecture() -> None:
    with torch.device("meta"):
        config = MllamaConfig()
        config.vision_config.image_size = 560
        model = MllamaForConditionalGeneration(config).bfloat16()
    four, one = count_needs(model, 4), count_needs(model, 1)
    assert four.weights == pytest.approx(18.36e9, rel=2e-3)  # two bytes of 9.18 billion weights
    assert four.token == 131_072 and four.film == 32_768 * 6404 and one.film == 32_768 * 1601
    assert four.encode == pytest.approx(19.85e12, rel=5e-3) and four.word == pytest.approx(17.3e9, rel=0.02)
    rates = Rates(4.3e12, 790e12)
    assert 1 / four.decode(rates, 500) == pytest.approx(231, rel=0.01)
    assert 32 / four.decode(rates, 500, 32) == pytest.approx(5063, rel=0.02)
    assert four.see(rates) == pytest.approx(25.1e-3, rel=0.01)
    assert four.read(rates, 10) == pytest.approx(4.3e-3, rel=0.02)
    assert four.read(rates, 2500) == pytest.approx(2500 * 17.1e9 / 790e12, rel=0.02)


def test_rates_are_measured_on_a_cpu_too() -> None:
    rates = measure_rates(torch.device("cpu"))
    assert rates.bytes_a_second > 0 and rates.operations_a_second > 0


def test_both_paths_take_turns_after_an_untimed_round() -> None:
    done: list[str] = []
    seconds = take_turns(lambda: done.append("plain"), lambda: done.append("fast"), repeats=2)
    assert done == ["plain", "fast"] * 3 and len(seconds) == 2


def test_a_row_gives_both_paths_their_ratio_and_the_share_of_the_bound() -> None:
    wait = Row("14 findings", 1.4, 0.07, 0.035).write("bf16")
    assert wait == "| bf16 | 14 findings | 1400.0 ms | 70.0 ms | 20.0 | 35.0 ms | 50% |\n"
    text = Row("text, one film", 2.5, 0.5, 0.4, tokens=100).write("4bit")
    assert text == "| 4bit | text, one film | 40.0 tok/s | 200.0 tok/s | 5.0 | 250.0 tok/s | 80% |\n"


def test_the_command_adds_every_row_to_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = save_tiny(tmp_path)
    out = tmp_path / "rows.md"
    out.write_text("before\n", encoding="utf-8")
    main(["--gpu", str(base), "--out", str(out), "--profile"])
    written = out.read_text(encoding="utf-8")
    assert written.startswith("before\nCPU: ") and written.removeprefix("before\n") in capsys.readouterr().out
    rows = [line for line in written.splitlines() if line.startswith("| float32 | ")]
    assert [row.split(" | ")[1] for row in rows] == [
        "text, one film",
        "first word after a film is chosen",
        "first word of a further question",
        "14 findings",
        "14 findings, beside one by one",
        "reports of 3 films",
    ]
    assert all(
        f"{way} " in written.partition("A heat map of a film of 1 tiles: ")[2] for way in ("ATTENTION", "GRAD_CAM")
    )
    assert "Apart, relative: states" in written and "text: " in written and "aten::mm" in written


def test_rows_that_were_found_stay_where_a_run_is_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base, _ = save_tiny(tmp_path)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(speed_gpu, "measure_findings", stop)
    with pytest.raises(KeyboardInterrupt):
        main(["--gpu", str(base), "--out", str(tmp_path / "rows.md")])
    assert (tmp_path / "rows.md").read_text(encoding="utf-8").count("| float32 |") == 3


def test_a_cap_is_told_with_what_was_read_under_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, _ = save_tiny(tmp_path)
    main(["--gpu", str(base), "--cap", "14.5"])
    assert "Under a cap of 14.5 GiB, 1 tiles, findings" in capsys.readouterr().out


def test_both_paths_of_a_pair_are_one_model_and_their_distance_is_told(tmp_path: Path) -> None:
    base, _ = save_tiny(tmp_path)
    pair = load_pair(base, "float32")
    assert pair.plain.model is pair.fast.model and pair.plain.fast is None and pair.fast.fast
    told, texts = compare(pair).removeprefix("Apart, relative: ").split(". ", 1)
    states, logits = (float(piece.split()[-1]) for piece in told.split(","))
    whole = len(list(pair.plain.stream(pair.encoded, REPORT, 32)))
    assert texts.startswith(f"Of {whole} pieces of text the first {whole} are alike") and texts.endswith(
        f" 0, {whole}."
    )
    assert 0 <= states < 1e-4 and 0 <= logits < 1e-4
    assert pair.fast.score(pair.encoded, QUESTIONS[:1], ["Yes", "No"]).sum() == pytest.approx(1)
