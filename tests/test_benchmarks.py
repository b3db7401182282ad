"""The measurements start, give valid JSON, and judge others' probes as the solver judges its own."""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.__main__ import MEASUREMENTS, Measurement, line_of, measured, rows_of
from benchmarks.measure import LACKING, Figure, Spent, busy, in_turn, timed
from benchmarks.rivals import violation
from benchmarks.run_data import planted_data

from neurosieve.probes.probe import fit_path, lambda_max, lambda_path

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"
SCRIPTS = sorted(p.stem for p in FOLDER.glob("[a-z]*.py") if "def main()" in p.read_text(encoding="utf-8"))
TINY_BATCH = "--rows 120 --layers 2 --width 6 --sets 1 --draws 1 --lambdas 2 --runs 1"
Monkey = pytest.MonkeyPatch
Capture = pytest.CaptureFixture[str]


def run(script: str, arguments: str, monkeypatch: Monkey) -> None:
    monkeypatch.setattr(sys, "argv", [script, *arguments.split()])
    importlib.import_module(f"benchmarks.{script}").main()


@pytest.mark.parametrize("script", [*SCRIPTS, "__main__"])
def test_help(script: str, monkeypatch: Monkey, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        run(script, "--help", monkeypatch)
    assert ended.value.code == 0
    out = capsys.readouterr().out
    assert "--out" in out
    assert "python -m benchmarks" in out


def test_every_script_is_measured() -> None:
    assert {m.script for m in MEASUREMENTS} == set(SCRIPTS)
    assert len({m.name for m in MEASUREMENTS}) == len(MEASUREMENTS)


@pytest.mark.parametrize(("script", "arguments"), [("startup", "--runs 1"), ("batch", TINY_BATCH)])
def test_result_is_json(script: str, arguments: str, tmp_path: Path, monkeypatch: Monkey, capsys: Capture) -> None:
    run(script, f"{arguments} --out {tmp_path}/new/it.json", monkeypatch)
    result: dict[str, Any] = json.loads((tmp_path / "new" / "it.json").read_text(encoding="utf-8"))
    assert result == json.loads(capsys.readouterr().out)
    assert {"torch", "numpy", "python"} <= set(result["machine"]["versions"])
    assert all(figure["value"] >= 0 for figure in result["figures"])
    for times in result["seconds"].values():
        for least, middle, largest in times.values():
            assert 0 <= least <= middle <= largest


def test_batch_fits_the_same_probes(tmp_path: Path, monkeypatch: Monkey) -> None:
    run("batch", f"{TINY_BATCH} --out {tmp_path}/it.json", monkeypatch)
    result = json.loads((tmp_path / "it.json").read_text(encoding="utf-8"))
    assert result["shape"] == {"probes": 8, "problems": 4, "rows": 120, "neurons": 12}
    values = {figure["what"]: figure["value"] for figure in result["figures"]}
    assert values["not converged"] == 0
    assert values["largest difference of validation scores"] <= 0.05


def test_cases_take_turns() -> None:
    order: list[str] = []

    def case(name: str) -> Spent:
        order.append(name)
        return Spent(float(len(order)), 0.0)

    times = in_turn({"a": lambda: case("a"), "b": lambda: case("b")}, 3)
    assert order == ["a", "b"] * 3
    assert times == {
        "a": {"wall": [1, 3, 5], "processor": [0, 0, 0]},
        "b": {"wall": [2, 4, 6], "processor": [0, 0, 0]},
    }


def test_busy_processes_work_and_end() -> None:
    with busy(1):
        spent = timed(lambda: sum(range(10**6)))
    assert spent.processor <= spent.wall + 0.5  # what is busy still runs, and is not counted
    assert timed(lambda: None).processor < 0.1


@pytest.mark.parametrize(
    ("least", "most", "kept"),
    [(None, None, None), (None, 1.0, True), (None, 0.9, False), (1.1, None, False), (1, 1, True)],
)
def test_bounds(least: float | None, most: float | None, kept: bool | None) -> None:
    assert Figure("x", 1.0, least, most).kept is kept


@pytest.mark.parametrize("share", [1.0, 0.1, 0.01])
def test_violation_is_the_solvers(share: float) -> None:
    data = planted_data(150, 2, 8, classes=3)
    every = np.arange(len(data.neurons))
    lam_max = lambda_max(data, every)
    (probe,), _ = fit_path(data, every, [share * lam_max])
    x, y = data.x.numpy().T.astype(np.float64), data.target.numpy().T
    weights, free = probe.weights.numpy(), probe.intercept.numpy()
    own = violation(x, y, probe.lam, (weights, free)) / lam_max
    assert own == pytest.approx(probe.violation, abs=2e-6)
    assert violation(x, y, probe.lam, (weights + 0.1, free)) / lam_max > 10 * own


def test_violation_at_zero() -> None:
    data = planted_data(150, 2, 8, classes=3)
    lam = lambda_path(lambda_max(data, np.arange(len(data.neurons))))[0]
    x, y = data.x.numpy().T.astype(np.float64), data.target.numpy().T
    nothing = np.zeros((x.shape[1], 3)), np.log(y.mean(0))
    assert violation(x, y, lam, nothing) < 1e-6
    assert violation(x, y, lam / 2, nothing) == pytest.approx(lam / 4, rel=1e-3)


def test_lacking_data_are_named(tmp_path: Path, monkeypatch: Monkey, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        run("probes", str(tmp_path), monkeypatch)
    assert ended.value.code == LACKING
    assert str(tmp_path / "activations") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        (f"import sys; print('no data', file=sys.stderr); sys.exit({LACKING})", "left out: no data"),
        ("raise ValueError('wrong')", "failed, exit code 1"),
    ],
)
def test_what_gives_no_result_is_shown(code: str, shown: str, tmp_path: Path) -> None:
    result = measured(Measurement("some", "probes"), ["-c", code], tmp_path)
    assert isinstance(result, str)
    assert result.startswith(shown)
    assert rows_of("some", result, 1.0)[0].endswith(result)


def test_line_stands_for_folders() -> None:
    made = Measurement("some", "busy", "RUN --runs 3", "--runs 1 --command 'plan x'")
    assert line_of(made, {"RUN": "a b"}, quick=False) == ["-m", "benchmarks.busy", "a b", "--runs", "3"]
    assert line_of(made, {"RUN": "a b"}, quick=True)[-4:] == ["--runs", "1", "--command", "plan x"]


def test_table_names_what_is_missed() -> None:
    lines = rows_of("some", {"figures": [{"what": "it", "value": 2.0, "most": 1.0, "kept": False}]}, 3.0)
    assert "3 s" in lines[0]
    assert lines[1].split() == ["it", "2", "≤", "1", "MISSED"]
