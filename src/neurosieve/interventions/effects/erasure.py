"""Is an erased value gone? A fresh probe for it, on one layer's rows before and after, and after random erasers."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from neurosieve.activations.store import Activations
from neurosieve.concepts.rows import ConceptStore
from neurosieve.errors import DataError
from neurosieve.interventions.edits import Erase
from neurosieve.interventions.leace import Eraser
from neurosieve.probes import ClusterBootstrap, SelectionData, fit_oracle, selection_data
from neurosieve.probes.intervals import score_interval
from neurosieve.results.interventions import Erasure, ProbeScore
from neurosieve.typing import SPLITS, Split

ROWS: dict[Split, int] = {"train": 1000, "validation": 300, "test": 500}  # of either kind


def measure_erasure(
    store: ConceptStore, name: str, value: int, erase: Erase, control: Erase, *, draws: int = 2000, seed: int = 0
) -> Erasure:
    """Accuracy of probes on as many held-out rows with the value as without, so that a guess has one half.

    Each probe is newly trained on what an eraser leaves, λ chosen on validation, and scored once on test.

    Args:
        store: Of the view that the erasers were fitted in.
        name: Of the property.
        value: Number of the value.
        erase: The edit.
        control: One of the same layer, of as many random directions.
        draws: Of the bootstrap.
        seed: Of the rows.

    Raises:
        DataError: A split without rows of either kind.

    Cost: three λ paths on 2,000 × width rows.
    """
    rows = {split: _balanced(store, split, name, value, erase.layer, seed) for split in SPLITS}
    bootstrap = ClusterBootstrap(rows["test"].group, draws=draws, seed=seed)

    def scored(eraser: Eraser | None) -> ProbeScore:
        hits = _hits(rows, eraser)
        return ProbeScore(score=float(hits.mean()), interval=score_interval(hits, bootstrap))

    return Erasure(
        layer=erase.layer,
        rank=erase.eraser.rank,
        n=len(rows["test"].label),
        majority=0.5,
        before=scored(None),
        after=scored(erase.eraser),
        control=scored(control.eraser),
    )


def _balanced(store: ConceptStore, split: Split, name: str, value: int, layer: int, seed: int) -> Activations:
    """As many rows with the value as without, of one layer."""
    rng = np.random.default_rng(seed)
    has: Bool[np.ndarray, " rows"] = store.codes(name, split) == value
    count = min(int(has.sum()), int((~has).sum()), ROWS[split])
    if not count:
        raise DataError(
            f"rows of {name} in {split}",
            expected="some of either kind",
            got="none",
            remedy="look for concepts in more tokens",
        )
    kept = np.sort(np.concatenate([rng.permutation(np.flatnonzero(side))[:count] for side in (has, ~has)]))
    groups, texts = store.groups(split), store.texts(split)
    return Activations(
        store.take(split, kept, [layer]),
        store.neurons[store.grid.layer(layer)],
        has[kept].astype(np.int64),
        ("other", store.table.values[name][value]),
        np.array([groups[i] for i in kept], dtype=object),
        np.array([texts[i] for i in kept], dtype=object),
    )


def _hits(rows: dict[Split, Activations], eraser: Eraser | None) -> Bool[np.ndarray, " rows"]:
    """Which test rows a fresh probe gets right."""
    left = {split: _erased(part, eraser) for split, part in rows.items()}
    data: SelectionData = selection_data(left["train"], left["validation"])
    probe = fit_oracle(data).probe
    hits: Bool[np.ndarray, " rows"] = probe.row_scores(data.scaler.apply(left["test"].values), left["test"].label)
    return hits


def _erased(rows: Activations, eraser: Eraser | None) -> Activations:
    if eraser is None:
        return rows
    values: Float[Tensor, "rows width"] = eraser.apply(rows.values.double()).to(torch.float32)
    return Activations(values, rows.neurons, rows.label, rows.labels, rows.group, rows.text)
