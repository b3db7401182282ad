"""The summary: the one place where the test split is opened. Keys as METHOD.md, "summary.json"."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int
from torch import Tensor

from neurosieve.activations.store import Activations, ActivationStore
from neurosieve.config import StudyConfig
from neurosieve.probes.baselines import lookup_predictions, majority_label, unseen
from neurosieve.probes.intervals import ClusterBootstrap, accuracy_interval, loss_interval
from neurosieve.probes.metrics import MIN_ROWS, per_class
from neurosieve.probes.probe import Probe
from neurosieve.redundancy import MinimalSet
from neurosieve.selection import Selection

FORMAT = 1


@dataclass(frozen=True)
class Summary:
    """A study's outcome; `record` is the content of `summary.json`."""

    record: dict[str, Any]

    @property
    def headline(self) -> str:
        """The finding in one sentence."""
        return str(self.record["headline"])

    def to_frame(self) -> pl.DataFrame:
        """One row a smallest set; empty where none can be claimed."""
        rows = self.record["minimal_sets"] or []
        return pl.DataFrame(
            [
                {
                    "ranking": s["ranking"],
                    "delta": s["delta"],
                    "select": s["select"],
                    "size": s["size"],
                    "test": s["test"],
                    "loss": s["test_loss"]["value"],
                    "loss_low": s["test_loss"]["interval"][0],
                    "loss_high": s["test_loss"]["interval"][1],
                    "random_size": s["random_size"]["median"],
                }
                for s in rows
            ]
        )

    def _repr_html_(self) -> str:
        return f"<p>{self.headline}</p>{self.to_frame()._repr_html_()}"


@dataclass(frozen=True)
class _Test:
    """The opened test split: standardised features, truth and resamples."""

    x: Float[Tensor, "neurons rows"]
    label: Int[np.ndarray, " rows"]
    bootstrap: ClusterBootstrap

    def correct(self, probe: Probe) -> Bool[np.ndarray, " rows"]:
        return probe.correct(self.x, self.label)

    def score(self, probe: Probe) -> float:
        return float(self.correct(probe).mean())


def summarise(config: StudyConfig, store: ActivationStore, selection: Selection) -> dict[str, Any]:
    """Open the test split and score what was chosen without it.

    Returns:
        The summary without what only the run knows (times, hashes).
    """
    train = store.table("train")
    opened = store.read("test")
    resamples = partial(ClusterBootstrap, draws=config.bootstrap, seed=config.seed)
    view = _Test(selection.scaler.apply(opened.values), opened.label, resamples(opened.group))
    texts = np.array(train["text"].to_pylist(), dtype=object)
    labels = train["label_id"].to_numpy()
    oracle = _oracle(view, selection, opened.labels)
    lookup = lookup_predictions(texts, labels, opened.text, len(opened.labels)) == opened.label
    majority = float((opened.label == majority_label(labels, len(opened.labels))).mean())
    at_chance = oracle["interval"][0] <= majority
    reason = f"the oracle's lower bound {oracle['interval'][0]:.3f} is not above the majority class's {majority:.3f}"
    sets = None if at_chance else [_minimal_set(view, selection, s) for s in selection.sets]
    first = selection.sets[0]
    record = _studied(config, store, len(selection.scaler.dead)) | {
        "oracle": oracle,
        "baselines": {
            "majority": majority,
            "token_lookup": _scored(lookup, view.bootstrap),
            "layer0": _scored(view.correct(selection.layer0), view.bootstrap)
            | {"validation": selection.layer0.validation},
            "random_neurons": {"size": first.size, **_spread([view.score(p) for p in first.random_probes])},
        },
        "unseen": {"natural": _unseen(view, selection.oracle.probe, texts, opened, lookup, resamples)},
        "minimal_sets": sets,
        "seeds": {"study": config.seed, "random_draws": config.random_draws, "bootstrap": config.bootstrap},
    }
    if at_chance:
        record["minimal_sets_reason"] = reason
    record["headline"] = headline(record)
    return record


