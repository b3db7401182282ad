"""The costs of docs/scaling.md are those that its script computes, by the formulas of `neurosieve plan`."""

from pathlib import Path

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


def test_storing_a_large_model_would_take_300_tb() -> None:
    assert price(CASES[-1]).stored == pytest.approx(1e9 * 33 * 4608 * 2)


def test_plan_uses_the_same_formulas() -> None:
    cost = plan_study(quick())
    least = reading_flops(cost.parameters, cost.tokens, 0, cost.width, cost.layers - 1)
    assert least == 2 * cost.parameters * cost.tokens < cost.flops


def test_sums_by_hand() -> None:
    assert reading_flops(10, 5, 9, 2, 3) == 2 * 10 * 5 + 4 * 9 * 2 * 3
    assert moment_flops(7, 4, 2) == 7 * 16 * 1.5
    assert moment_bytes(3) == 144
