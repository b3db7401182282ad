"""The test split, opened once: the rows, what probes get right on them, and how scores are written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.activations.store import ActivationStore
from neurosieve.config import StudyConfig
from neurosieve.probes.baselines import count_predictions, lookup_predictions, majority_label, unseen
from neurosieve.probes.features import Scaler
from neurosieve.probes.intervals import ClusterBootstrap, accuracy_interval, loss_interval
from neurosieve.probes.metrics import metrics_of
from neurosieve.probes.probe import Probe

Hits = Bool[np.ndarray, " rows"]


@dataclass(frozen=True)
class OpenedTest:
    """All that the test split is scored with.

    Attributes:
        x: Standardised features, shape [neurons, rows].
        label: Classes, shape [rows].
        labels: Class names.
        text: Units' texts, shape [rows].
        group: Clusters, shape [rows].
        train_text: Texts of train, shape [train].
        train_label: Classes of train, shape [train].
        resamples: Makes the bootstrap of some groups.
        bootstrap: Over all rows.
        unseen: Rows whose text is absent from train.
        guess: What the token lookup, or for whole examples the token counts, predict, shape [rows].
        whole: Each example is one unit.
    """

    x: Float[Tensor, "neurons rows"]
    label: Int[np.ndarray, " rows"]
    labels: tuple[str, ...]
    text: np.ndarray
    group: np.ndarray
    train_text: np.ndarray
    train_label: Int[np.ndarray, " train"]
    resamples: partial[ClusterBootstrap]
    bootstrap: ClusterBootstrap
    unseen: Hits
    guess: Int[np.ndarray, " rows"]
    whole: bool = False

    @property
    def lookup(self) -> Hits:
        """Rows that the text baseline gets right."""
        hits: Hits = self.guess == self.label
        return hits

    @property
    def majority(self) -> float:
        """Train's majority class scored here."""
        return float((self.label == majority_label(self.train_label, len(self.labels))).mean())

    @property
    def share(self) -> Float[np.ndarray, " classes"]:
        """Class distribution of train."""
        return np.bincount(self.train_label, minlength=len(self.labels)) / len(self.train_label)

    def correct(self, probe: Probe) -> Hits:
        """Rows that a probe gets right."""
        return probe.correct(self.x, self.label)

    def score(self, probe: Probe) -> float:
        """Accuracy of a probe."""
        return float(self.correct(probe).mean())

    def scored(self, hits: Hits, rows: Hits | None = None) -> dict[str, Any]:
        """Score, n and interval of some hits, on some rows."""
        if rows is None:
            return scored(hits, self.bootstrap)
        return scored(hits[rows], self.resamples(self.group[rows]))

    def difference(
        self, ours: Hits | Float[np.ndarray, " rows"], theirs: Float[np.ndarray, " rows"], rows: Hits | None = None
    ) -> dict[str, Any]:
        """How much better ours is, with its paired interval; on some rows."""
        gain = ours.astype(np.float64) - theirs.astype(np.float64)
        if rows is not None:
            gain = gain[rows]
        bootstrap = self.bootstrap if rows is None else self.resamples(self.group[rows])
        return {"value": float(gain.mean()), "interval": list(bootstrap.interval(gain))}

    def metrics(self, predicted: Int[np.ndarray, " rows"]) -> dict[str, Any]:
        """F1 and MCC with their intervals."""
        return metrics_of(predicted, self.label, self.labels, self.bootstrap)

    def loss(self, reference: Hits, hits: Hits) -> dict[str, Any]:
        """How much a set loses, with its paired interval."""
        value, interval = loss_interval(reference, hits, self.bootstrap)
        return {"value": value, "interval": list(interval)}


def open_test(config: StudyConfig, store: ActivationStore, scaler: Scaler) -> OpenedTest:
    """Read the test rows; nothing is chosen after this."""
    train, test = store.units("train"), store.read("test")
    text, label = np.array(train["text"].to_pylist(), dtype=object), train["label_id"].to_numpy()
    if config.whole:
        predicted = count_predictions(text, label, test.text)
    else:
        predicted = lookup_predictions(text, label, test.text, len(test.labels))
    resamples = partial(ClusterBootstrap, draws=config.bootstrap, seed=config.seed)
    return OpenedTest(
        x=scaler.apply(test.values),
        label=test.label,
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
    )


def scored(hits: Hits, bootstrap: ClusterBootstrap) -> dict[str, Any]:
    """Score, n and interval."""
    return {"score": float(hits.mean()), "n": len(hits), "interval": list(accuracy_interval(hits, bootstrap))}


def as_test(part: Mapping[str, Any]) -> dict[str, Any]:
    """The same under the key that a set's or layer's score has in the summary."""
    return {"test" if k == "score" else k: v for k, v in part.items()}


def spread(scores: Sequence[float]) -> dict[str, float]:
    """Mean and range of some draws."""
    return {"mean": float(np.mean(scores)), "lo": float(min(scores)), "hi": float(max(scores))}


def missing(reason: str, **known: Any) -> dict[str, Any]:
    """A part that could not be measured."""
    return {"score": None, **known, "reason": reason}
