"""How well each neuron separates a property value from all other rows: scores from the sums of one pass.

A direction says whether the neuron is high or low where the value is. AUROC, average precision (as scikit-learn defines
it) and IoU (Mu & Andreas 2020, arXiv 2006.14032) come from the histograms, rows of one bin tied.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from scipy.stats import false_discovery_control
from scipy.stats import t as student

from neurosieve.concepts.neurons.histograms import BUCKETS, ConceptSums
from neurosieve.concepts.neurons.ranges import coarse_precision

_BLOCK = 64


@dataclass(frozen=True)
class ConceptScores:
    """Scores of each neuron for each property value, against all rows without it.

    Attributes:
        values: (property, value) of each column.
        n: Rows with the value, shape [values].
        rows: Rows in all.
        low: The neuron is low where the value is: scores are those of its negative, shape [neurons, values].
        auroc: Area under the ROC curve in that direction, shape [neurons, values].
        ap: Average precision in that direction, shape [neurons, values].
        iou: Intersection over union with the rows beyond the best threshold, shape [neurons, values].
        threshold: First bin beyond that threshold, counted in the direction, shape [neurons, values].
        effect: Difference of means in pooled standard deviations (Cohen's d), shape [neurons, values].
        z: Difference of means over its standard error between files, shape [neurons, values].
        p: Two-sided, of z, shape [neurons, values].
        q: Benjamini–Hochberg of p over all neurons and values, shape [neurons, values].
        selectivity: AUROC in that direction on the rows with some value of the same property, shape [neurons, values].
        range_ap: Average precision of the best range of whole fourfold bins (see `ranges`); nan where it was not
            looked for, shape [neurons, values].
    """

    values: tuple[tuple[str, str], ...]
    n: Int[np.ndarray, " values"]
    rows: int
    low: Bool[np.ndarray, "neurons values"]
    auroc: Float[np.ndarray, "neurons values"]
    ap: Float[np.ndarray, "neurons values"]
    iou: Float[np.ndarray, "neurons values"]
    threshold: Int[np.ndarray, "neurons values"]
    effect: Float[np.ndarray, "neurons values"]
    z: Float[np.ndarray, "neurons values"]
    p: Float[np.ndarray, "neurons values"]
    q: Float[np.ndarray, "neurons values"]
    selectivity: Float[np.ndarray, "neurons values"]
    range_ap: Float[np.ndarray, "neurons values"]

    def to_frame(self, neurons: Int[np.ndarray, "neurons 2"], top: int = 10) -> pl.DataFrame:
        """The neurons of the highest average precision for each value; `neurons` gives their (layer, index)."""
        parts = []
        for v, (name, value) in enumerate(self.values):
            best = np.argsort(-self.ap[:, v], kind="stable")[:top]
            keys = ("low", "auroc", "ap", "iou", "effect", "z", "q", "selectivity", "range_ap")
            columns = {k: getattr(self, k)[best, v] for k in keys}
            about = {"property": [name] * len(best), "value": [value] * len(best)}
            parts.append(pl.DataFrame(about | {"layer": neurons[best, 0], "index": neurons[best, 1]} | columns))
        return pl.concat(parts)


def concept_scores(
    sums: ConceptSums, low: Bool[np.ndarray, "neurons values"] | None = None, *, ranges: bool = False
) -> ConceptScores:
    """Scores from sums.

    Args:
        sums: Of the rows.
        low: Directions that were found on other rows; by default each neuron takes its better one.
        ranges: Look for ranges too.

    A value without a row, or that all rows have, scores nan.
    """
    blocks = [slice(i, i + _BLOCK) for i in range(0, len(sums.centre), _BLOCK)]
    parts = [_block(sums, columns, None if low is None else low[columns], ranges) for columns in blocks]
    scores = {k: np.concatenate([part[k] for part in parts]) for k in parts[0]}
    z = _z(sums)
    p = np.asarray(2 * student.sf(np.abs(z), _freedom(sums)))
    n = sums.positive_rows.sum(0)
    return ConceptScores(
        sums.values, n, int(sums.rows.sum()), effect=_effect(sums), z=z, p=p, q=_false_discoveries(p), **scores
    )


def joined(parts: Sequence[ConceptScores], columns: Sequence[int] | None = None) -> ConceptScores:
    """Scores of several blocks of neurons on the same rows, of some values; q is computed again over all of them."""
    chosen = list(range(len(parts[0].values))) if columns is None else list(columns)
    arrays = {k: np.concatenate([getattr(part, k)[:, chosen] for part in parts]) for k in _BY_NEURON}
    values = tuple(parts[0].values[v] for v in chosen)
    return ConceptScores(values, parts[0].n[chosen], parts[0].rows, **arrays | {"q": _false_discoveries(arrays["p"])})


_BY_NEURON = ("low", "auroc", "ap", "iou", "threshold", "effect", "z", "p", "q", "selectivity", "range_ap")


def _false_discoveries(p: np.ndarray) -> np.ndarray:
    known = np.isfinite(p)
    q = np.full_like(p, np.nan)
    q[known] = false_discovery_control(p[known])
    return q


def precision_of_bins(
    positive: Float[np.ndarray, "some bins"], rest: Float[np.ndarray, "some bins"]
) -> Float[np.ndarray, " some"]:
    """Average precision from rows a bin, rising, those of one bin tied; nan without a row of either kind."""
    return _precision(positive, rest, *_from_the_top(positive, rest))


def area_of_bins(
    positive: Float[np.ndarray, "some bins"], rest: Float[np.ndarray, "some bins"]
) -> Float[np.ndarray, " some"]:
    """AUROC from rows a bin, rising, those of one bin tied; nan without a row of either kind."""
    return _auroc(positive, rest)


def _block(sums: ConceptSums, columns: slice, low: np.ndarray | None, ranges: bool) -> dict[str, np.ndarray]:
    positive = sums.positive[columns].astype(np.float64)
    rest = sums.histogram[columns, :, None] - positive
    unknown = np.full((len(positive), positive.shape[2]), np.nan)
    range_ap = coarse_precision(sums.positive[columns], sums.histogram[columns]) if ranges else unknown
    if low is None:
        low = _auroc(positive, rest) < 0.5
    names = list(dict.fromkeys(p for p, _ in sums.values))
    applies = sums.applies[columns][..., [names.index(p) for p, _ in sums.values]]
    turned = low[:, None, :]
    positive, rest, others = (
        np.where(turned, part[:, ::-1], part) for part in (positive, rest, applies - sums.positive[columns])
    )
    ap, iou, threshold = _beyond(positive, rest)
    return {
        "low": low,
        "auroc": _auroc(positive, rest),
        "ap": ap,
        "iou": iou,
        "threshold": threshold,
        "selectivity": _auroc(positive, others.astype(np.float64)),
        "range_ap": range_ap,
    }


def _auroc(positive: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Share of (positive, other) pairs in the right order, ties half; nan if there is none of either."""
    below = np.cumsum(rest, 1) - rest / 2
    pairs = positive.sum(1) * rest.sum(1)
    auroc: np.ndarray = np.divide((positive * below).sum(1), pairs, out=np.full_like(pairs, np.nan), where=pairs > 0)
    return auroc


def _from_the_top(positive: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows with the value, and all rows, beyond each threshold from the top down."""
    return np.cumsum(positive[:, ::-1], 1), np.cumsum((positive + rest)[:, ::-1], 1)


def _precision(positive: np.ndarray, rest: np.ndarray, hits: np.ndarray, claimed: np.ndarray) -> np.ndarray:
    """Average precision; nan if there is no row of either kind."""
    precision = np.divide(hits, claimed, out=np.zeros_like(hits), where=claimed > 0)
    total = hits[:, -1]
    some = np.where((total > 0) & (rest.sum(1) > 0), total, np.nan)
    ap: np.ndarray = (positive[:, ::-1] * precision).sum(1) / some
    return ap


def _beyond(positive: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average precision, the best IoU and its bin, over thresholds from the top down."""
    hits, claimed = _from_the_top(positive, rest)
    ap = _precision(positive, rest, hits, claimed)
    union = claimed + hits[:, -1:] - hits
    iou = np.divide(hits, union, out=np.zeros_like(hits), where=union > 0)
    best = iou.argmax(1)
    best_iou = np.take_along_axis(iou, best[:, None], 1)[:, 0]
    return ap, np.where(np.isnan(ap), np.nan, best_iou), positive.shape[1] - 1 - best


def _means(sums: ConceptSums) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows with a value and without, and the means of z over them."""
    with_value = sums.positive_rows.sum(0).astype(np.float64)
    without = sums.rows.sum() - with_value
    high = sums.positive_total.sum(0, dtype=np.float64)
    rest = sums.total.sum(0)[:, None] - high
    with np.errstate(invalid="ignore", divide="ignore"):
        return with_value, without, high / with_value, rest / without


def _effect(sums: ConceptSums) -> np.ndarray:
    with_value, without, high, rest = _means(sums)
    spread = sums.squares[:, None] - with_value * high**2 - without * rest**2
    with np.errstate(invalid="ignore", divide="ignore"):
        effect: np.ndarray = (high - rest) / np.sqrt(spread / (with_value + without - 2))
    return effect


def _z(sums: ConceptSums) -> np.ndarray:
    """The difference of means over its standard error, by the spread between buckets of files (sandwich)."""
    with_value, without, high, rest = _means(sums)
    used = np.flatnonzero(sums.rows)
    square = np.zeros_like(high)
    with np.errstate(invalid="ignore", divide="ignore"):
        for g in used:
            positive, other = sums.positive_total[g], sums.total[g][:, None] - sums.positive_total[g]
            n, m = sums.positive_rows[g], sums.rows[g] - sums.positive_rows[g]
            square += ((positive - n * high) / with_value - (other - m * rest) / without) ** 2
        z: np.ndarray = (high - rest) / np.sqrt(square * len(used) / max(len(used) - 1, 1))
    return np.where(_freedom(sums) > 0, z, np.nan)


def _freedom(sums: ConceptSums) -> Int[np.ndarray, " values"]:
    """Degrees of freedom: buckets that hold the value, less one."""
    freedom = np.minimum((sums.positive_rows > 0).sum(0), BUCKETS) - 1
    return np.asarray(np.maximum(freedom, 0))
