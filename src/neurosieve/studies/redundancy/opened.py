"""The test split, opened once: the rows, and how well probes do on them."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Num
from torch import Tensor

from neurosieve.activations.row_table import labels_of, texts_of
from neurosieve.activations.store import ActivationStore
from neurosieve.probes.baselines import count_predictions, lookup_predictions, majority_score, unseen
from neurosieve.probes.features import Scaler
from neurosieve.probes.intervals import ClusterBootstrap, loss_p
from neurosieve.probes.metrics import lost, metrics_of, per_class, row_scores, scored, value_metrics
from neurosieve.probes.probe import Probe
from neurosieve.results.measured import Difference, NotMeasured, Reason, Score
from neurosieve.results.redundancy_parts import Metrics, PerClass
from neurosieve.studies.config import StudyConfig
from neurosieve.typing import Scores

Mask = Bool[np.ndarray, " rows"]


@dataclass(frozen=True)
class OpenedTest:
    """All that the test split is scored with.

    Attributes:
        x: Standardised features, shape [neurons, rows].
        label: Classes, or values standardised by train, shape [rows].
        labels: Class names.
        text: Units' texts, shape [rows].
        group: Clusters, shape [rows].
        train_text: Texts of train, shape [train].
        train_label: Classes or standardised values of train, shape [train].
        resamples: Makes the bootstrap of some groups.
        bootstrap: Over all rows.
        unseen: Rows whose text is absent from train.
        guess: What the token lookup, or for whole examples the token counts, predict, shape [rows].
        whole: Each example is one unit.
        target: Train mean and standard deviation of values; None for classes.
    """

    x: Float[Tensor, "neurons rows"]
    label: Num[np.ndarray, " rows"]
    labels: tuple[str, ...]
    text: np.ndarray
    group: np.ndarray
    train_text: np.ndarray
    train_label: Num[np.ndarray, " train"]
    resamples: partial[ClusterBootstrap]
    bootstrap: ClusterBootstrap
    unseen: Mask
    guess: Num[np.ndarray, " rows"]
    whole: bool = False
    target: tuple[float, float] | None = None

    @property
    def lookup(self) -> Scores:
        """Each row's score by the text baseline."""
        return row_scores(self.guess, self.label)

    @property
    def majority(self) -> float:
        """Train's majority class scored here; of values the train mean, whose R² is 0."""
        if self.target is not None:
            return 0.0
        return majority_score(self.train_label, self.label, len(self.labels))

    @property
    def share(self) -> Float[np.ndarray, " classes"]:
        """Class distribution of train."""
        return np.bincount(self.train_label, minlength=len(self.labels)) / len(self.train_label)

    def row_scores(self, probe: Probe) -> Scores:
        """Each row's score by a probe."""
        return probe.row_scores(self.x, self.label)

    def score(self, probe: Probe) -> float:
        """Accuracy of a probe, or R²."""
        return float(self.row_scores(probe).mean())

    def scored(self, scores: Scores, rows: Mask | None = None) -> Score:
        """Mean, n and interval of rows' scores, on some rows."""
        if rows is None:
            return scored(scores, self.bootstrap)
        return scored(scores[rows], self.resamples(self.group[rows]))

    def difference(self, ours: Scores, theirs: Scores, rows: Mask | None = None) -> Difference:
        """How much better ours is, with its paired interval; on some rows."""
        if rows is None:
            return lost(ours, theirs, self.bootstrap)
        return lost(ours[rows], theirs[rows], self.resamples(self.group[rows]))

    def metrics(self, predicted: Num[np.ndarray, " rows"]) -> Metrics:
        """F1 and MCC, or correlations and error of values, with their intervals."""
        if self.target is not None:
            return value_metrics(predicted, self.label, self.target[1], self.bootstrap)
        return metrics_of(predicted, self.label, self.labels, self.bootstrap)

    def per_class(self, predicted: Num[np.ndarray, " rows"], rows: Mask | None = None) -> PerClass | NotMeasured:
        """Scores of each class, on some rows; of values there are none."""
        if self.target is not None:
            return NotMeasured.because(Reason.OF_VALUES)
        kept = np.ones(len(self.label), dtype=bool) if rows is None else rows
        return per_class(predicted[kept], self.label[kept], self.labels)

    def named(self, labels: Num[np.ndarray, " some"]) -> list[str]:
        """Names of classes, or values in their own unit."""
        if self.target is None:
            return [self.labels[c] for c in labels]
        mean, deviation = self.target
        return [f"{v:.6g}" for v in labels * deviation + mean]

    def p_outside(self, reference: Scores, scores: Scores, delta: float) -> float | None:
        """The p of the hypothesis that a set loses delta or more; None where test is one cluster."""
        return loss_p(reference, scores, delta, self.bootstrap)


def open_test(config: StudyConfig, store: ActivationStore, scaler: Scaler) -> OpenedTest:
    """Read the test rows; nothing is chosen after this."""
    train, test = store.units("train"), store.read("test")
    text, label = texts_of(train), scaler.labels(labels_of(train))
    if config.whole:
        predicted = count_predictions(text, label, test.text)
    else:
        predicted = lookup_predictions(text, label, test.text, len(test.labels))
    resamples = partial(ClusterBootstrap, draws=config.bootstrap, seed=config.seed)
    return OpenedTest(
        x=scaler.apply(test.values),
        label=scaler.labels(test.label),
        labels=test.labels,
        text=test.text,
        group=test.group,
        train_text=text,
        train_label=label,
        resamples=resamples,
        bootstrap=resamples(test.group),
        unseen=unseen(text, test.text),
        guess=predicted,
        whole=config.whole,
        target=scaler.target,
    )
