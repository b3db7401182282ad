"""How often intervals hold the truth, simulated where errors come in clusters; the grid is METHOD.md's."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from neurosieve.probes import ClusterBootstrap, loss_interval, score_interval
from neurosieve.probes.intervals import loss_bound
from neurosieve.probes.metrics import metrics_of

LEAST = 0.93  # of a nominal 0.95
REPEATS = 1000
DRAWS = 300
NOISE = 3 * np.sqrt(LEAST * (1 - LEAST) / REPEATS)  # many cells are looked at
SIZES: dict[str, tuple[int, int]] = {"one": (1, 1), "three": (3, 3), "ten": (10, 10), "mixed": (1, 10)}
GRID = [
    pytest.param(size, clusters, icc, id=f"{size}-{clusters}-{icc}")
    for size in SIZES
    for clusters in (50, 200, 800)
    for icc in (0.0, 0.1, 0.3)
    if not (size == "one" and icc)
]


class Drawn(NamedTuple):
    """Kinds of rows, shape [repeats, rows], and their clusters, shape [rows]."""

    kind: np.ndarray
    group: np.ndarray


def draw(size: str, clusters: int, icc: float, shares: Sequence[float], repeats: int = REPEATS) -> Drawn:
    """Rows of kinds with these shares, whose indicators correlate by `icc` inside a cluster (Dirichlet-multinomial)."""
    rng = np.random.default_rng(clusters)
    low, high = SIZES[size]
    group = np.repeat(np.arange(clusters), rng.integers(low, high + 1, clusters))
    own = np.broadcast_to(np.array(shares), (repeats, clusters, len(shares)))
    if icc:
        gamma = rng.standard_gamma(own * (1 - icc) / icc) + 1e-300
        own = gamma / gamma.sum(-1, keepdims=True)
    ends = own.cumsum(-1)[:, group]
    kind = (rng.random((repeats, len(group), 1)) > ends[..., :-1]).sum(-1)
    return Drawn(kind, group)


def covered(hits: Sequence[bool]) -> None:
    assert np.mean(hits) >= LEAST - NOISE, np.mean(hits)


@pytest.mark.slow
@pytest.mark.parametrize("accuracy", [0.9, 0.97, 0.99, 0.998])
@pytest.mark.parametrize(("size", "clusters", "icc"), GRID)
def test_interval_of_an_accuracy(size: str, clusters: int, icc: float, accuracy: float) -> None:
    drawn = draw(size, clusters, icc, (accuracy, 1 - accuracy))
    bootstrap, hits = ClusterBootstrap(drawn.group, draws=DRAWS), []
    for rows in drawn.kind == 0:
        interval = score_interval(rows, bootstrap)
        assert interval is not None
        assert interval[1] > interval[0]
        hits.append(interval[0] <= accuracy <= interval[1])
    covered(hits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "won"), [(0.002, 0), (0.005, 0), (0.005, 0.003), (0.01, 0), (0.01, 0.005), (0.015, 0.005)]
)
@pytest.mark.parametrize(("size", "clusters", "icc"), GRID)
def test_interval_and_upper_bound_of_a_paired_loss(
    size: str, clusters: int, icc: float, lost: float, won: float
) -> None:
    drawn, truth = draw(size, clusters, icc, (1 - lost - won, lost, won)), lost - won
    bootstrap, hits, below = ClusterBootstrap(drawn.group, draws=DRAWS), [], []
    for kind in drawn.kind:
        reference, other = kind != 2, kind != 1
        interval, bound = loss_interval(reference, other, bootstrap)[1], loss_bound(reference, other, bootstrap)
        assert interval is not None
        assert bound is not None
        assert interval[1] > interval[0]
        hits.append(interval[0] <= truth <= interval[1])
        below.append(truth <= bound)
    covered(hits)
    covered(below)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "clusters", "icc"), [("one", 200, 0.0), ("three", 200, 0.1), ("mixed", 200, 0.3)])
@pytest.mark.parametrize("accuracy", [0.8, 0.95, 0.99])
def test_interval_of_macro_f1_and_correlation(size: str, clusters: int, icc: float, accuracy: float) -> None:
    """Two equal classes that err alike: both measures follow from the accuracy."""
    drawn = draw(size, clusters, icc, (accuracy, 1 - accuracy), repeats=400)
    bootstrap, truth = ClusterBootstrap(drawn.group, draws=DRAWS), {"macro_f1": accuracy, "mcc": 2 * accuracy - 1}
    label = np.random.default_rng(1).integers(0, 2, len(drawn.group))
    hits: dict[str, list[bool]] = {"macro_f1": [], "mcc": []}
    for kind in drawn.kind:
        found = metrics_of(np.where(kind == 0, label, 1 - label), label, ("a", "b"), bootstrap)
        for name, inside in hits.items():
            low, high = getattr(found, name).interval
            inside.append(low <= truth[name] <= high)
    for inside in hits.values():
        assert np.mean(inside) >= LEAST - 3 * np.sqrt(LEAST * (1 - LEAST) / 400), np.mean(inside)


@pytest.mark.parametrize("icc", [0.0, 0.3])
def test_percentiles_alone_would_not_cover(icc: float) -> None:
    """Why few errors have a rule of their own: the same draws, by resamples alone."""
    drawn = draw("ten", 50, icc, (0.99, 0.01), repeats=200)
    bootstrap = ClusterBootstrap(drawn.group, draws=DRAWS)
    plain, ours = [], []
    for rows in drawn.kind == 0:
        low, high = bootstrap.interval(rows.astype(float)) or (1.0, 1.0)
        plain.append(low <= 0.99 <= high)
        interval = score_interval(rows, bootstrap)
        assert interval is not None
        ours.append(interval[0] <= 0.99 <= interval[1])
    assert float(np.mean(ours)) > max(0.9, float(np.mean(plain)))
