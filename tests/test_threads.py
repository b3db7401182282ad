"""The rule for threads: affinity, a container's quota, and what the user has said before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from neurosieve import threads
from neurosieve.probes.solver import one_hot, solve


@pytest.mark.parametrize(
    ("quota", "processors"),
    [("max 100000", 64), ("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("9900000 100000", 64)],
)
def test_processors_are_those_of_the_quota_but_no_more_than_of_the_affinity(
    quota: str, processors: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(64))
    (tmp_path / "cpu.max").write_text(f"{quota}\n")
    assert threads.usable_processors(tmp_path / "cpu.max") == processors
    assert threads.usable_processors(tmp_path / "absent") == 64


def test_what_the_user_has_set_stays() -> None:
    environment = {"OMP_NUM_THREADS": "7"}
    threads.limit_threads(environment)
    assert environment["OMP_NUM_THREADS"] == "7"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"


def test_the_command_sets_the_rule_before_torch_is_loaded() -> None:
    code = (
        "import atexit, os, sys; from neurosieve.cli import main; print('torch' in sys.modules)\n"
        "atexit.register(lambda: print(os.environ['OMP_WAIT_POLICY'])); main(['tasks'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.split()[0] == "False"
    assert ended.stdout.split()[-1] == "PASSIVE"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_keep_their_order_and_have_one_thread_each(count: int) -> None:
    with threads.torch_threads(count):
        found = list(threads.map_threads(lambda part: (part, torch.get_num_threads()), range(7)))
        assert found == [(part, 1) for part in range(7)]
        assert torch.get_num_threads() == count


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_in_a_part_reaches_the_caller_and_ends_the_rest(count: int) -> None:
    begun = []

    def work(part: int) -> int:
        begun.append(part)
        if part == 1:
            raise ValueError("part 1")
        return part

    with threads.torch_threads(count):
        results = threads.map_threads(work, range(1000))
        assert next(results) == 0
        with pytest.raises(ValueError, match="part 1"):
            list(results)
        assert torch.get_num_threads() == count
    assert len(begun) < 1000


@pytest.mark.parametrize("count", [1, 2])
def test_results_do_not_depend_on_how_many_threads_there_are(count: int) -> None:
    """Selection and controls, equal in each bit."""
    x = torch.randn(40, 200, generator=torch.Generator().manual_seed(0))
    label = torch.arange(200) % 3
    x[:3] += torch.nn.functional.one_hot(label, 3).T

    def fit(size: int) -> torch.Tensor:
        y = one_hot(label, 3, x)
        return solve(x[:size].contiguous(), y, 0.01, 0.01, 1e-6).weights

    with threads.torch_threads(1):
        plain = [fit(size) for size in range(5, 40)]
    with threads.torch_threads(count):
        for one, other in zip(plain, threads.map_threads(fit, range(5, 40)), strict=True):
            assert torch.equal(one, other)
