"""The score of a row, and scores other than its mean: by class, F1 and correlations with intervals."""

from collections.abc import Callable, Sequence
from statistics import fmean

import numpy as np
from jaxtyping import Float, Int, Num

from neurosieve.data.dataset import are_values
from neurosieve.probes.intervals import ClusterBootstrap, errors_are_few, loss_interval, percentiles, score_interval
from neurosieve.results.measured import Difference, Score, Spread
from neurosieve.results.redundancy_parts import F1, ClassMetrics, ClassScore, Measure, ValueMetrics
from neurosieve.typing import Scores

MIN_ROWS = 30


def row_scores(predicted: Num[np.ndarray, " rows"], label: Num[np.ndarray, " rows"]) -> Scores:
    """Right or wrong; for values, whose train mean is 0, R² with the row's share in how R² varies.

    The mean is the accuracy, or R² = 1 − mean (y − ŷ)² / mean y² against the constant train mean. A row of a value adds
    its linear influence on that ratio (the delta method), so that the spread of means over resamples is that of R² over
    them: a probe that predicts the train mean has 0 in each row, and not 1 − y² / mean y². Means are those of R² over
    all rows given; over a part of them they are close to it alone.
    """
    if not are_values(label):
        hits: Scores = predicted == label
        return hits
    error, total = (label - predicted) ** 2, label**2
    left = error.mean() / total.mean()
    influence: Scores = 1 - left - (error - left * total) / total.mean()
    return influence


def scored(scores: Scores, bootstrap: ClusterBootstrap) -> Score:
    """Mean score, n and interval; no interval for one cluster of rows."""
    return Score(value=float(scores.mean()), n=len(scores), interval=score_interval(scores, bootstrap))


def lost(reference: Scores, other: Scores, bootstrap: ClusterBootstrap) -> Difference:
    """How much score `other` loses against `reference` on the same rows; see `loss_interval`."""
    value, interval = loss_interval(reference, other, bootstrap)
    return Difference(value=value, interval=interval)


def per_class(
    predicted: Int[np.ndarray, " rows"], label: Int[np.ndarray, " rows"], labels: Sequence[str]
) -> dict[str, ClassScore]:
    """Scores of each class on some rows; none, with a reason, below 30 rows."""
    scores: dict[str, ClassScore] = {}
    for number, name in enumerate(labels):
        truth, guess = label == number, predicted == number
        n, hits = int(truth.sum()), int((truth & guess).sum())
        if n < MIN_ROWS:
            reason = f"{n} rows; at least {MIN_ROWS} are needed"
            scores[name] = ClassScore(n=n, recall=None, precision=None, f1=None, reason=reason)
        else:
            claimed = int(guess.sum())
            precision = hits / claimed if claimed else 0.0
            scores[name] = ClassScore(n=n, recall=hits / n, precision=precision, f1=2 * hits / (n + claimed))
    return scores


