"""The training loop: what a seed decides, resuming, masking, interruption and bad input."""

import json
import os
import signal
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from training.networks import Kind, Score, masked_batch, next_token_batch, predict
from training.tokenizer import CLS_ID, MASK_ID, SEP_ID
from training.train import Data, Run, check_plateau, make_batch, rate_at, read_checkpoint

from neurosieve.errors import ConfigError, DataError, ModelError
from tests.training.conftest import settings
from training import common, train

CPU = torch.device("cpu")
KINDS: tuple[Kind, ...] = ("encoder", "decoder")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def weights(run: Run) -> list[torch.Tensor]:
    return [p.detach().clone() for p in run.model.parameters()]


def same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def steps(run: Run, count: int) -> Run:
    for _ in range(count):
        run.step()
    return run


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_decides_the_weights(data: Data, kind: Kind) -> None:
    first, again = (steps(Run(settings(kind), data, CPU), 3) for _ in range(2))
    other = steps(Run(settings(kind, seed=1), data, CPU), 3)
    assert same(weights(first), weights(again))
    assert not same(weights(first), weights(other))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_a_resumed_run_ends_with_the_same_weights(data: Data, kind: Kind, optimizer: str, tmp_path: Path) -> None:
    chosen = settings(kind, optimizer=optimizer, long_from=0.3)
    whole = steps(Run(chosen, data, CPU), 10)
    steps(Run(chosen, data, CPU), 4).save(tmp_path / "checkpoint.pt")
    resumed = Run(chosen, data, CPU)
    resumed.load(read_checkpoint(tmp_path / "checkpoint.pt"))
    assert same(weights(steps(resumed, 6)), weights(whole))
    assert list(tmp_path.iterdir()) == [tmp_path / "checkpoint.pt"]


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_and_writes_its_curve(data: Data, kind: Kind, tmp_path: Path) -> None:
    run = Run(settings(kind, tokens=60 * 256), data, CPU)
    assert train.train(run, tmp_path, every=512)
    lines = [json.loads(line) for line in (tmp_path / "curve.jsonl").read_text().splitlines()]
    assert lines[-1]["tokens"] == 60 * 256
    assert lines[-1]["held_out_loss"] < lines[0]["held_out_loss"] - 1


def test_the_share_of_masked_positions_is_exact_and_ends_are_marked() -> None:
    windows = np.random.default_rng(0).integers(5, 100, (6, 52)).astype(np.uint16)
    batch = masked_batch(windows, 0.3, np.random.default_rng(1))
    masked = batch.inputs == MASK_ID
    assert masked.sum(dim=1).tolist() == [15] * 6
    assert torch.equal(masked.flatten().nonzero().flatten(), batch.positions)
    assert torch.equal(torch.from_numpy(windows.astype(np.int64)).flatten()[batch.positions], batch.targets)
    assert set(batch.inputs[:, 0].tolist()) == {CLS_ID}
    assert set(batch.inputs[:, -1].tolist()) == {SEP_ID}


def test_next_tokens_are_the_targets() -> None:
    batch = next_token_batch(np.array([[5, 6, 7, 8]], np.uint16))
    assert batch.inputs.tolist() == [[5, 6, 7]]
    assert batch.targets.tolist() == [6, 7, 8]


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_transformers_own(data: Data, kind: Kind) -> None:
    run = Run(settings(kind), data, CPU)
    batch = make_batch(run.settings, data.train, 0)
    with torch.inference_mode():
        whole = run.model(input_ids=batch.inputs).logits.flatten(0, 1)
        torch.testing.assert_close(predict(run.model, batch), whole[batch.positions])


def test_an_epoch_reads_each_window_once(data: Data) -> None:
    chosen = settings("decoder", batch=32, early_until=0.0, long_from=9.0)
    windows = (data.train.size - 1) // 32
    firsts = {tuple(make_batch(chosen, data.train, 32 * i).inputs[0].tolist()) for i in range(windows)}
    every = {tuple(data.train[32 * i : 32 * i + 32].tolist()) for i in range(windows)}
    assert firsts == every


def test_the_rate_rises_and_falls_to_nothing() -> None:
    chosen = settings("encoder", tokens=100 * 256, warm_up=2560, early_until=0.0)
    rates = [rate_at(chosen, i * 256) for i in range(101)]
    assert rates[9] == pytest.approx(chosen.rate)
    assert all(a < b for a, b in pairwise(rates[:10]))
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert rates[-1] == pytest.approx(0)


def test_a_run_on_the_plateau_is_stopped(data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "PLATEAU_LEFT", 1)
    with pytest.raises(ModelError, match="no better than naming the most frequent token"):
        check_plateau(0.07, 0.06)
    run = Run(settings("encoder", rate=0.0), data, CPU)
    with pytest.raises(ModelError, match="held-out top-1 above"):
        train.train(run, tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_a_checkpoint_to_resume_from(
    data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    run = Run(settings("encoder"), data, CPU)

    def check() -> Score:
        os.kill(os.getpid(), number)
        return Score(1, 1, 1, 1.0)

    monkeypatch.setattr(run, "check", check)
    assert not train.train(run, tmp_path, every=256)
    assert read_checkpoint(tmp_path / "checkpoint.pt")["seen"] == run.seen == 256
    assert signal.getsignal(number) is not None


def arguments(data_folder: Path, out: Path, *more: str) -> list[str]:
    sizes = (
        "--width 16 --blocks 1 --batch 256 --early-batch 128 --length 32 --long-length 64 --warm-up 512 --tokens 2048"
    )
    others = "--kind decoder --precision float32 --rate 0.03 --threads 1"
    words = [*sizes.split(), *others.split(), *more]
    return ["training.train", "--data", str(data_folder), "--out", str(out), *words]


def test_the_command_stops_for_time_resumes_and_refuses_other_settings(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*more: str) -> int:
        monkeypatch.setattr(sys, "argv", arguments(data_folder, tmp_path, *more))
        return common.exit_code(train.main)

    assert run("--minutes", "0") == train.UNFINISHED
    assert run() == 1
    assert "add --resume" in capsys.readouterr().err
    assert run("--resume", "--seed", "5") == 1
    assert capsys.readouterr().err.startswith("error: --seed: expected 0 as in the checkpoint, got 5")
    assert run("--resume") == 0
    assert read_checkpoint(tmp_path / "checkpoint.pt")["seen"] == 2048


def test_the_curve_forgets_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    curve = train.Curve(tmp_path / "curve.jsonl", 0)
    for tokens in (1, 2, 3):
        curve.add(tokens=tokens)
    train.Curve(tmp_path / "curve.jsonl", 2)
    assert [json.loads(line)["tokens"] for line in (tmp_path / "curve.jsonl").read_text().splitlines()] == [1, 2]


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.pt").write_bytes(b"junk")
    with pytest.raises(DataError, match=r"checkpoint.pt: expected a checkpoint"):
        read_checkpoint(tmp_path / "checkpoint.pt")
    with pytest.raises(DataError, match="expected readable tokens"):
        train.load_data(tmp_path)


def test_other_settings_do_not_resume(data: Data, tmp_path: Path) -> None:
    Run(settings("encoder"), data, CPU).save(tmp_path / "checkpoint.pt")
    with pytest.raises(ConfigError, match=r"--rate: expected 0\.01 as in the checkpoint"):
        Run(settings("encoder", rate=0.5), data, CPU).load(read_checkpoint(tmp_path / "checkpoint.pt"))
