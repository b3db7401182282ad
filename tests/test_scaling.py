"""The costs of docs/scaling.md are those that its script computes, by the formulas of `neurosieve plan`."""

import re
from pathlib import Path
from typing import Any

import pytest
from docs.hooks.scaling import CASES, DOLLARS, price, table

from neurosieve.studies.cost import moment_bytes, moment_flops, plan_study, reading_flops
from tests.studies import quick

PAGE = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"


def test_the_page_has_the_table() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_the_sum_of_its_parts(case: object) -> None:
    found = price(case)  # type: ignore[arg-type]
    assert found.dollars == pytest.approx(DOLLARS * (found.reading + found.moments + found.counting))
    assert found.stored > 0
    assert found.reading > 0


def test_plan_uses_the_same_formulas() -> None:
    cost = plan_study(quick())
    least = reading_flops(cost.parameters, cost.tokens, 0, cost.width, cost.layers - 1)
    assert least == 2 * cost.parameters * cost.tokens < cost.flops


def test_sums_by_hand() -> None:
    assert reading_flops(10, 5, 9, 2, 3) == 2 * 10 * 5 + 4 * 9 * 2 * 3
    assert moment_flops(7, 4, 2) == 7 * 16 * 1.5
    assert moment_bytes(3) == 144


TEXT = " ".join(PAGE.read_text(encoding="utf-8").split())
CODEBERT = {"neurons": 13 * 768, "layers": 13, "weights": 85e6, "length": 512, "bytes": 4, "rate": "single"}
# As the page states them, not from the script; groups of properties are five.
BY_HAND: dict[str, dict[str, Any]] = {
    "CodeBERT on Devign": CODEBERT | {"rows": 27_318, "tokens": 27_318 * 512 * 4, "correlated": 21_854, "counted": 0},
    "seven published models": CODEBERT
    | {"rows": 2 * 2 * 2_610 * 28, "tokens": 2 * 2 * 2_610 * 512 * 4 * 28, "correlated": 2 * 2_000 * 28, "counted": 0},
    "StarCoder2-7B": {
        **{"neurons": 152_064, "layers": 33, "weights": 7e9, "length": 4096, "bytes": 2, "rate": "half"},
        **{"rows": 10**9, "tokens": 7 * 10**9, "correlated": 10**6, "counted": 10**9},
    },
}


def stated(pattern: str) -> float:
    """A figure of the page that the costs begin with."""
    (found,) = re.findall(pattern, TEXT)
    return float(found)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_figures_of_the_page_follow_from_what_it_states(name: str) -> None:
    case, (row,) = (
        BY_HAND[name],
        [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {name}")],
    )
    width = case["neurons"] / case["layers"]
    speed = {
        "single": stated(r"gives (\d+) TFLOP/s in float32 and float64"),
        "half": stated(r"and (\d+) TFLOP/s in bf"),
    }
    flops = case["tokens"] * (2 * case["weights"] + 4 * case["length"] * width * (case["layers"] - 1))
    products = case["correlated"] * case["neurons"] ** 2 * (1 + 1 / case["layers"])
    core = stated(r"counting: (\d+) ns for each row, neuron and group") * 1e-9 / stated(r"with (\d+) cores beside it")
    hours = [
        flops / (speed[case["rate"]] * 1e12) / 3600,
        products / (speed["single"] * 1e12) / 3600,
        case["counted"] * case["neurons"] * 5 * core / 3600,
    ]
    wanted = [
        case["rows"] * case["neurons"] * case["bytes"] / 1e9,
        2 * case["neurons"] ** 2 * 8 / 1e9,
        flops / 1e15,
        *hours,
        sum(hours) * stated(r"for (\d+) dollars an hour"),
    ]
    cells = [cell.split()[0].replace(",", "").replace("none", "0") for cell in row.split("|")[2:-1]]
    assert [float(cell) for cell in cells] == pytest.approx(wanted, rel=0.05)  # two digits are printed


def test_a_store_of_all_layers_would_take_300_tb() -> None:
    assert stated(r"cannot be stored: (\d+) TB") == pytest.approx(1e9 * 33 * 4608 * 2 / 1e12, rel=0.02)