def metrics_of(
    predicted: Int[np.ndarray, " rows"],
    label: Int[np.ndarray, " rows"],
    labels: Sequence[str],
    bootstrap: ClusterBootstrap,
) -> ClassMetrics:
    """Macro F1, Matthews' correlation and, of two classes, the F1 of the second, each with its 95 % interval.

    The second of two labels in order is `1` or `True`: the one that a data set calls positive. Where errors are few the
    interval is that of the accuracy, carried over: the measure with as many errors as either end has, of like kinds.
    """
    classes = len(labels)
    here = np.bincount(label * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    hits = predicted == label
    if errors_are_few(hits, bootstrap):
        ends = score_interval(hits, bootstrap)
        cells = None if ends is None else np.stack([_with_accuracy(here, accuracy) for accuracy in ends])
    else:
        counts = np.concatenate(list(bootstrap.counts(label * classes + predicted, classes * classes)))
        cells = counts.reshape(-1, classes, classes)

    def measured(measure: Callable[[np.ndarray], np.ndarray]) -> Measure:
        return _with_interval(measure(here[None]), None if cells is None else measure(cells))

    second = measured(lambda c: f1_scores(c)[:, 1]) if classes == 2 else None
    return ClassMetrics(
        macro_f1=measured(lambda c: f1_scores(c).mean(1)),
        mcc=measured(matthews),
        f1=F1(value=second.value, interval=second.interval, positive=labels[1]) if second else None,
    )


def _with_accuracy(confusion: np.ndarray, accuracy: float) -> np.ndarray:
    """The same rows of each class, with as many errors as an accuracy asks for, dealt as those that were made.

    Without any, each class errs as often as another, and equally towards each other class.
    """
    rows, made = confusion.sum(1).astype(np.float64), confusion * (1.0 - np.eye(len(confusion)))
    if not made.sum():
        made = rows[:, None] * (1.0 - np.eye(len(confusion)))
    errors = made * ((1 - accuracy) * rows.sum() / made.sum())
    errors *= np.minimum(1.0, rows / np.maximum(errors.sum(1), 1e-300))[:, None]  # no class errs on more than its rows
    return np.asarray(errors + np.diag(rows - errors.sum(1)))


def _with_interval(value: Float[np.ndarray, " one"], draws: Float[np.ndarray, " draws"] | None) -> Measure:
    """Of two draws they are the ends."""
    if draws is None:
        return Measure(value=float(value[0]), interval=None)
    interval = (float(draws.min()), float(draws.max())) if len(draws) == 2 else percentiles(draws)
    return Measure(value=float(value[0]), interval=interval)


def f1_scores(confusion: np.ndarray) -> Float[np.ndarray, "draws classes"]:
    """F1 of each class of confusion matrices [draws, true, predicted]; 0 where a class neither is nor is claimed."""
    hits = np.diagonal(confusion, axis1=1, axis2=2).astype(np.float64)
    scores: Float[np.ndarray, "draws classes"] = 2 * hits / np.maximum(confusion.sum(1) + confusion.sum(2), 1)
    return scores


def matthews(confusion: np.ndarray) -> Float[np.ndarray, " draws"]:
    """Matthews' correlation of confusion matrices [draws, true, predicted] (Gorodkin 2004); 0 where undefined."""
    c = confusion.astype(np.float64)
    n, hits = c.sum((1, 2)), np.trace(c, axis1=1, axis2=2)
    true, claimed = c.sum(2), c.sum(1)
    above = hits * n - (true * claimed).sum(1)
    below = np.sqrt((n**2 - (true**2).sum(1)) * (n**2 - (claimed**2).sum(1)))
    result: Float[np.ndarray, " draws"] = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return result


def value_metrics(
    predicted: Float[np.ndarray, " rows"],
    value: Float[np.ndarray, " rows"],
    unit: float,
    bootstrap: ClusterBootstrap,
) -> ValueMetrics:
    """Pearson's and Spearman's correlation and the mean absolute error of values, each with its 95 % interval.

    Args:
        predicted: Standardised.
        value: Standardised.
        unit: What 1 is in the labels' own unit, in which the error is given.
        bootstrap: Over the same rows.

    Cost: draws × rows for either correlation; ranks are computed again in each resample.
    """
    here, error = np.ones((1, len(value))), unit * np.abs(value - predicted)

    def measured(measure: Callable[..., Float[np.ndarray, " draws"]]) -> Measure:
        draws = np.concatenate([measure(predicted, value, weight) for weight in bootstrap.weights()])
        return _with_interval(measure(predicted, value, here), draws)

    mae = Measure(value=float(error.mean()), interval=bootstrap.interval(error))
    return ValueMetrics(pearson=measured(correlation), spearman=measured(rank_correlation), mae=mae)


def correlation(
    a: Float[np.ndarray, "#draws rows"] | Float[np.ndarray, " rows"],
    b: Float[np.ndarray, "#draws rows"] | Float[np.ndarray, " rows"],
    weight: Float[np.ndarray, "draws rows"],
) -> Float[np.ndarray, " draws"]:
    """Pearson's correlation where row i counts `weight[:, i]` times; 0 where one side does not vary."""
    n = weight.sum(1, keepdims=True)
    # From the first row on, so that a side that does not vary is exactly 0.
    a, b = (side - side[..., :1] for side in (a, b))
    a, b = (side - (weight * side).sum(1, keepdims=True) / n for side in (a, b))
    above, below = (weight * a * b).sum(1), np.sqrt((weight * a**2).sum(1) * (weight * b**2).sum(1))
    result: Float[np.ndarray, " draws"] = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return result


def rank_correlation(
    a: Float[np.ndarray, " rows"], b: Float[np.ndarray, " rows"], weight: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, " draws"]:
    """Spearman's correlation, likewise."""
    return correlation(_ranks(a, weight), _ranks(b, weight), weight)


def _ranks(
    values: Float[np.ndarray, " rows"], weight: Float[np.ndarray, "draws rows"]
) -> Float[np.ndarray, "draws rows"]:
    """Mean ranks if row i occurs `weight[:, i]` times; equal values share theirs."""
    names, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.searchsorted(place[order], np.arange(len(names)))
    held = np.add.reduceat(weight[:, order], first, axis=1)
    ranks: Float[np.ndarray, "draws rows"] = (held.cumsum(1) - (held - 1) / 2)[:, place]
    return ranks


def spread(scores: Sequence[float]) -> Spread:
    """Mean, median and range of some draws."""
    return Spread(
        mean=fmean(scores),  # the same in whatever order they come
        median=float(np.median(scores)),
        low=float(min(scores)),
        high=float(max(scores)),
    )
