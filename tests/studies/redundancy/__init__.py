"""Hand-made test splits in which it is known which rows a probe gets right."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from neurosieve.probes import ClusterBootstrap, Probe
from neurosieve.probes.baselines import lookup_predictions, unseen
from neurosieve.studies.redundancy.opened import OpenedTest

CLASSES = 3


def opened(
    label: Sequence[int],
    text: Sequence[str],
    train: Sequence[tuple[str, int]],
    *,
    predicted: Sequence[Sequence[int]] = (),
    group: Sequence[int] | None = None,
) -> OpenedTest:
    """A test split; for each row of `predicted` there are three features that say which class it is."""
    truth = np.array(label, dtype=np.int64)
    words, known = np.array(text, dtype=object), np.array([t for t, _ in train], dtype=object)
    train_label = np.array([c for _, c in train], dtype=np.int64)
    clusters = np.array([str(g) for g in (group if group is not None else range(len(truth)))], dtype=object)
    resamples = partial(ClusterBootstrap, draws=200, seed=0)
    x = np.concatenate([np.eye(CLASSES)[np.array(p)].T for p in predicted] or [np.zeros((1, len(truth)))])
    return OpenedTest(
        x=torch.tensor(x, dtype=torch.float32),
        label=truth,
        labels=tuple(f"class{i}" for i in range(CLASSES)),
        text=words,
        group=clusters,
        train_text=known,
        train_label=train_label,
        resamples=resamples,
        bootstrap=resamples(clusters),
        unseen=unseen(known, words),
        guess=lookup_predictions(known, train_label, words, CLASSES),
    )


def reader(number: int, *, validation: float = 0.5, lam: float = 0.1) -> Probe:
    """The probe that predicts what row `number` of `predicted` says."""
    feature = np.arange(CLASSES) + CLASSES * number
    return Probe(feature, torch.eye(CLASSES), torch.zeros(CLASSES), lam, True, 0.0, validation)
