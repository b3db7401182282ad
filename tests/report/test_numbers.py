"""Numbers with their units and nouns, and ranges only where there is one."""

import pytest

from neurosieve.report.numbers import ACCURACY, R2, counted, layers_up_to
from neurosieve.results.measured import Spread


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 neurons"), (1, "1 neuron"), (2, "2 neurons"), (1280, "1,280 neurons")]
)
def test_a_noun_follows_its_number(value: int, text: str) -> None:
    assert counted(value, "neuron") == text


@pytest.mark.parametrize(("layer", "text"), [(0, "layer 0"), (1, "layers 0–1"), (12, "layers 0–12")])
def test_a_single_layer_is_no_range(layer: int, text: str) -> None:
    assert layers_up_to(layer) == text


@pytest.mark.parametrize(
    ("low", "high", "ranged", "middle"),
    [
        (0.727, 0.727, "72.7 %", "72.7"),
        (0.72701, 0.72699, "72.7 %", "72.7"),  # equal as shown
        (0.7, 0.75, "72.7 % (70.0 – 75.0)", "72.7 (70.0 – 75.0)"),
    ],
)
def test_equal_draws_have_no_range(low: float, high: float, ranged: str, middle: str) -> None:
    spread = Spread(mean=0.727, median=0.727, low=low, high=high)
    assert ACCURACY.ranged(spread) == ranged
    assert ACCURACY.middle(spread) == middle


def test_a_value_that_is_not_measured_has_a_dash() -> None:
    assert R2.ranged(None) == "–"
    assert ACCURACY.middle(Spread(mean=0.5, low=0.4, high=0.6)) == "–"
