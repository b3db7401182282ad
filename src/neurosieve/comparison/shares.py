"""95 % intervals of shares of neurons, each neuron one trial, and of what a few draws of chance give."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import binomtest
from scipy.stats import t as student

from neurosieve.results.measured import Interval


def share_interval(hits: int, of: int) -> Interval | None:
    """Wilson's interval; None of nothing."""
    if not of:
        return None
    found = binomtest(hits, of).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def draw_interval(draws: Sequence[float]) -> Interval:
    """Where 95 % of further draws would be, by Student's t from the mean and spread of these; the mean of one alone."""
    mean, count = float(np.mean(draws)), len(draws)
    if count < 2:
        return mean, mean
    half = float(student.ppf(0.975, count - 1) * np.std(draws, ddof=1) * np.sqrt(1 + 1 / count))
    return mean - half, mean + half
