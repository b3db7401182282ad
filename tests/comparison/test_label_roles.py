"""Roles of neurons: planted ones are found, halves of one run do not change them, chance has a width."""

import numpy as np
import pytest

from neurosieve.comparison.label_roles import LabelledRows, roles_of_two, strengths

NEURONS, ROWS, LABELS = 12, 600, 3


def rows(seed: int, role: np.ndarray, size: float = 2.0) -> LabelledRows:
    """Neuron i is high for label `role[i]` - 1, low for it where that is negative, and tells nothing where it is 0."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, LABELS, ROWS)
    x = rng.normal(size=(NEURONS, ROWS))
    for i, told in enumerate(role):
        if told:
            x[i] += np.sign(told) * size * (label == abs(told) - 1)
    return LabelledRows(x.astype(np.float32), label, LABELS, np.arange(ROWS) // 4, seed)


FIRST = np.array([1, 2, 3, -1, -2, -3, 1, 2, 3, 0, 0, 0])
SECOND = np.array([1, 2, 3, -1, -2, -3, 2, 3, 1, 0, 0, 0])


def test_strengths_are_differences_of_means_in_standard_deviations() -> None:
    given = rows(0, FIRST)
    found = strengths(given).value
    for label in range(LABELS):
        own = given.label == label
        plain = (given.x[:, own].mean(1) - given.x[:, ~own].mean(1)) / given.x.std(1)
        np.testing.assert_allclose(found[label], plain, rtol=1e-4)


def test_planted_roles_and_changes() -> None:
    found = roles_of_two(rows(0, FIRST), rows(1, SECOND))
    assert found.a[:9].tolist() == FIRST[:9].tolist()
    assert found.b[:9].tolist() == SECOND[:9].tolist()
    assert found.certain[:9].all()
    assert np.flatnonzero(found.changed).tolist() == [6, 7, 8]


def test_chance_without_a_change_still_has_a_width() -> None:
    found = roles_of_two(rows(0, FIRST), rows(1, FIRST))
    assert found.by_halves
    assert all(half.changed == 0 for half in found.by_halves)
    value, (low, high) = found.chance
    assert value == low == 0
    assert high > 1 / 12


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_one_cluster_has_no_halves(seed: int) -> None:
    one = rows(seed, FIRST)
    alone = LabelledRows(one.x, one.label, LABELS, np.zeros(ROWS), seed)
    assert roles_of_two(alone, alone).by_halves == ()