def _studied(config: StudyConfig, store: ActivationStore, dead: int) -> dict[str, Any]:
    """What was analysed."""
    manifest = store.manifest
    return {
        "format": FORMAT,
        "headline": "",
        "model": config.model,
        "revision": manifest.revision,
        "task": config.task,
        "metric": "accuracy",
        "protocol": "sound",
        "layers": manifest.layers,
        "neurons": manifest.layers * manifest.width,
        "dead": dead,
        "labels": manifest.labels,
        "rows": manifest.rows,
        "units": manifest.counts,
        "long_examples": manifest.long_examples,
    }


def _oracle(view: _Test, selection: Selection, labels: Sequence[str]) -> dict[str, Any]:
    probe = selection.oracle.probe
    predicted = probe.predict(view.x)
    return {
        "validation": probe.validation,
        **_renamed(_scored(predicted == view.label, view.bootstrap)),
        "lambda": probe.lam,
        "converged": probe.converged,
        "path": [
            dict(zip(("lambda", "validation", "nonzero", "converged"), p, strict=True)) for p in selection.oracle.path
        ],
        "per_class": per_class(predicted, view.label, labels),
    }


def _scored(correct: Bool[np.ndarray, " rows"], bootstrap: ClusterBootstrap) -> dict[str, Any]:
    return {
        "score": float(correct.mean()),
        "n": len(correct),
        "interval": list(accuracy_interval(correct, bootstrap)),
    }


def _renamed(scored: dict[str, Any]) -> dict[str, Any]:
    return {"test" if k == "score" else k: v for k, v in scored.items()}


def _spread(scores: Sequence[float]) -> dict[str, float]:
    return {"mean": float(np.mean(scores)), "lo": float(min(scores)), "hi": float(max(scores))}


def _unseen(
    view: _Test,
    probe: Probe,
    train_text: np.ndarray,
    test: Activations,
    lookup: Bool[np.ndarray, " rows"],
    resamples: partial[ClusterBootstrap],
) -> dict[str, Any]:
    """Scores on test rows whose exact text is absent from train."""
    rows = unseen(train_text, test.text)
    n = int(rows.sum())
    if n < MIN_ROWS:
        return {"score": None, "n": n, "reason": f"{n} unseen rows; at least {MIN_ROWS} are needed"}
    predicted = probe.predict(view.x)[rows]
    truth = test.label[rows]
    bootstrap = resamples(test.group[rows])
    return _scored(predicted == truth, bootstrap) | {
        "token_lookup": _scored(lookup[rows], bootstrap),
        "per_class": per_class(predicted, truth, test.labels),
    }


def _minimal_set(view: _Test, selection: Selection, found: MinimalSet) -> dict[str, Any]:
    correct = view.correct(found.probe)
    loss, interval = loss_interval(view.correct(selection.oracle.probe), correct, view.bootstrap)
    sizes = found.random_sizes
    return {
        "ranking": found.ranking,
        "delta": found.delta,
        "select": found.select,
        "size": found.size,
        "validation": found.probe.validation,
        **_renamed(_scored(correct, view.bootstrap)),
        "converged": found.probe.converged,
        "test_loss": {"value": loss, "interval": list(interval)},
        "random_same_size": _spread([view.score(p) for p in found.random_probes]),
        "random_size": {"median": float(np.median(sizes)), "lo": min(sizes), "hi": max(sizes)},
        "neurons": selection.scaler.neurons[found.probe.feature].tolist(),
    }


def headline(record: dict[str, Any]) -> str:
    """The finding in one sentence, with the control that puts it in its place."""
    if record["minimal_sets"] is None:
        return f"Nothing can be said: {record['minimal_sets_reason']}."
    best = record["minimal_sets"][0]
    points = 100 * best["delta"]
    share = 100 * (1 - best["size"] / record["neurons"])
    low, high = (100 * v for v in best["test_loss"]["interval"])
    ratio = best["random_size"]["median"] / best["size"]
    held = "" if low <= points else " That loss is above what was allowed."
    return (
        f"{share:.1f} % of {record['neurons']:,} neurons can go: {best['size']} stay within {points:g} point(s) of the"
        f" oracle's {100 * record['oracle']['test']:.1f} % (loss on test {100 * best['test_loss']['value']:.2f} points,"
        f" 95 % interval {low:.2f} to {high:.2f}); random neurons need {ratio:.1f} × as many.{held}"
    )
